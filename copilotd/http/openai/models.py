"""GET /v1/models: what is served, under the names that the settings give."""

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
    """All of them."""

    object: Literal["list"] = "list"
    data: list[ModelEntry]


@router.get("/v1/models", summary="List the models")
async def models(services: ServicesOf) -> ModelList:
    """The model that completes, then the one that chats if that is another; neither need be loaded.

    A request that names neither goes to the one that is for it.
    """
    return ModelList(data=[ModelEntry(id=model.alias) for model in services.models.all])
