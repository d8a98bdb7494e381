"""The interface that the upstream engine needs from a server, independent of the server's API."""

from collections.abc import AsyncGenerator, Sequence
from typing import Protocol

from copilotd.engine.types import (
    UPSTREAM_ARCHITECTURE,
    Chunk,
    Finished,
    GenerateRequest,
    ModelInfo,
)
from copilotd.engine.upstream.pseudo_tokens import PseudoTokenizer
from copilotd.models.catalogue import Catalogue
from copilotd.models.fim import FimLayout, FimTokens


class UpstreamApi(Protocol):
    """The API of one server, and its model. Raises (all methods): UpstreamFailed, EngineBusy."""

    info: ModelInfo
    tokenizer: PseudoTokenizer

    async def list_models(self) -> list[str]:
        """The ids of the models that the server offers now."""
        ...

    def generate(
        self, request: GenerateRequest, prefix: str
    ) -> AsyncGenerator[Chunk | Finished, None]:
        """Stream the output; if the server can enforce it, the output begins with `prefix`.

        Raises: InvalidRequest, ContextOverflow.
        """
        ...

    async def prefill(self, request: GenerateRequest) -> None:
        """Have the server evaluate the prompt, if it keeps its KV cache for a while."""
        ...

    async def embed(self, texts: Sequence[str]) -> list[list[float]]:
        """One vector per text. Raises: InvalidRequest, ContextOverflow."""
        ...


def resolve_family(name: str, configured: str, catalogue: Catalogue) -> str:
    """The configured family, or the one that the model's name implies; empty if unknown."""
    return configured or catalogue.find_family(name)


def build_model_info(
    url: str,
    name: str,
    tokenizer: PseudoTokenizer,
    fim: FimTokens,
    layout: FimLayout,
    *,
    n_ctx: int,
    chat_template: str | None,
    size: int = 0,
    parameters: int = 0,
    n_embd: int = 0,
) -> ModelInfo:
    """Describe a model on another server. It has no BOS, because the server adds its own."""
    return ModelInfo(
        path=f"{url}/{name}",
        name=name,
        architecture=UPSTREAM_ARCHITECTURE,
        description=f"{name} at {url}",
        size=size,
        parameters=parameters,
        n_ctx=n_ctx,
        n_ctx_train=n_ctx,
        n_vocab=0,
        n_embd=n_embd,
        fim=fim,
        layout=layout,
        bos=None,
        eos=None,
        add_bos=False,
        end_tokens=[],
        controls=list(tokenizer.markers),
        chat_template=chat_template,
        can_shift=False,
        gpu_offload=False,
        system="",
        load_ms=0.0,
    )
