"""POST /v1/chat/completions: answer a conversation."""

from copilotd.http.openai.chat.router import router

__all__ = ["router"]
