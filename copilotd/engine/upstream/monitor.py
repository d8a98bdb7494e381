"""Knows whether an upstream server is up.

The server is probed when it is first needed. While it is down, requests fail at once with the last
error, and a background task probes again; while it is idle, the task checks that it still offers
the same models.
"""

import asyncio
import logging
import time
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress

from copilotd.engine.types import EngineState, ModelInfo, Phase
from copilotd.engine.upstream.interface import UpstreamApi
from copilotd.errors import CopilotdError, EngineDied, EngineError, UpstreamFailed

StateListener = Callable[[EngineState], None]
ProbeServer = Callable[[], Awaitable[UpstreamApi]]

CHECK_EVERY_S = 30.0
"""An idle server is checked this often."""
_BACK_OFF_S = (1.0, 2.0, 5.0, 10.0, 30.0)
"""Pause before the next probe, by the number of failures in a row."""

log = logging.getLogger(__name__)


class UpstreamMonitor:
    """Follows the server at `url`; `probe` finds out which API and model it has.

    `outages` counts how often the server went down.
    """

    def __init__(self, url: str, probe: ProbeServer, check_every_s: float) -> None:
        self.state = EngineState(Phase.STOPPED, f"{url} has not been contacted yet")
        self.outages = 0
        self.api: UpstreamApi | None = None
        self._url = url
        self._probe = probe
        self._check_every_s = check_every_s
        self._listeners: list[StateListener] = []
        self._probe_lock = asyncio.Lock()
        self._went_down = asyncio.Event()
        self._watch_task: asyncio.Task[None] | None = None
        self._offered_models: list[str] = []
        self._last_error: CopilotdError | None = None
        self._failures = 0
        self._retry_at = 0.0
        self._answered_at = 0.0
        self._is_closed = False

    @property
    def is_down(self) -> bool:
        """Whether the last contact with the server failed."""
        return self.state.phase is Phase.FAILED

    def subscribe(self, listener: StateListener) -> Callable[[], None]:
        """Call `listener` at every change of state; the returned function unsubscribes it."""
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener)

    async def connect(self) -> UpstreamApi:
        """The API of the server; probes the server if that is not known.

        Raises: EngineDied after `close`; UpstreamFailed, EngineBusy.
        """
        if self._is_closed:
            raise EngineDied("the daemon is stopping")
        if self._watch_task is None:
            self._watch_task = asyncio.create_task(self._watch())
        if self.api is not None and not self.is_down:
            return self.api
        if self._last_error is not None and time.monotonic() < self._retry_at:
            raise self._last_error
        return await self._probe_once()

    def record_answer(self) -> None:
        """Record that the server answered just now."""
        self._answered_at = time.monotonic()

    def seconds_since_answer(self) -> float:
        """Seconds since the server last answered."""
        return time.monotonic() - self._answered_at

    @asynccontextmanager
    async def record_failures(self) -> AsyncGenerator[None, None]:
        """Mark the server as down if the block raises UpstreamFailed."""
        try:
            yield
        except UpstreamFailed as error:
            self._record_failure(error)
            raise

    async def close(self) -> None:
        """Stop watching."""
        self._is_closed = True
        if self._watch_task is not None:
            self._watch_task.cancel()
            await asyncio.gather(self._watch_task, return_exceptions=True)

    async def _probe_once(self) -> UpstreamApi:
        async with self._probe_lock:
            if self.api is not None and not self.is_down:
                return self.api
            if self.api is None and not self.is_down:
                self._set_state(EngineState(Phase.LOADING, f"contacting {self._url}"))
            try:
                api = await self._probe()
                self._offered_models = await api.list_models()
            except EngineError as error:
                self._record_failure(error)
                raise
            self._record_recovery(api)
            return api

    def _record_recovery(self, api: UpstreamApi) -> None:
        self.api, self._last_error, self._failures = api, None, 0
        self.record_answer()
        self._went_down.clear()
        log.info("%s answers", api.info.description)
        _warn_of_unknown_family(api.info)
        self._set_state(EngineState(Phase.READY, f"{api.info.description} answers"))

    def _record_failure(self, error: EngineError) -> None:
        pause_s = _BACK_OFF_S[min(self._failures, len(_BACK_OFF_S) - 1)]
        self._failures += 1
        self.outages += self._failures == 1
        self._retry_at, self._last_error = time.monotonic() + pause_s, error
        self._went_down.set()
        if self._failures == 1:
            log.error("%s. %s", error.message.rstrip("."), error.hint)
        self._set_state(EngineState(Phase.FAILED, error.message))

    async def _watch(self) -> None:
        """Probe again while the server is down; check it while it is idle."""
        while True:
            if self.is_down:
                await asyncio.sleep(max(0.0, self._retry_at - time.monotonic()))
                with suppress(CopilotdError):
                    await self._probe_once()
                continue
            # Not asyncio.wait_for: in Python 3.11 it may swallow the cancellation of this task.
            with suppress(TimeoutError):
                async with asyncio.timeout(self._check_every_s):
                    await self._went_down.wait()
            if self.seconds_since_answer() >= self._check_every_s:
                await self._check_idle_server()

    async def _check_idle_server(self) -> None:
        if self.api is None or self.is_down:
            return
        with suppress(CopilotdError):
            async with self.record_failures():
                if await self.api.list_models() != self._offered_models:
                    raise UpstreamFailed(f"{self._url} offers other models now")

    def _set_state(self, state: EngineState) -> None:
        if state != self.state:
            self.state = state
            for listener in tuple(self._listeners):
                listener(state)


def _warn_of_unknown_family(info: ModelInfo) -> None:
    if not info.fim.is_complete:
        log.warning(
            "the fill-in-the-middle format of %s is unknown, so completions see only the text "
            "before the cursor. Set upstream.family if the model belongs to a known family",
            info.name,
        )
