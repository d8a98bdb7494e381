import ctypes
import sys

import pytest

from copilotd.engine.worker.llama import amx


def signal_stack_bytes() -> int:
    """Bytes of this thread's signal stack."""
    now = amx._SignalStack()
    ctypes.CDLL(None).sigaltstack(None, ctypes.byref(now))
    return int(now.size)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux has signal stacks")
def test_amx_is_disabled_by_a_small_signal_stack_that_is_gone_afterwards() -> None:
    before = signal_stack_bytes()
    with amx.disable():
        assert signal_stack_bytes() == amx.SMALL_STACK_BYTES
    assert signal_stack_bytes() == before
