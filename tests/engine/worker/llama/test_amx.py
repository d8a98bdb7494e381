import ctypes
import sys

import pytest

from copilotd.engine.worker.llama import amx


def signal_stack() -> int:
    """Bytes of this thread's signal stack."""
    now = amx._SignalStack()
    ctypes.CDLL(None).sigaltstack(None, ctypes.byref(now))
    return int(now.size)


@pytest.mark.skipif(sys.platform != "linux", reason="it is Linux that is asked")
def test_a_small_signal_stack_is_there_while_amx_is_refused_and_gone_afterwards() -> None:
    before = signal_stack()
    with amx.disable():
        assert signal_stack() == amx.SMALL_STACK_BYTES
    assert signal_stack() == before
