"""AMX, the matrix registers of some server CPUs, and a way to keep llama.cpp from using them.

Some compilers translate llama.cpp's AMX code into an illegal instruction in its first matrix
product, which ends the process. llama.cpp has no switch for AMX at run time. But it asks Linux for
the registers once, when it loads the first model; if Linux refuses them, llama.cpp uses its AVX-512
kernels.
"""

import ctypes
from collections.abc import Iterator
from contextlib import contextmanager

from llama_cpp import llama_cpp as C

SMALL_STACK_BYTES = 8192
"""Enough for the ordinary registers, but not for the AMX registers, which need as much again."""


class _SignalStack(ctypes.Structure):
    """`stack_t` of Linux (sigaltstack(2))."""

    _fields_ = (
        ("address", ctypes.c_void_p),
        ("flags", ctypes.c_int),
        ("size", ctypes.c_size_t),
    )


def is_compiled_in() -> bool:
    """Whether this build of llama.cpp has code for AMX."""
    return b"AMX_INT8 = 1" in C.llama_print_system_info()


@contextmanager
def disable() -> Iterator[None]:
    """Keep the models loaded in this context from using AMX, and all models loaded after them.

    Linux refuses the registers while any thread has a signal stack that is too small for them
    (arch/x86/kernel/fpu/xstate.c: ARCH_REQ_XCOMP_PERM).
    """
    sigaltstack = ctypes.CDLL(None, use_errno=True).sigaltstack
    memory, before = ctypes.create_string_buffer(SMALL_STACK_BYTES), _SignalStack()
    small = _SignalStack(ctypes.addressof(memory), 0, SMALL_STACK_BYTES)
    sigaltstack(ctypes.byref(small), ctypes.byref(before))
    try:
        yield
    finally:
        sigaltstack(ctypes.byref(before), None)
