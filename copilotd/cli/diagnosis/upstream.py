"""Checks the upstream server: its address, and whether it answers."""

import asyncio
from collections.abc import Iterator

from copilotd.cli.diagnosis.check import Check, failure, note, ok
from copilotd.config import UpstreamSection
from copilotd.engine.types import ModelInfo
from copilotd.engine.upstream.factory import build_upstream
from copilotd.engine.upstream.http_client import is_loopback
from copilotd.errors import ConfigError, CopilotdError
from copilotd.models.catalogue import load_catalogue

STAY = 'engine.kind = "local" keeps them on this machine'


def check_upstream(settings: UpstreamSection) -> Iterator[Check]:
    """Report where code is sent, and ask the server for its model."""
    yield _check_privacy(settings.url)
    try:
        info = asyncio.run(_info(settings))
    except CopilotdError as error:
        if isinstance(error, ConfigError) or not settings.fallback:
            yield failure("upstream", error.message, error.hint)
        else:
            yield note("upstream", f"{error.message}; the local model answers", error.hint)
        return
    yield ok("upstream", f"{info.description}, context {info.n_ctx} tokens")


def _check_privacy(url: str) -> Check:
    detail = f"code and conversations are sent to {url or 'an upstream'}"
    if url.startswith("http://") and not is_loopback(url):
        return note("privacy", f"{detail}, and not encrypted", f"Use https; {STAY}")
    return note("privacy", detail, STAY)


async def _info(settings: UpstreamSection) -> ModelInfo:
    server = build_upstream(settings, load_catalogue())
    try:
        return await server.info()
    finally:
        await server.close()
