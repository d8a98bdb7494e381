"""Turns a `Setup` into llama.cpp's context parameters, with this machine's defaults."""

from typing import Any

import psutil
from llama_cpp import llama_cpp as C
from msgspec.structs import replace

from copilotd.engine.performance import Setup

_FLASH_ATTENTION = {
    "auto": C.LLAMA_FLASH_ATTN_TYPE_AUTO,
    "on": C.LLAMA_FLASH_ATTN_TYPE_ENABLED,
    "off": C.LLAMA_FLASH_ATTN_TYPE_DISABLED,
}
_KV_TYPES = {"f16": C.GGML_TYPE_F16, "q8_0": C.GGML_TYPE_Q8_0}


def resolve(setup: Setup, n_ubatch: int) -> Setup:
    """Replace "auto" and 0 in `setup` with this machine's defaults, and with `n_ubatch`."""
    flash_attention = setup.flash_attention
    if flash_attention == "auto" and setup.kv_type != "f16":
        # llama.cpp needs flash attention for a quantised V cache.
        flash_attention = "on"
    elif flash_attention == "auto" and not C.llama_supports_gpu_offload():
        # On most CPUs flash attention slows decoding in a long context; llama.cpp's own "auto"
        # would turn it on.
        flash_attention = "off"
    n_threads = setup.n_threads or count_cores()
    return replace(
        setup,
        flash_attention=flash_attention,
        n_threads=n_threads,
        n_threads_batch=setup.n_threads_batch or n_threads,
        n_ubatch=setup.n_ubatch or n_ubatch,
    )


def make_context_params(setup: Setup, n_batch: int) -> Any:
    """Make llama.cpp's context parameters for a `setup` that `resolve` returned."""
    params = C.llama_context_default_params()
    params.n_batch, params.n_ubatch = n_batch, setup.n_ubatch
    params.n_threads, params.n_threads_batch = setup.n_threads, setup.n_threads_batch
    params.flash_attn_type = _FLASH_ATTENTION[setup.flash_attention]
    params.type_k = params.type_v = _KV_TYPES[setup.kv_type]
    return params


def count_cores() -> int:
    """Count the physical cores that this process may use.

    A second thread on one core would slow decoding.
    """
    physical = psutil.cpu_count(logical=False) or psutil.cpu_count() or 1
    return max(1, min(physical, count_threads()))


def count_threads() -> int:
    """Count the threads that this process can run at the same time."""
    process = psutil.Process()
    allowed = len(process.cpu_affinity()) if hasattr(process, "cpu_affinity") else None
    return allowed or psutil.cpu_count() or 1
