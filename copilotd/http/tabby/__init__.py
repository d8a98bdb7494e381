"""Tabby's dialect, for its editor plug-ins.

They ask at OpenAI's path, with a body that tells them apart; see openai/completions/router.py.
"""

from copilotd.http.tabby.router import complete, router

__all__ = ["complete", "router"]
