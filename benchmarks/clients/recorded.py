"""The answers that the recording holds, at the times at which they came."""

from benchmarks.recording.buffer import Buffer
from benchmarks.recording.player import Client
from benchmarks.recording.timeline import find_rest_of_line
from benchmarks.recording.trace import EndEvent, RequestEvent


class RecordedClient(Client):
    """Shows what the programmer was shown."""

    def __init__(self) -> None:
        super().__init__()
        self._rests: dict[int, str] = {}

    def on_request(self, buffer: Buffer, event: RequestEvent) -> None:
        """Note what follows the cursor."""
        self._rests[event.request] = find_rest_of_line(buffer)

    def on_request_end(self, event: EndEvent) -> None:
        """The answer is there."""
        if event.text and not event.is_cancelled:
            rest = self._rests[event.request][event.overwrites :]
            self.timeline.show(event.request, event.text, rest)
