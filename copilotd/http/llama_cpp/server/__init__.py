"""GET /props, /slots, /metrics and /models: the model, the load of the server, and its counts."""

from copilotd.http.llama_cpp.server.router import router

__all__ = ["router"]
