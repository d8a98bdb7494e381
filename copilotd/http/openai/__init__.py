"""OpenAI's dialect: completions, chat completions, embeddings and the list of models.

One folder per endpoint, each with its router, its schema and its conversion; what they share
stands beside them.
"""

from copilotd.http.openai.router import router

__all__ = ["router"]
