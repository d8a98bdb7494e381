"""Tabby's dialect, for its editor plug-ins.

They request completions at OpenAI's path: `copilotd.http.v1_completions` distinguishes the two
dialects.
"""

from copilotd.http.tabby.router import complete, router

__all__ = ["complete", "router"]
