"""AMX can be disabled with a signal stack that is too small for its registers."""

import ctypes
import sys

import pytest

from copilotd.engine.worker.llama import amx


def read_signal_stack_size() -> int:
    """Return the size of this thread's signal stack."""
    stack = amx._SignalStack()
    ctypes.CDLL(None).sigaltstack(None, ctypes.byref(stack))
    return int(stack.size)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux has signal stacks")
def test_amx_is_disabled_by_a_small_signal_stack_that_is_gone_afterwards() -> None:
    before = read_signal_stack_size()
    with amx.disable():
        assert read_signal_stack_size() == amx.SMALL_STACK_BYTES
    assert read_signal_stack_size() == before
