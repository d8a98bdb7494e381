"""Everything under /v1 that OpenAI's clients ask for."""

from fastapi import APIRouter

from copilotd.http.openai import chat, completions, embeddings, models, responses

router = APIRouter()
for endpoint in (completions, chat, responses, embeddings, models):
    router.include_router(endpoint.router)
