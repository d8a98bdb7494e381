"""Measurements of models on this machine, stored between starts of the daemon.

A calibration is valid for one model file, one processor, one version of llama-cpp-python and one
set of settings. Each combination has its own file in the folder.
"""

import hashlib
import os
import platform
import subprocess
import sys
from contextlib import suppress
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import msgspec

from copilotd.config import ModelSection
from copilotd.engine.performance import Setup, Tuning
from copilotd.files import write_atomically
from copilotd.models.hardware import detect_hardware

_HEAD_BYTES = 2**16
"""The first bytes of a model file, its metadata, distinguish it from others."""


@dataclass(frozen=True, slots=True)
class TuningStore:
    """The folder, which need not exist. `machine` describes where the measurements are valid."""

    folder: Path
    machine: str

    def read(self, model: Path, settings: ModelSection) -> Tuning | None:
        """The measurement of the file `model` with `settings`; None if there is none.

        A damaged file, or one of another version of copilotd, counts as none.
        """
        with suppress(OSError, msgspec.MsgspecError):
            return msgspec.json.decode(self._file(model, settings).read_bytes(), type=Tuning)
        return None

    def write(self, model: Path, settings: ModelSection, tuning: Tuning) -> None:
        """Store `tuning`. Raises: OSError."""
        file = self._file(model, settings)
        self.folder.mkdir(parents=True, exist_ok=True)
        write_atomically(file, msgspec.json.format(msgspec.json.encode(tuning)))

    def _file(self, model: Path, settings: ModelSection) -> Path:
        parts = (self.machine, settings.n_gpu_layers, build_requested_setup(settings))
        digest = hashlib.sha256(repr(parts).encode() + _identify(model)).hexdigest()
        return self.folder / f"{model.stem}-{digest[:16]}.json"


def build_requested_setup(settings: ModelSection) -> Setup:
    """The setup that `settings` ask for; what the settings leave open stays open."""
    return Setup(
        flash_attention=settings.flash_attention,
        n_threads=settings.n_threads,
        n_threads_batch=settings.n_threads,
        kv_type=settings.kv_type,
    )


def _identify(model: Path) -> bytes:
    """Bytes that distinguish a model file from others, wherever it is.

    A model on another server has no file here, so its name is used.
    """
    with suppress(OSError), model.open("rb") as file:
        return b"%d " % model.stat().st_size + file.read(_HEAD_BYTES)
    return str(model).encode()


def describe_machine() -> str:
    """The processor, its usable cores, and the version of llama-cpp-python."""
    cores, threads = detect_hardware().cores, os.cpu_count() or 1
    count = "1 core" if cores == 1 else f"{cores} cores"
    try:
        build = version("llama-cpp-python")
    except PackageNotFoundError:
        build = "of unknown version"
    return f"{_processor_name()}, {count} ({threads} threads), llama-cpp-python {build}"


def _processor_name() -> str:
    with suppress(OSError, StopIteration, subprocess.SubprocessError):
        if sys.platform == "linux":
            lines = Path("/proc/cpuinfo").read_text("utf-8").splitlines()
            return next(line.partition(": ")[2] for line in lines if line.startswith("model name"))
        if sys.platform == "darwin":
            command = ("sysctl", "-n", "machdep.cpu.brand_string")
            return subprocess.check_output(command, text=True, timeout=5).strip()
    return platform.processor() or platform.machine()
