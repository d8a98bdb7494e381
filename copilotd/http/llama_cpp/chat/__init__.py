"""POST /chat/completions: OpenAI's chat with what llama.cpp's server adds to it."""

from copilotd.http.llama_cpp.chat.router import router

__all__ = ["router"]
