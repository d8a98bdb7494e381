"""OpenAI's dialect: completions, chat completions, responses, embeddings and the list of models.

An endpoint is one module, or a folder with its router, its schema and its conversion. Code shared
with other dialects is in `copilotd.http.shared`. The route of `completions` is in
`copilotd.http.v1_completions`, since Tabby uses the same path.
"""

from copilotd.http.openai.router import router

__all__ = ["router"]
