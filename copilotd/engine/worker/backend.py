"""The interface that generation and speculation need from a model.

`llama/model.py` satisfies these protocols with llama.cpp. Tests satisfy them with a simulated
model, so that scheduling, the KV cache and speculation can be tested without a model file.
"""

from collections.abc import Sequence
from typing import Any, Protocol

from copilotd.engine.worker.kv.backend import KVCache
from copilotd.engine.worker.llama.batch import BatchEntry, DecodeResult
from copilotd.engine.worker.llama.sampling import Logits
from copilotd.engine.worker.llama.token_bytes import TokenBytes
from copilotd.engine.worker.vision.image_tokens import ImageTokens


class VocabularyBackend(Protocol):
    """Converts text to tokens and back. It only reads, so any thread may use it."""

    @property
    def handle(self) -> Any:
        """llama.cpp's vocabulary, for libraries that read it themselves."""
        ...

    @property
    def size(self) -> int:
        """Number of tokens; every id is less than this."""
        ...

    @property
    def bos(self) -> int | None:
        """The token that begins a text, if there is one."""
        ...

    @property
    def eos(self) -> int | None:
        """The token that ends a text, if there is one."""
        ...

    @property
    def add_bos(self) -> bool:
        """Whether a prompt has to begin with `bos`."""
        ...

    @property
    def end_tokens(self) -> frozenset[int]:
        """Every token that ends a generation."""
        ...

    @property
    def token_bytes(self) -> TokenBytes:
        """All tokens by their bytes."""
        ...

    def token_to_piece(self, token: int) -> bytes:
        """The bytes that `token` adds to the output; none for a control token."""
        ...

    def tokenize(self, text: str, special: bool) -> list[int]:
        """Token ids of `text`, without BOS; control tokens are read from it if `special`."""
        ...

    def detokenize(self, tokens: list[int]) -> str:
        """The text of `tokens`. Raises: InvalidRequest."""
        ...

    def render_pieces(self, tokens: list[int]) -> list[bytes]:
        """The bytes of each of `tokens`. Raises: InvalidRequest."""
        ...


class Backend(KVCache, Protocol):
    """A model and its context, as generation and the draft model see them."""

    @property
    def vocabulary(self) -> VocabularyBackend:
        """The model's tokens."""
        ...

    @property
    def n_ctx(self) -> int:
        """Cells of the KV cache, which all sequences share."""
        ...

    @property
    def can_generate(self) -> bool:
        """Whether the model predicts tokens; embedding models do not."""
        ...

    def decode(self, entries: Sequence[BatchEntry], *, frugal: bool = False) -> DecodeResult:
        """Evaluate a batch; a `frugal` one may leave cores to others. Raises: EngineError."""
        ...

    def decode_image(self, image: ImageTokens, sequence: int, position: int) -> DecodeResult:
        """Evaluate an image, all of it or nothing. Raises: EngineError."""
        ...

    def logits(self, index: int) -> Logits:
        """The logits after entry `index` of the last batch, valid until the next one."""
        ...

    def cached_length(self, sequence: int) -> int:
        """Positions of `sequence` that are in the cache."""
        ...
