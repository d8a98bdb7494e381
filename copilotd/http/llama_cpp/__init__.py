"""The dialect of llama.cpp's server.

One folder per group of endpoints, each with its router, its schema and its conversion; what they
share stands beside them.
"""

from copilotd.http.llama_cpp.router import router

__all__ = ["router"]
