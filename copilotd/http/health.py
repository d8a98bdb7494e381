"""Whether a request would be answered now."""

from fastapi import APIRouter, Response
from pydantic import BaseModel, ConfigDict

from copilotd.engine.types import EngineState, Phase
from copilotd.http.services import ServicesOf

router = APIRouter(tags=["health"])


class Health(BaseModel):
    """The engine's state."""

    model_config = ConfigDict(use_attribute_docstrings=True)

    status: str
    """ok, or unavailable."""
    phase: Phase
    """ready; stopped (unloaded while idle, the next request loads it); downloading; loading;
    failed."""
    detail: str
    """The same for a person."""
    fraction: float | None
    """How much of the download or load is done, where that is known."""


@router.get(
    "/health",
    summary="Is the model ready?",
    responses={503: {"model": Health, "description": "Not yet, or not any more."}},
)
async def health(response: Response, services: ServicesOf) -> Health:
    """200 if a completion would be answered, 503 while its model is on its way or cannot be loaded.

    A model that was unloaded because nobody used it counts as ready: the next request loads it.
    """
    state = services.models.completion.engine.state
    response.status_code, word = verdict(state)
    return Health(status=word, phase=state.phase, detail=state.detail, fraction=state.fraction)


def verdict(state: EngineState) -> tuple[int, str]:
    """Whether a completion would be answered, as an HTTP status and as a word."""
    is_ready = state.phase in (Phase.READY, Phase.STOPPED)
    return (200, "ok") if is_ready else (503, "unavailable")
