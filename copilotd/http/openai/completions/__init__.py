"""POST /v1/completions: continue a text, or fill in its middle."""

from copilotd.http.openai.completions.router import router

__all__ = ["router"]
