"""POST /chat/completions: OpenAI's chat completions, with what llama.cpp's server adds."""

from copilotd.http.llama_cpp.chat.router import router

__all__ = ["router"]
