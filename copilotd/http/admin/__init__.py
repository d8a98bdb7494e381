"""What copilotd's own command line asks of a running daemon."""

from copilotd.http.admin.router import router

__all__ = ["router"]
