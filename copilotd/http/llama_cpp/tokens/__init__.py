"""POST /tokenize, /detokenize and /apply-template: prompts as tokens and as text."""

from copilotd.http.llama_cpp.tokens.router import router

__all__ = ["router"]
