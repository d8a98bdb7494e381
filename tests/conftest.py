"""Hooks for all tests."""

import os
import signal
from functools import cache
from pathlib import Path

import pytest
from xdist.remote import Producer
from xdist.scheduler import LoadFileScheduling, Scheduling


def pytest_configure() -> None:
    # A background job of a shell inherits an ignored SIGINT. Each process that the tests start and
    # end with Ctrl-C would inherit it too.
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_xdist_auto_num_workers(config: pytest.Config) -> int:
    # The whole suite has a process for each CPU. Named files and `-s` have none: their output is
    # then complete and in order.
    named = config.option.file_or_dir or config.option.capture == "no"
    return 0 if named else os.cpu_count() or 1


def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> Scheduling:
    return _ModelsTogether(config, log)


class _ModelsTogether(LoadFileScheduling):  # type: ignore[misc]
    """Gives whole files to a process, and all files with the model to one process.

    More models at a time would only slow each other. The editors are the exception: their tests
    wait more than they compute, and have the model in a daemon of their own.
    """

    def _split_scope(self, nodeid: str) -> str:
        file: str = super()._split_scope(nodeid)
        if file.startswith("tests/editors/"):
            return file
        return "model" if _loads_model(self.config.rootpath / file) else file


@cache
def _loads_model(file: Path) -> bool:
    return "pytest.mark.model" in file.read_text()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    # Tests with the model take the longest, so they begin first.
    items.sort(key=lambda item: not _loads_model(item.path))
    # On a shared machine a test with a whole editor and a model stalls now and then. The summary
    # names each test that failed at first. Outside CI no test runs again.
    if "CI" in os.environ:
        for item in items:
            if item.get_closest_marker("model"):
                item.add_marker(pytest.mark.flaky(reruns=1))
