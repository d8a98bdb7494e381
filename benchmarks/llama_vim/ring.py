"""llama.vim's ring: pieces of files seen lately, sent along with every request.

What is done here is what llama.vim does, also where that seems odd.
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
    """Chunks wait in `queued` until there is time to let the server read them."""

    chunks: list[Chunk] = field(default_factory=list)
    queued: list[Chunk] = field(default_factory=list)
    _random: random.Random = field(default_factory=lambda: random.Random(0))

    def queue(self, lines: list[str], path: str, *, evict: bool) -> None:
        """Queue a part of `lines`, if it is new.

        What is much like it goes, with `evict`; without, the new one stays out.
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
        """Put the oldest chunk that waits into the ring; False if none does."""
        if not self.queued:
            return False
        self.chunks = [*self.chunks[-SIZE + 1 :], self.queued.pop(0)]
        return True

    def evict_near(self, lines: list[str], path: str) -> None:
        """Drop what is like the place of the cursor, which the model would only repeat."""
        here = Chunk(tuple(self._pick_part(lines)), path)
        self.chunks = [c for c in self.chunks if _compute_similarity(c, here) <= SIMILAR_TO_HERE]

    def render_input_extra(self) -> list[dict[str, str]]:
        """The request's `input_extra`."""
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
