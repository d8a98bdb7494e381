"""The responses about the server and its model."""

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict


class Modalities(BaseModel):
    """What the model accepts besides text."""

    vision: bool = False
    video: bool = False
    audio: bool = False


class Props(BaseModel):
    """The model and the server's properties."""

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
    """A slot for a request. Here slots are only a count: no request is bound to one."""

    id: int
    n_ctx: int
    speculative: bool = False
    is_processing: bool


class Meta(BaseModel):
    """Facts from the model file; sizes in bytes and tokens."""

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
    """null until the model is loaded for the first time."""


class Models(BaseModel):
    """All models."""

    object: Literal["list"] = "list"
    data: list[Model]
