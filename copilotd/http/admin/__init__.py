"""The endpoints that copilotd's own command line calls."""

from copilotd.http.admin.router import router

__all__ = ["router"]
