"""POST /completion and /completions: continue a text."""

from copilotd.http.llama_cpp.completion.router import router

__all__ = ["router"]
