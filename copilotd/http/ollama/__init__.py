"""Ollama's dialect: /api/chat, /api/generate, /api/embed, and the list of the models."""

from copilotd.http.ollama.errors import ERRORS
from copilotd.http.ollama.router import router

__all__ = ["ERRORS", "router"]
