"""Checks Python and the build of llama.cpp.

llama-cpp-python is imported in another process, because a build for another processor ends the
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

from copilotd.cli.diagnosis.check import Check, failure, note, ok

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
    """A build of llama.cpp; `system` is its own list of features."""

    version: str
    system: str
    gpu: bool

    @property
    def features(self) -> list[str]:
        """The names of the enabled features, such as AVX2 or METAL."""
        items = (part.split(":")[-1].partition("=") for part in self.system.split("|"))
        return [name.strip() for name, _, value in items if value.strip() == "1"]


def check_build() -> Iterator[Check]:
    """Check Python, the version of the build and the compiled features."""
    yield _check_python()
    found = probe()
    if isinstance(found, Check):
        yield found
        return
    yield ok(
        PACKAGE, f"{found.version}, built with {', '.join(found.features) or 'nothing special'}"
    )
    yield _check_vector_instructions(found)
    yield _check_gpu(found)


def probe() -> Build | Check:
    """Import llama_cpp in another process: its build, or the error."""
    try:
        done = subprocess.run(
            [sys.executable, "-P", "-c", _PROBE],
            capture_output=True,
            text=True,
            timeout=IMPORT_WITHIN_S,
        )
    except subprocess.TimeoutExpired:
        return failure(PACKAGE, f"did not import within {IMPORT_WITHIN_S:.0f} s", _describe_fixes())
    if done.returncode == 0:
        return msgspec.json.decode(done.stdout.splitlines()[-1], type=Build)
    last = (done.stderr.strip().splitlines() or [""])[-1]
    if done.returncode < 0:
        last = f"its import was ended by signal {-done.returncode}: built for another processor"
    return failure(PACKAGE, f"cannot be imported: {last}", _describe_fixes())


def _check_python() -> Check:
    version = platform.python_version()
    if sys.version_info < OLDEST_PYTHON:
        return failure("Python", version, "Install Python 3.11 or newer.")
    return ok("Python", f"{version} ({sys.executable})")


def _check_vector_instructions(build: Build) -> Check:
    missing = sorted({"AVX2", "AVX512"} & _cpu_flags() - set(build.features))
    if missing:
        detail = f"built without {', '.join(missing)}, which this processor has: slower than needed"
        return note("CPU", detail, _describe_rebuild("-DGGML_NATIVE=on"))
    return ok("CPU", f"{platform.machine()}, all its vector instructions are used")


def _cpu_flags() -> set[str]:
    """The vector instructions of this processor, by llama.cpp's names; on Linux only."""
    try:
        words = Path("/proc/cpuinfo").read_text().split()
    except OSError:
        return set()
    names = {"avx2": "AVX2", "avx512f": "AVX512"}
    return {name for flag, name in names.items() if flag in words}


def _check_gpu(build: Build) -> Check:
    if build.gpu:
        return ok("GPU", "layers can be offloaded")
    tools = {"nvidia-smi": "-DGGML_CUDA=on", "rocminfo": "-DGGML_HIP=on"}
    tools |= {"vulkaninfo": "-DGGML_VULKAN=on"}
    for tool, flag in tools.items():
        if shutil.which(tool):
            return note("GPU", f"not used, although {tool} is installed", _describe_rebuild(flag))
    if sys.platform == "darwin":
        return note("GPU", "built without Metal", _describe_rebuild("-DGGML_METAL=on"))
    return ok("GPU", "none found; the model runs on the CPU")


def _describe_fixes() -> str:
    return (
        f"Install a prebuilt wheel: pip install --prefer-binary {_required_version()} "
        "--extra-index-url https://abetlen.github.io/llama-cpp-python/whl/cpu "
        "(or whl/metal, whl/cu124, whl/vulkan). "
        "Or compile it, which needs a C++ compiler and some minutes: "
        f"{_describe_rebuild('-DGGML_NATIVE=on')} With a GPU: -DGGML_METAL=on, -DGGML_CUDA=on or "
        "-DGGML_VULKAN=on."
    )


def _describe_rebuild(flag: str) -> str:
    return (
        f'CMAKE_ARGS="{flag}" pip install --force-reinstall --no-deps --no-cache-dir '
        f"--no-binary {PACKAGE} {_required_version()}"
    )


def _required_version() -> str:
    """The version that copilotd requires, as a pip requirement."""
    wanted = metadata.requires("copilotd") or []
    return next((need for need in wanted if need.startswith(PACKAGE)), PACKAGE)
