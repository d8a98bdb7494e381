"""Shows one editor where the engine stands: a notification, a progress bar, and failures."""

import asyncio
import logging
from typing import Any
from uuid import uuid4

from lsprotocol import types
from pygls.exceptions import JsonRpcException

from copilotd.engine.interface import Engine
from copilotd.engine.types import EngineState, Phase
from copilotd.lsp.server import EditorServer

STATUS = "copilotd/status"
"""The notification; its parameters are `phase`, `detail` and `fraction` (a number or null)."""

_BUSY = (Phase.DOWNLOADING, Phase.LOADING)
_ANSWER_S = 5.0

log = logging.getLogger(__name__)


async def show_engine_state(ls: EditorServer, engine: Engine) -> None:
    """Report the state as soon as the editor is ready, then every change, until cancelled."""
    await ls.initialized.wait()
    states: asyncio.Queue[EngineState] = asyncio.Queue()
    unsubscribe = engine.subscribe(states.put_nowait)
    states.put_nowait(engine.state)
    bar = ProgressBar(ls)
    try:
        while True:
            await _show(ls, bar, await states.get())
    finally:
        unsubscribe()


async def _show(ls: EditorServer, bar: "ProgressBar", state: EngineState) -> None:
    ls.protocol.notify(STATUS, _as_json(state))
    if state.phase is Phase.FAILED:
        ls.notices.failed(state.detail)
    if state.phase is Phase.READY:
        ls.notices.works_again()
    await bar.show(state)


def _as_json(state: EngineState) -> dict[str, Any]:
    return {"phase": state.phase.value, "detail": state.detail, "fraction": state.fraction}


class ProgressBar:
    """A bar from the beginning of a download or load to its end, where the client has bars."""

    def __init__(self, ls: EditorServer) -> None:
        window = ls.client_capabilities.window
        self._progress = ls.work_done_progress
        self._possible = bool(window and window.work_done_progress)
        self._token = ""

    async def show(self, state: EngineState) -> None:
        """Begin, move or end the bar."""
        if state.phase not in _BUSY:
            self._end(state)
        elif self._token:
            self._report(state)
        elif self._possible:
            await self._begin(state)

    async def _begin(self, state: EngineState) -> None:
        token = f"copilotd-{uuid4().hex}"
        try:
            await asyncio.wait_for(self._progress.create_async(token), _ANSWER_S)
        except (JsonRpcException, TimeoutError):
            log.info("the editor wants no progress bar")
            self._possible = False
            return
        self._token = token
        begin = types.WorkDoneProgressBegin(
            "copilotd", message=state.detail, percentage=_percentage(state)
        )
        self._progress.begin(token, begin)

    def _report(self, state: EngineState) -> None:
        report = types.WorkDoneProgressReport(message=state.detail, percentage=_percentage(state))
        self._progress.report(self._token, report)

    def _end(self, state: EngineState) -> None:
        if self._token:
            self._progress.end(self._token, types.WorkDoneProgressEnd(message=state.detail))
            self._token = ""


def _percentage(state: EngineState) -> int | None:
    return None if state.fraction is None else round(100 * state.fraction)
