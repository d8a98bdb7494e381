"""AMX, the matrix registers of some server CPUs: whether llama.cpp may use them.

Some compilers translate llama.cpp's AMX code so that its first product of matrices is an illegal
instruction, which ends the process. There is no switch for it at run time, but Linux is asked for
the registers once, when the first model is loaded; where that is refused, llama.cpp takes its
kernels for AVX-512.
"""

import ctypes
from collections.abc import Iterator
from contextlib import contextmanager

from llama_cpp import llama_cpp as C

TOO_SMALL = 8192
"""Bytes; enough for the registers of every process, and too few for those of AMX, which take that
many by themselves."""


class _SignalStack(ctypes.Structure):
    """`stack_t` of Linux (sigaltstack(2))."""

    _fields_ = (
        ("address", ctypes.c_void_p),
        ("flags", ctypes.c_int),
        ("size", ctypes.c_size_t),
    )


def compiled() -> bool:
    """Whether this build of llama.cpp has code for AMX."""
    return b"AMX_INT8 = 1" in C.llama_print_system_info()


@contextmanager
def refused() -> Iterator[None]:
    """Models that are loaded in this context do without AMX, and so do all after them.

    Linux refuses the registers as long as a thread has a signal stack in which they would find no
    room (arch/x86/kernel/fpu/xstate.c: ARCH_REQ_XCOMP_PERM).
    """
    sigaltstack = ctypes.CDLL(None, use_errno=True).sigaltstack
    memory, before = ctypes.create_string_buffer(TOO_SMALL), _SignalStack()
    small = _SignalStack(ctypes.addressof(memory), 0, TOO_SMALL)
    sigaltstack(ctypes.byref(small), ctypes.byref(before))
    try:
        yield
    finally:
        sigaltstack(ctypes.byref(before), None)
