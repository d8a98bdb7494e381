"""POST /v1/responses: answer a conversation, in OpenAI's newer way."""

from copilotd.http.openai.responses.router import router

__all__ = ["router"]
