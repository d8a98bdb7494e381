"""POST /v1/completions: continue a text, or fill in its middle."""

from copilotd.http.openai.completions.endpoint import complete

__all__ = ["complete"]
