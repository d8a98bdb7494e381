"""The model to measure: in the running daemon, or loaded here if no daemon runs."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import aclosing, closing, contextmanager
from typing import Protocol

from copilotd.cli.daemon_client import DaemonClient
from copilotd.cli.views.loading import wait_for_model
from copilotd.config import CompletionSection, Settings
from copilotd.engine.performance import CalibrationProgress, Speed, Tuning
from copilotd.engine.types import Phase
from copilotd.errors import EngineError, EngineLoadFailed, ModelNotFound, NotRunning
from copilotd.lifecycle import RunningDaemon
from copilotd.models.provision import InstalledModel
from copilotd.prompt.budget import Budget, compute_budget
from copilotd.serving.engines import ModelRequest, build_engines
from copilotd.serving.tuner import Tuner

Show = Callable[[CalibrationProgress], None]


class MeasuredModel(Protocol):
    """Raises (all methods): EngineError, NotRunning."""

    def last_calibration(self) -> Tuning | None:
        """The last measurement."""
        ...

    def measure(self, show: Show) -> Tuning:
        """Measure now; `show` gets the progress."""
        ...

    def budget(self, speed: Speed) -> Budget:
        """The limits of a completion at that speed."""
        ...


@contextmanager
def open_model(
    running: RunningDaemon | None, settings: Settings, model: ModelRequest
) -> Iterator[MeasuredModel]:
    """The completion model of this user, running or not.

    Raises: ModelError, EngineLoadFailed, NotRunning.
    """
    if running is not None:
        with DaemonClient(running) as connection:
            yield _Remote(connection)
        return
    if settings.engine.kind == "upstream":
        raise NotRunning(
            "the model is on another server, and the daemon measures what it costs",
            "copilotd start, then copilotd tune.",
        )
    installed = model.provisioner.find_installed()
    if installed is None:
        name = model.provisioner.model_name
        raise ModelNotFound(
            f"{name} is not on this machine",
            f"copilotd start downloads it; so does copilotd models pull {name}",
        )
    yield _Local(settings, model, installed)


class _Remote:
    def __init__(self, connection: DaemonClient) -> None:
        self._connection = connection
        status = wait_for_model(connection)
        if status.state.phase is Phase.FAILED:
            raise EngineLoadFailed(
                f"the model is not loaded: {status.state.detail}", "copilotd doctor."
            )
        self._status = status

    def last_calibration(self) -> Tuning | None:
        return self._status.tuning

    def measure(self, show: Show) -> Tuning:
        with closing(self._connection.tune()) as steps:
            for step in steps:
                if isinstance(step, Tuning):
                    return step
                show(step)
        raise EngineError("the daemon ended before the model was measured", "copilotd logs.")

    def budget(self, speed: Speed) -> Budget:
        return self._connection.status().budget or compute_budget(CompletionSection(), speed)


class _Local:
    def __init__(self, settings: Settings, model: ModelRequest, installed: InstalledModel) -> None:
        self._settings = settings
        self._model = model
        self._installed = installed

    def last_calibration(self) -> Tuning | None:
        return self._model.tuning_store.read(self._installed.path, self._model.settings)

    def measure(self, show: Show) -> Tuning:
        return asyncio.run(self._measure(show))

    def budget(self, speed: Speed) -> Budget:
        return compute_budget(self._settings.completion, speed)

    async def _measure(self, show: Show) -> Tuning:
        (engine,) = build_engines([self._model], self._settings.engine)
        tuner = Tuner(engine, self._model.tuning_store, self._model.settings)
        try:
            async with aclosing(tuner.measure()) as steps:
                async for step in steps:
                    if isinstance(step, Tuning):
                        return step
                    show(step)
        finally:
            await engine.close()
        raise EngineError("the model was not measured", "copilotd doctor.")
