"""Runs work that is only worth doing while its client is connected."""

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

from starlette.types import Receive

T = TypeVar("T")


class ClientGone(Exception):
    """The client hung up before its response was ready."""


async def run_while_connected(receive: Receive, work: Coroutine[Any, Any, T]) -> T:
    """Do `work`. When the client hangs up, cancel it and wait until it has ended.

    The body of the request has been read, so the disconnect is the only message that `receive`
    still has.

    Raises:
        ClientGone: the client hung up first.
    """
    working = asyncio.ensure_future(work)
    listening = asyncio.ensure_future(_wait_for_disconnect(receive))
    try:
        await asyncio.wait((working, listening), return_when=asyncio.FIRST_COMPLETED)
        if not working.done():
            raise ClientGone
        return working.result()
    finally:
        working.cancel()
        listening.cancel()
        await asyncio.gather(working, listening, return_exceptions=True)


async def _wait_for_disconnect(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
