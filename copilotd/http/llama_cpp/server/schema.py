"""What is told of the server."""

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict


class Modalities(BaseModel):
    """What the model takes besides text."""

    vision: bool = False
    video: bool = False
    audio: bool = False


class Props(BaseModel):
    """What runs."""

    default_generation_settings: dict[str, Any]
    total_slots: int
    model_alias: str
    model_path: str
    modalities: Modalities = Modalities()
    endpoint_slots: bool
    endpoint_props: bool = False
    endpoint_metrics: bool
    chat_template: str
    bos_token: str
    eos_token: str
    build_info: str
    is_sleeping: bool = False


class Slot(BaseModel):
    """A place for a request; here they are only counted."""

    id: int
    n_ctx: int
    speculative: bool = False
    is_processing: bool


class Meta(BaseModel):
    """What the model file says; sizes in bytes and tokens."""

    n_vocab: int
    n_ctx: int
    n_ctx_train: int
    n_embd: int
    n_params: int
    size: int


class Model(BaseModel):
    """A model that is served."""

    model_config = ConfigDict(use_attribute_docstrings=True)

    id: str
    aliases: list[str]
    tags: list[str] = []
    object: Literal["model"] = "model"
    created: int
    owned_by: Literal["copilotd"] = "copilotd"
    meta: Meta | None
    """null until it was loaded once."""


class Models(BaseModel):
    """All of them."""

    object: Literal["list"] = "list"
    data: list[Model]
