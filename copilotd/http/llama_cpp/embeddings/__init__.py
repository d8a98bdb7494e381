"""POST /embedding and /embeddings: texts as vectors."""

from copilotd.http.llama_cpp.embeddings.router import router

__all__ = ["router"]
