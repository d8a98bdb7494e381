"""What holds for all tests."""

import os
import signal

import pytest


def pytest_configure() -> None:
    # A job in the background of a shell inherits an ignored SIGINT, and would hand it on to every
    # process that the tests start and end with Ctrl-C.
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    # Two hundred runs of whole editors and of a model meet the stalls of a shared machine. The
    # summary names what failed the first time; on a machine of one's own nothing is run again.
    if "CI" in os.environ:
        for item in items:
            if item.get_closest_marker("model"):
                item.add_marker(pytest.mark.flaky(reruns=1))
