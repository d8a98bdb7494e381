"""GET /props, /slots, /metrics and /models: what runs, and how it is doing."""

from copilotd.http.llama_cpp.server.router import router

__all__ = ["router"]
