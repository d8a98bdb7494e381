"""The answers of the recording, at the times of the recording."""

from benchmarks.recording.buffer import Buffer
from benchmarks.recording.player import Client
from benchmarks.recording.timeline import find_rest_of_line
from benchmarks.recording.trace import EndEvent, RequestEvent


class RecordedClient(Client):
    """Shows what the programmer saw."""

    def __init__(self) -> None:
        super().__init__()
        self._rests: dict[int, str] = {}

    def on_request(self, buffer: Buffer, event: RequestEvent) -> None:
        """Remember the text after the cursor."""
        self._rests[event.request] = find_rest_of_line(buffer)

    def on_request_end(self, event: EndEvent) -> None:
        """Show the answer."""
        if event.text and not event.is_cancelled:
            rest = self._rests[event.request][event.overwrites :]
            self.timeline.show(event.request, event.text, rest)
