"""A request for embeddings, one input at a time."""

from dataclasses import dataclass, field
from typing import Protocol


class Embedder(Protocol):
    """What a job needs from the model."""

    def embed(self, tokens: list[int]) -> list[float] | None:
        """The unit vector of one input; None if it was interrupted."""
        ...


@dataclass(slots=True)
class EmbeddingJob:
    """`inputs` are lists of token ids; `vectors` fills up in the same order."""

    id: int
    inputs: list[list[int]]
    vectors: list[list[float]] = field(default_factory=list)

    @property
    def is_done(self) -> bool:
        """Whether every input has its vector."""
        return len(self.vectors) == len(self.inputs)

    @property
    def n_next(self) -> int:
        """The number of tokens of the next input."""
        return 0 if self.is_done else len(self.inputs[len(self.vectors)])

    def step(self, model: Embedder) -> None:
        """Embed the next input; an interrupted one is repeated by the next call.

        Raises:
            EngineError: the input cannot be embedded.
        """
        if self.is_done:
            return
        vector = model.embed(self.inputs[len(self.vectors)])
        if vector is not None:
            self.vectors.append(vector)
