"""Python, and how llama.cpp was built into it.

llama-cpp-python is imported in a process of its own: a build for another processor ends the
process that imports it.
"""

import platform
import shutil
import subprocess
import sys
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path

import msgspec

from copilotd.cli.diagnosis.check import Check, broken, note, ok

PACKAGE = "llama-cpp-python"
OLDEST_PYTHON = (3, 11)
IMPORT_WITHIN_S = 120.0

_PROBE = """
import json, llama_cpp
print(json.dumps({
    "version": llama_cpp.__version__,
    "system": llama_cpp.llama_print_system_info().decode(),
    "gpu": llama_cpp.llama_supports_gpu_offload(),
}))
"""


class Build(msgspec.Struct, frozen=True):
    """llama.cpp as it was compiled: `system` is its own list of features."""

    version: str
    system: str
    gpu: bool

    @property
    def features(self) -> list[str]:
        """The names of what is switched on, such as AVX2 or METAL."""
        items = (part.split(":")[-1].partition("=") for part in self.system.split("|"))
        return [name.strip() for name, _, value in items if value.strip() == "1"]


def check_build() -> Iterator[Check]:
    """Look at Python, at the build's version and at what is compiled in."""
    yield _python()
    found = probe()
    if isinstance(found, Check):
        yield found
        return
    yield ok(
        PACKAGE, f"{found.version}, built with {', '.join(found.features) or 'nothing special'}"
    )
    yield _vectors(found)
    yield _gpu(found)


def probe() -> Build | Check:
    """Import llama_cpp elsewhere: what it says of itself, or what is wrong with it."""
    try:
        done = subprocess.run(
            [sys.executable, "-P", "-c", _PROBE],
            capture_output=True,
            text=True,
            timeout=IMPORT_WITHIN_S,
        )
    except subprocess.TimeoutExpired:
        return broken(PACKAGE, f"did not import within {IMPORT_WITHIN_S:.0f} s", _routes())
    if done.returncode == 0:
        return msgspec.json.decode(done.stdout.splitlines()[-1], type=Build)
    last = (done.stderr.strip().splitlines() or [""])[-1]
    if done.returncode < 0:
        last = f"its import was ended by signal {-done.returncode}: built for another processor"
    return broken(PACKAGE, f"cannot be imported: {last}", _routes())


def _python() -> Check:
    version = platform.python_version()
    if sys.version_info < OLDEST_PYTHON:
        return broken("Python", version, "Install Python 3.11 or newer.")
    return ok("Python", f"{version} ({sys.executable})")


def _vectors(build: Build) -> Check:
    missing = sorted({"AVX2", "AVX512"} & _cpu_flags() - set(build.features))
    if missing:
        detail = f"built without {', '.join(missing)}, which this processor has: slower than needed"
        return note("CPU", detail, _rebuild("-DGGML_NATIVE=on"))
    return ok("CPU", f"{platform.machine()}, all its vector instructions are used")


def _cpu_flags() -> set[str]:
    """The vector instructions of this processor, in llama.cpp's names; known on Linux only."""
    try:
        words = Path("/proc/cpuinfo").read_text().split()
    except OSError:
        return set()
    names = {"avx2": "AVX2", "avx512f": "AVX512"}
    return {name for flag, name in names.items() if flag in words}


def _gpu(build: Build) -> Check:
    if build.gpu:
        return ok("GPU", "layers can be offloaded")
    tools = {"nvidia-smi": "-DGGML_CUDA=on", "rocminfo": "-DGGML_HIP=on"}
    tools |= {"vulkaninfo": "-DGGML_VULKAN=on"}
    for tool, flag in tools.items():
        if shutil.which(tool):
            return note("GPU", f"not used, though {tool} is here", _rebuild(flag))
    if sys.platform == "darwin":
        return note("GPU", "built without Metal", _rebuild("-DGGML_METAL=on"))
    return ok("GPU", "none found; the model runs on the CPU")


def _routes() -> str:
    return (
        f"Install it ready built: pip install --prefer-binary {_pinned()} --extra-index-url "
        "https://abetlen.github.io/llama-cpp-python/whl/cpu (or whl/metal, whl/cu124, whl/vulkan). "
        "Or compile it, which needs a C++ compiler and some minutes: "
        f"{_rebuild('-DGGML_NATIVE=on')} With a GPU: -DGGML_METAL=on, -DGGML_CUDA=on or "
        "-DGGML_VULKAN=on."
    )


def _rebuild(flag: str) -> str:
    return (
        f'CMAKE_ARGS="{flag}" pip install --force-reinstall --no-deps --no-cache-dir '
        f"--no-binary {PACKAGE} {_pinned()}"
    )


def _pinned() -> str:
    """The version that copilotd was made for, as pip takes it."""
    wanted = metadata.requires("copilotd") or []
    return next((need for need in wanted if need.startswith(PACKAGE)), PACKAGE)
