"""What the engine needs of a server, whatever it speaks."""

from collections.abc import AsyncGenerator, Sequence
from typing import Protocol

from copilotd.engine.types import UPSTREAM_ARCHITECTURE, Chunk, Finished, GenerateRequest, ModelInfo
from copilotd.engine.upstream.pseudo_tokens import PseudoTokenizer
from copilotd.models.catalogue import Catalogue
from copilotd.models.fim import FimLayout, FimTokens


class UpstreamApi(Protocol):
    """One server and its model, looked at. Raises (all methods): UpstreamFailed, EngineBusy."""

    info: ModelInfo
    tokens: PseudoTokenizer

    async def offered(self) -> list[str]:
        """The ids of the models it has now."""
        ...

    def generate(
        self, request: GenerateRequest, begins: str
    ) -> AsyncGenerator[Chunk | Finished, None]:
        """Stream the output; where the server can see to it, it begins with `begins`.

        Raises: InvalidRequest, ContextOverflow.
        """
        ...

    async def read(self, request: GenerateRequest) -> None:
        """Have the server read the prompt ahead, if it keeps what it has read for a while."""
        ...

    async def embed(self, texts: Sequence[str]) -> list[list[float]]:
        """A vector for each text. Raises: InvalidRequest, ContextOverflow."""
        ...


def family_of(name: str, wanted: str, catalogue: Catalogue) -> str:
    """The family that the settings want, or that the model's name tells; empty if neither does."""
    return wanted or catalogue.family_of(name)


def model_info(
    url: str,
    name: str,
    tokens: PseudoTokenizer,
    fim: FimTokens,
    layout: FimLayout,
    *,
    n_ctx: int,
    chat_template: str | None,
    size: int = 0,
    parameters: int = 0,
    n_embd: int = 0,
) -> ModelInfo:
    """What the rest of copilotd is told of a model that is elsewhere.

    It has no BOS here, since the server puts its own in front.
    """
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
        controls=list(tokens.markers),
        chat_template=chat_template,
        can_shift=False,
        gpu_offload=False,
        system="",
        load_ms=0.0,
    )
