"""The dialect of llama.cpp's server.

There is one folder for each group of endpoints, with its router, its schema and its conversion. The
modules next to the folders are shared.
"""

from copilotd.http.llama_cpp.errors import write_llama_cpp_error
from copilotd.http.llama_cpp.router import PATHS, router
from copilotd.http.shared.error_bodies import ErrorShape

__all__ = ["ERRORS", "router"]

ERRORS = ErrorShape(PATHS.__contains__, write_llama_cpp_error)
"""These paths have no common prefix, so each route lists its own path."""
