"""Ollama's dialect: /api/chat, /api/generate, /api/embed, and what tells of the models."""

from copilotd.http.ollama.router import router

__all__ = ["router"]
