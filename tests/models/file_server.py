"""A web server on loopback that behaves, or misbehaves, like a model hub."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

STEP = 64 * 1024


@dataclass
class Site:
    """What the server has and how it acts. `requests` has (method, path, Range), oldest first.

    Each answer with a file takes the next length from `cuts` and ends there. While `gate` is not
    set, each answer stops after its first STEP bytes.
    """

    url: str = ""
    files: dict[str, bytes] = field(default_factory=dict)
    answers: dict[str, object] = field(default_factory=dict)
    statuses: dict[str, int] = field(default_factory=dict)
    cuts: list[int] = field(default_factory=list)
    has_ranges: bool = True
    has_etags: bool = True
    sha256: dict[str, str] = field(default_factory=dict)
    requests: list[tuple[str, str, str]] = field(default_factory=list)
    tokens: list[str] = field(default_factory=list)
    gate: threading.Event = field(default_factory=threading.Event)
    under_way: threading.Event = field(default_factory=threading.Event)

    def put(self, path: str, data: bytes) -> str:
        """Serve a file; return its address."""
        self.files[path] = data
        return self.url + path

    @property
    def gets(self) -> list[tuple[str, str]]:
        """(path, Range) of each GET request."""
        return [(path, range_) for method, path, range_ in self.requests if method == "GET"]


@contextmanager
def serve_site() -> Iterator[Site]:
    """Serve a site while the block runs."""
    site = Site()
    site.gate.set()
    server = _Server(site)
    site.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield site
    finally:
        site.gate.set()
        server.shutdown()
        server.server_close()
        thread.join(30)


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, site: Site) -> None:
        self.site = site
        super().__init__(("127.0.0.1", 0), _Handler)

    def handle_error(self, request: object, client_address: object) -> None:
        """Ignore a client that closes the connection early, as some tests do on purpose."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    @property
    def site(self) -> Site:
        assert isinstance(self.server, _Server)
        return self.server.site

    def log_message(self, format: str, *args: object) -> None:
        pass

    def do_HEAD(self) -> None:
        path = self.record_request("HEAD")
        if path not in self.site.files:
            return self.send_status(self.site.statuses.get(path, 404))
        self.send_response(200)
        self.send_header("X-Repo-Commit", "c" * 40)
        self.send_header("X-Linked-Size", str(len(self.site.files[path])))
        self.send_header("X-Linked-ETag", f'"{self.site.sha256.get(path, "e" * 40)}"')
        self.send_header("ETag", '"page"')
        self.send_header("Content-Length", "0")
        self.end_headers()

    def do_GET(self) -> None:
        path = self.record_request("GET")
        if path in self.site.answers:
            return self._send(json.dumps(self.site.answers[path]).encode(), 200, "")
        if path in self.site.statuses or path not in self.site.files:
            return self.send_status(self.site.statuses.get(path, 404))
        data = self.site.files[path]
        etag = f'"{hash(data)}"'
        start = self.parse_range_start(etag)
        if start >= len(data):
            return self.send_status(416)
        self._send(data[start:], 206 if start else 200, etag)

    def parse_range_start(self, etag: str) -> int:
        range_header = self.headers.get("Range", "")
        same = self.headers.get("If-Range", etag) == etag
        if not (self.site.has_ranges and range_header and same):
            return 0
        return int(range_header.removeprefix("bytes=").removesuffix("-"))

    def record_request(self, method: str) -> str:
        path = urlsplit(self.path).path
        self.site.requests.append((method, path, self.headers.get("Range", "")))
        self.site.tokens.append(self.headers.get("Authorization", ""))
        return path

    def send_status(self, status: int) -> None:
        self.send_response(status)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def _send(self, data: bytes, status: int, etag: str) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(data)))
        if etag and self.site.has_etags:
            self.send_header("ETag", etag)
        self.end_headers()
        cut = self.site.cuts.pop(0) if self.site.cuts and etag else len(data)
        for start in range(0, min(cut, len(data)), STEP):
            self.wfile.write(data[start : min(start + STEP, cut)])
            self.site.under_way.set()
            self.site.gate.wait(60)
        if cut < len(data):
            self.close_connection = True
