"""POST /infill: ghost text for llama.vim and llama.vscode."""

from copilotd.http.llama_cpp.infill.router import router

__all__ = ["router"]
