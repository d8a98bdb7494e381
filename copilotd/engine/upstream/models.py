"""The models that a server offers."""

from collections.abc import Sequence

import msgspec

from copilotd.engine.upstream.http_client import HttpClient
from copilotd.errors import UpstreamFailed


class Offer(msgspec.Struct):
    """One of /v1/models; vLLM and SGLang tell their context, llama-server more of the model."""

    class Meta(msgspec.Struct):
        """llama-server's: bytes, weights, and the length of a vector."""

        size: int = 0
        n_params: int = 0
        n_embd: int = 0

    id: str
    max_model_len: int | None = None
    meta: Meta | None = None

    @property
    def name(self) -> str:
        """The id without the folders of a file."""
        return self.id.replace("\\", "/").rpartition("/")[2].removesuffix(".gguf")


class _Offers(msgspec.Struct):
    data: list[Offer]


async def offers(server: HttpClient) -> list[Offer]:
    """All of them. Raises: UpstreamFailed, EngineBusy."""
    found = await server.get("/v1/models", _Offers)
    if found is None:
        raise UpstreamFailed(
            f"{server.url} has no /v1/models",
            "upstream.url is to be the root of a llama-server, vLLM or SGLang.",
        )
    return found.data


def chosen(url: str, found: Sequence[Offer], wanted: str) -> Offer:
    """The one that the settings want, or the first. Raises: UpstreamFailed."""
    for offer in found:
        if wanted in ("", offer.id, offer.name):
            return offer
    names = ", ".join(offer.id for offer in found) or "none at all"
    raise UpstreamFailed(f"{url} does not offer {wanted or 'a model'}", f"It has {names}.")
