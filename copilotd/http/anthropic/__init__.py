"""Anthropic's dialect: /v1/messages, and the count of a conversation's tokens."""

from copilotd.http.anthropic.router import router

__all__ = ["router"]
