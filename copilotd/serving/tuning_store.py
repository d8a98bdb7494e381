"""What was measured of models on this machine, kept between starts of the daemon.

A calibration holds for one file, one processor, one version of llama-cpp-python and one set of
settings; another of any of them has a file of its own in the folder.
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

_HEAD = 2**16
"""Bytes of a model file that tell it from others: its metadata."""


@dataclass(frozen=True, slots=True)
class TuningStore:
    """The folder; it need not exist. `machine` is what the measurements hold for."""

    folder: Path
    machine: str

    def read(self, model: Path, settings: ModelSection) -> Tuning | None:
        """What is known of the file `model` under `settings`; None if that is nothing.

        A file that is damaged, or of another version of copilotd, is nothing.
        """
        with suppress(OSError, msgspec.MsgspecError):
            return msgspec.json.decode(self._file(model, settings).read_bytes(), type=Tuning)
        return None

    def write(self, model: Path, settings: ModelSection, tuning: Tuning) -> None:
        """Keep `tuning`. Raises: OSError."""
        file = self._file(model, settings)
        self.folder.mkdir(parents=True, exist_ok=True)
        write_atomically(file, msgspec.json.format(msgspec.json.encode(tuning)))

    def _file(self, model: Path, settings: ModelSection) -> Path:
        parts = (self.machine, settings.n_gpu_layers, requested_setup(settings))
        digest = hashlib.sha256(repr(parts).encode() + _identity(model)).hexdigest()
        return self.folder / f"{model.stem}-{digest[:16]}.json"


def requested_setup(settings: ModelSection) -> Setup:
    """How the model is to be run as far as `settings` say."""
    return Setup(
        flash_attention=settings.flash_attention,
        n_threads=settings.n_threads,
        n_threads_batch=settings.n_threads,
        kv_type=settings.kv_type,
    )


def _identity(model: Path) -> bytes:
    """What tells a model file from others, wherever it lies.

    If there is no such file, its name: a model on another server has none here.
    """
    with suppress(OSError), model.open("rb") as file:
        return b"%d " % model.stat().st_size + file.read(_HEAD)
    return str(model).encode()


def describe_machine() -> str:
    """The processor, its usable cores, and the version of llama-cpp-python."""
    cores, threads = detect_hardware().cores, os.cpu_count() or 1
    count = "1 core" if cores == 1 else f"{cores} cores"
    try:
        build = version("llama-cpp-python")
    except PackageNotFoundError:
        build = "of unknown version"
    return f"{_processor()}, {count} ({threads} threads), llama-cpp-python {build}"


def _processor() -> str:
    with suppress(OSError, StopIteration, subprocess.SubprocessError):
        if sys.platform == "linux":
            lines = Path("/proc/cpuinfo").read_text("utf-8").splitlines()
            return next(line.partition(": ")[2] for line in lines if line.startswith("model name"))
        if sys.platform == "darwin":
            command = ("sysctl", "-n", "machdep.cpu.brand_string")
            return subprocess.check_output(command, text=True, timeout=5).strip()
    return platform.processor() or platform.machine()
