"""The dialect of llama.cpp's server.

One folder for each group of endpoints, with its router, its schema and its conversion. What they
share stands beside them.
"""

from copilotd.http.llama_cpp.errors import write_llama_cpp_error
from copilotd.http.llama_cpp.router import PATHS, router
from copilotd.http.shared.error_bodies import ErrorShape

__all__ = ["ERRORS", "router"]

ERRORS = ErrorShape(PATHS.__contains__, write_llama_cpp_error)
"""These paths have no common prefix, so each of them is listed by its route."""
