"""GET /health: whether the daemon would answer a completion request now."""

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
    """ready; stopped (unloaded while idle: the next request loads it); downloading; loading;
    failed."""
    detail: str
    """The state in words for people."""
    fraction: float | None
    """How much of the download or load is done, if that is known."""


@router.get(
    "/health",
    summary="Is the model ready?",
    responses={
        503: {"model": Health, "description": "The model is not ready yet, or cannot be loaded."}
    },
)
async def health(response: Response, services: ServicesOf) -> Health:
    """200 if a completion would work; 503 while its model downloads or loads, or if that failed.

    A model that was unloaded while idle counts as ready: the next request loads it.
    """
    state = services.models.completion.engine.state
    response.status_code, word = judge_state(state)
    return Health(status=word, phase=state.phase, detail=state.detail, fraction=state.fraction)


def judge_state(state: EngineState) -> tuple[int, str]:
    """Whether a completion would work, as an HTTP status and as a word."""
    is_ready = state.phase in (Phase.READY, Phase.STOPPED)
    return (200, "ok") if is_ready else (503, "unavailable")
