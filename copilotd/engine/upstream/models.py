"""The models that a server offers at /v1/models."""

from collections.abc import Sequence

import msgspec

from copilotd.engine.upstream.http_client import HttpClient
from copilotd.errors import UpstreamFailed


class OfferedModel(msgspec.Struct):
    """One entry of /v1/models.

    vLLM and SGLang report `max_model_len`, the context in tokens; llama-server reports `meta`.
    """

    class Meta(msgspec.Struct):
        """llama-server's details: size in bytes, number of weights, length of an embedding."""

        size: int = 0
        n_params: int = 0
        n_embd: int = 0

    id: str
    max_model_len: int | None = None
    meta: Meta | None = None

    @property
    def name(self) -> str:
        """The id without folders and file extension."""
        return self.id.replace("\\", "/").rpartition("/")[2].removesuffix(".gguf")


class _ModelList(msgspec.Struct):
    data: list[OfferedModel]


async def fetch_models(http: HttpClient) -> list[OfferedModel]:
    """All models of the server. Raises: UpstreamFailed, EngineBusy."""
    answer = await http.get("/v1/models", _ModelList)
    if answer is None:
        raise UpstreamFailed(
            f"{http.url} has no /v1/models",
            "upstream.url must be the root URL of a llama-server, vLLM or SGLang.",
        )
    return answer.data


def choose_model(url: str, models: Sequence[OfferedModel], configured: str) -> OfferedModel:
    """The configured model, or the first one without a setting. Raises: UpstreamFailed."""
    for model in models:
        if configured in ("", model.id, model.name):
            return model
    ids = ", ".join(model.id for model in models) or "none at all"
    raise UpstreamFailed(f"{url} does not offer {configured or 'a model'}", f"It has {ids}.")
