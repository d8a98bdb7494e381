"""GET /v1/models: the served models, under the names that the settings give them."""

from typing import Literal

from fastapi import APIRouter
from pydantic import BaseModel

from copilotd.http.services import ServicesOf

router = APIRouter(tags=["OpenAI"])


class ModelEntry(BaseModel):
    """A model that requests can name."""

    id: str
    object: Literal["model"] = "model"
    owned_by: str = "copilotd"
    permissions: list[str] = []


class ModelList(BaseModel):
    """All served models."""

    object: Literal["list"] = "list"
    data: list[ModelEntry]


@router.get("/v1/models", summary="List the models")
async def models(services: ServicesOf) -> ModelList:
    """The completion model, then the chat model if it is another; loaded or not.

    A request with any other name gets the default model for its endpoint.
    """
    return ModelList(data=[ModelEntry(id=model.alias) for model in services.models.all])
