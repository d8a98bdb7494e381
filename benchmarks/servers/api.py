"""The daemon's HTTP side, called as a client calls it."""

import json
import time
from typing import Any

import httpx2

from benchmarks.servers.raw import TimedGeneration


class Api:
    """One kept-alive connection."""

    def __init__(self, url: str) -> None:
        self.client = httpx2.Client(base_url=url, timeout=600)

    def generate(self, body: dict[str, Any], *, to_line: bool = False) -> TimedGeneration:
        """Stream `/v1/completions`; with `to_line`, hang up after the first line not blank."""
        started = time.perf_counter()
        text, first, count = "", 0.0, 0
        body = {"temperature": 0, "stream": True, **body}
        with self.client.stream("POST", "/v1/completions", json=body) as response:
            response.raise_for_status()
            for line in response.iter_lines():
                if not line.startswith("data: {"):
                    continue
                choices = json.loads(line[6:])["choices"]
                piece = choices[0]["text"] if choices else ""
                if not piece:
                    continue
                first = first or (time.perf_counter() - started) * 1000
                text += piece
                count += 1
                if to_line and "\n" in text.lstrip():
                    break
        return TimedGeneration(text, first, (time.perf_counter() - started) * 1000, count)

    def request_ghost_text(self, text: str, offset: int) -> dict[str, Any]:
        """The outcome that an editor would get at `offset` of `text`."""
        body = {"path": "a.py", "text": text, "offset": offset, "language": "python"}
        response = self.client.post("/admin/complete", json=body)
        response.raise_for_status()
        return dict(response.json())
