"""The endpoints that llama-server's own clients call."""

from fastapi import APIRouter
from fastapi.routing import APIRoute

from copilotd.http.llama_cpp import chat, completion, embeddings, infill, server, tokens

_GROUPS = (completion, infill, chat, tokens, embeddings, server)

router = APIRouter()
for group in _GROUPS:
    router.include_router(group.router)

PATHS = frozenset(
    route.path for group in _GROUPS for route in group.router.routes if isinstance(route, APIRoute)
)
"""The paths of this dialect."""
