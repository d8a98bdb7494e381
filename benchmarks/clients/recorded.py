"""The answers that the recording holds, at the times at which they came."""

from benchmarks.recording.buffer import Buffer
from benchmarks.recording.player import Client
from benchmarks.recording.timeline import rest_behind
from benchmarks.recording.trace import Asked, Ended


class Recorded(Client):
    """Shows what the programmer was shown."""

    def __init__(self) -> None:
        super().__init__()
        self._rests: dict[int, str] = {}

    def asked(self, buffer: Buffer, asked: Asked) -> None:
        """Note what follows the cursor."""
        self._rests[asked.request] = rest_behind(buffer)

    def ended(self, ended: Ended) -> None:
        """The answer is there."""
        if ended.text and not ended.is_cancelled:
            rest = self._rests[ended.request][ended.overwrites :]
            self.board.show(ended.request, ended.text, rest)
