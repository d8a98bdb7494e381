"""llama.vim's ring: recent pieces of files, which it sends with every request.

This module copies llama.vim, also where llama.vim seems odd.
"""

import random
from dataclasses import dataclass, field

SIZE = 16
CHUNK_LINES = 64
TOO_SIMILAR = 0.9
SIMILAR_TO_HERE = 0.5


@dataclass(frozen=True, slots=True)
class Chunk:
    """Lines of a file."""

    lines: tuple[str, ...]
    path: str


@dataclass
class Ring:
    """The chunks; new ones wait in `queued` until the server has time to evaluate them."""

    chunks: list[Chunk] = field(default_factory=list)
    queued: list[Chunk] = field(default_factory=list)
    _random: random.Random = field(default_factory=lambda: random.Random(0))

    def queue(self, lines: list[str], path: str, *, evict: bool) -> None:
        """Queue a part of `lines`, if it is new.

        With `evict`, similar chunks are dropped; without it, a chunk with similar ones is not
        queued.
        """
        if len(lines) < 3:
            return
        chunk = Chunk(
            tuple(self._pick_part(lines) if len(lines) + 1 >= CHUNK_LINES else lines), path
        )
        both = (self.queued, self.chunks)
        if any(chunk.lines == other.lines for chunks in both for other in chunks):
            return
        for chunks in both:
            near = [other for other in chunks if _compute_similarity(other, chunk) > TOO_SIMILAR]
            if near and not evict:
                return
            chunks[:] = [other for other in chunks if other not in near]
        self.queued = [*self.queued[-SIZE + 1 :], chunk]

    def update(self) -> bool:
        """Move the oldest queued chunk into the ring; False if no chunk is queued."""
        if not self.queued:
            return False
        self.chunks = [*self.chunks[-SIZE + 1 :], self.queued.pop(0)]
        return True

    def evict_near(self, lines: list[str], path: str) -> None:
        """Drop chunks similar to the text around the cursor, which the model would only repeat."""
        here = Chunk(tuple(self._pick_part(lines)), path)
        self.chunks = [c for c in self.chunks if _compute_similarity(c, here) <= SIMILAR_TO_HERE]

    def render_input_extra(self) -> list[dict[str, str]]:
        """The `input_extra` of a request."""
        return [
            {"text": "\n".join(chunk.lines) + "\n", "filename": chunk.path} for chunk in self.chunks
        ]

    def _pick_part(self, lines: list[str]) -> list[str]:
        half = CHUNK_LINES // 2
        first = self._random.randint(0, max(0, len(lines) - half))
        return lines[first : min(first + half, len(lines)) + 1]


def _compute_similarity(one: Chunk, other: Chunk) -> float:
    common = sum(line in other.lines for line in one.lines)
    return 2 * common / (len(one.lines) + len(other.lines))
