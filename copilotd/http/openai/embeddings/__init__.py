"""POST /v1/embeddings: texts as vectors."""

from copilotd.http.openai.embeddings.router import router

__all__ = ["router"]
