"""GET /v1/models: the one model, under the name that the settings give it."""

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


@router.get("/v1/models", summary="List the model")
async def models(services: ServicesOf) -> ModelList:
    """The served model's id; it need not be loaded yet. Requests may name any other as well."""
    return ModelList(data=[ModelEntry(id=services.status().alias)])
