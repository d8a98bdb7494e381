"""Everything that llama-server's own clients ask for."""

from fastapi import APIRouter

from copilotd.http.llama_cpp import chat, completion, embeddings, infill, server, tokens

router = APIRouter()
for group in (completion, infill, chat, tokens, embeddings, server):
    router.include_router(group.router)
