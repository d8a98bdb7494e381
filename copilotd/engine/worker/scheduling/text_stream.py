"""From token bytes to text that can be shown: whole characters, and nothing of a stop string."""

import codecs
from dataclasses import dataclass

from copilotd.engine.types import TokenLogprob


@dataclass(frozen=True, slots=True)
class Piece:
    """What may be sent on; `stopped` if a stop string ended the output."""

    text: str = ""
    tokens: tuple[TokenLogprob, ...] = ()
    stopped: bool = False


class TextStream:
    """Collects the bytes of one generation.

    A character is held back until all its bytes are there, and text that may be the beginning of
    a stop string until that is decided. Nothing comes out once it has `stopped`; `stop` is the text
    that ended it then.
    """

    def __init__(self, stop: list[str]) -> None:
        self._stop = [s for s in stop if s]
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._held = ""
        self._sent = 0
        self._received = 0
        self._tokens: list[tuple[int, TokenLogprob]] = []
        self.stopped = False
        self.stop = ""

    def push(self, data: bytes, token: TokenLogprob | None = None) -> Piece:
        """Take in the bytes of one token (and its log probability), give out what is decided."""
        if token is not None:
            self._tokens.append((self._received, token))
        self._received += len(data)
        self._held += self._decoder.decode(data)
        cut = _first(self._held, self._stop)
        if cut is not None:
            self.stop = next(s for s in self._stop if self._held.startswith(s, cut))
            return self._send(cut, stopped=True)
        return self._send(len(self._held) - _undecided(self._held, self._stop))

    def finish(self) -> Piece:
        """The rest; bytes of a character that was never completed are dropped."""
        return self._send(len(self._held))

    def _send(self, length: int, *, stopped: bool = False) -> Piece:
        self.stopped = stopped
        text, self._held = self._held[:length], self._held[length:]
        self._sent += len(text.encode())
        ready = [token for start, token in self._tokens if start < self._sent]
        self._tokens = self._tokens[len(ready) :]
        return Piece(text, tuple(ready), stopped)


def _first(text: str, stop: list[str]) -> int | None:
    return min((at for s in stop if (at := text.find(s)) >= 0), default=None)


def _undecided(text: str, stop: list[str]) -> int:
    """Length of the longest end of `text` with which some stop string begins."""
    longest = max((len(s) for s in stop), default=1) - 1
    for length in range(min(longest, len(text)), 0, -1):
        if any(s.startswith(text[-length:]) for s in stop):
            return length
    return 0
