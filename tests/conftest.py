"""Hooks for all tests."""

import os
import signal

import pytest


def pytest_configure() -> None:
    # A background job of a shell inherits an ignored SIGINT. Each process that the tests start and
    # end with Ctrl-C would inherit it too.
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    # On a shared machine a test with a whole editor and a model stalls now and then. The summary
    # names each test that failed at first. Outside CI no test runs again.
    if "CI" in os.environ:
        for item in items:
            if item.get_closest_marker("model"):
                item.add_marker(pytest.mark.flaky(reruns=1))
