"""The dialect of GitHub Copilot's editor extension, when its proxy URL points at copilotd."""

from copilotd.http.copilot.router import router

__all__ = ["router"]
