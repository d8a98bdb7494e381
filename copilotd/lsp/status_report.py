"""Shows the state of the engine in one editor: a notification, a progress bar and failures."""

import asyncio
import logging
from typing import Any
from uuid import uuid4

from lsprotocol import types
from pygls.exceptions import JsonRpcException

from copilotd.engine.interface import Engine
from copilotd.engine.types import EngineState, Phase
from copilotd.lsp.client import Client

STATUS = "copilotd/status"
"""The notification. Its parameters are `phase`, `detail` and `fraction` (a number or null)."""

_BUSY = (Phase.DOWNLOADING, Phase.LOADING)
_CREATE_TIMEOUT_S = 5.0

log = logging.getLogger(__name__)


async def report_engine_state(client: Client, engine: Engine) -> None:
    """Report the state when the editor is ready, and then each change, until cancelled."""
    await client.initialized.wait()
    states: asyncio.Queue[EngineState] = asyncio.Queue()
    unsubscribe = engine.subscribe(states.put_nowait)
    states.put_nowait(engine.state)
    bar = ProgressBar(client)
    try:
        while True:
            await _report(client, bar, await states.get())
    finally:
        unsubscribe()


async def _report(client: Client, bar: "ProgressBar", state: EngineState) -> None:
    client.notify(STATUS, _to_json(state))
    if state.phase is Phase.FAILED:
        client.error_messages.show(state.detail)
    if state.phase is Phase.READY:
        client.error_messages.reset()
    await bar.show(state)


def _to_json(state: EngineState) -> dict[str, Any]:
    return {"phase": state.phase.value, "detail": state.detail, "fraction": state.fraction}


class ProgressBar:
    """A bar from the start of a download or load to its end, if the client has progress bars."""

    def __init__(self, client: Client) -> None:
        window = client.capabilities.window
        self._progress = client.progress
        self._is_supported = bool(window and window.work_done_progress)
        self._token = ""

    async def show(self, state: EngineState) -> None:
        """Begin, move or end the bar."""
        if state.phase not in _BUSY:
            self._end(state)
        elif self._token:
            self._move(state)
        elif self._is_supported:
            await self._begin(state)

    async def _begin(self, state: EngineState) -> None:
        token = f"copilotd-{uuid4().hex}"
        try:
            await asyncio.wait_for(self._progress.create_async(token), _CREATE_TIMEOUT_S)
        except (JsonRpcException, TimeoutError):
            log.info("the editor refused a progress bar")
            self._is_supported = False
            return
        self._token = token
        begin = types.WorkDoneProgressBegin(
            "copilotd", message=state.detail, percentage=_percentage(state)
        )
        self._progress.begin(token, begin)

    def _move(self, state: EngineState) -> None:
        report = types.WorkDoneProgressReport(message=state.detail, percentage=_percentage(state))
        self._progress.report(self._token, report)

    def _end(self, state: EngineState) -> None:
        if self._token:
            self._progress.end(self._token, types.WorkDoneProgressEnd(message=state.detail))
            self._token = ""


def _percentage(state: EngineState) -> int | None:
    return None if state.fraction is None else round(100 * state.fraction)
