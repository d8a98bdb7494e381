"""POST /tokenize, /detokenize and /apply-template: what the model reads."""

from copilotd.http.llama_cpp.tokens.router import router

__all__ = ["router"]
