"""The daemon's HTTP API, called as a client calls it."""

import json
from collections.abc import Generator
from typing import Any

import httpx2

from benchmarks.servers.timing import TimedGeneration, time_generation


class Api:
    """A client with one connection, which it keeps open."""

    def __init__(self, url: str) -> None:
        self.client = httpx2.Client(base_url=url, timeout=600)

    def generate(self, body: dict[str, Any], *, to_line: bool = False) -> TimedGeneration:
        """Stream `/v1/completions`; with `to_line`, hang up after the first line not blank."""
        return time_generation(self._stream_pieces(body), to_line=to_line)

    def request_ghost_text(self, text: str, offset: int) -> dict[str, Any]:
        """The outcome that an editor would get at `offset` of `text`."""
        body = {"path": "a.py", "text": text, "offset": offset, "language": "python"}
        response = self.client.post("/admin/complete", json=body)
        response.raise_for_status()
        return dict(response.json())

    def _stream_pieces(self, body: dict[str, Any]) -> Generator[str, None, None]:
        body = {"temperature": 0, "stream": True, **body}
        with self.client.stream("POST", "/v1/completions", json=body) as response:
            response.raise_for_status()
            for line in response.iter_lines():
                if line.startswith("data: {"):
                    choices = json.loads(line[6:])["choices"]
                    yield choices[0]["text"] if choices else ""
