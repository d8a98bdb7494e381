"""Turns token bytes into text that can be sent: whole characters, and no part of a stop string."""

import codecs
from dataclasses import dataclass

from copilotd.engine.types import TokenLogprob


@dataclass(frozen=True, slots=True)
class TextDelta:
    """Text that can be sent now, and the tokens that it ends; `stopped` if by a stop string."""

    text: str = ""
    tokens: tuple[TokenLogprob, ...] = ()
    stopped: bool = False


class TextStream:
    """Collects the bytes of one generation.

    A character is held back until all its bytes are there. Text that may be the beginning of a
    stop string is held back until it is clear whether it is. Nothing comes out once `is_stopped`
    is true; `stop_text` is then the text that ended the output.
    """

    def __init__(self, stop: list[str]) -> None:
        self._stop = [s for s in stop if s]
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._held_back = ""
        self._bytes_sent = 0
        self._bytes_received = 0
        self._tokens: list[tuple[int, TokenLogprob]] = []
        self.is_stopped = False
        self.stop_text = ""

    def push(self, data: bytes, token: TokenLogprob | None = None) -> TextDelta:
        """Add the bytes of one token (and its log probability); return what can be sent."""
        if token is not None:
            self._tokens.append((self._bytes_received, token))
        self._bytes_received += len(data)
        self._held_back += self._decoder.decode(data)
        end = _find_first(self._held_back, self._stop)
        if end is not None:
            self.stop_text = next(s for s in self._stop if self._held_back.startswith(s, end))
            return self._release(end, stopped=True)
        return self._release(
            len(self._held_back) - _count_partial_stop(self._held_back, self._stop)
        )

    def flush(self) -> TextDelta:
        """Return the rest; bytes of a character that was never completed are dropped."""
        return self._release(len(self._held_back))

    def _release(self, length: int, *, stopped: bool = False) -> TextDelta:
        self.is_stopped = stopped
        text, self._held_back = self._held_back[:length], self._held_back[length:]
        self._bytes_sent += len(text.encode())
        ready = [token for start, token in self._tokens if start < self._bytes_sent]
        self._tokens = self._tokens[len(ready) :]
        return TextDelta(text, tuple(ready), stopped)


def _find_first(text: str, stop: list[str]) -> int | None:
    return min((at for s in stop if (at := text.find(s)) >= 0), default=None)


def _count_partial_stop(text: str, stop: list[str]) -> int:
    """Length of the longest end of `text` that is the beginning of some stop string."""
    longest = max((len(s) for s in stop), default=1) - 1
    for length in range(min(longest, len(text)), 0, -1):
        if any(s.startswith(text[-length:]) for s in stop):
            return length
    return 0
