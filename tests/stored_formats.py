"""The files that another program, or a later start of the daemon, reads: written with fixed values.

A format is recorded as it lies on the disk, so renaming a class or a field's owner is no change,
while another key, type, order or width is one.
"""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import msgspec
import numpy as np

from copilotd import lifecycle
from copilotd.config import ModelSection
from copilotd.engine.performance import Calibration, Measurement, Setup, Speed, Tuning
from copilotd.engine.worker.kv.disk_tier import DiskTier
from copilotd.lifecycle import RunningDaemon
from copilotd.models.store import ModelStore
from copilotd.paths import Paths
from copilotd.serving.tuning_store import TuningStore
from tests.json_schema import Facts, inlined, stripped

_KEY = bytes(range(32))
_TOKENS = [1, 2, 70_000]
_INDEX = {
    "default": "small",
    "models": {
        "small": {
            "name": "small",
            "files": [{"path": "small/small.gguf", "size": 3, "modified": 4, "sha256": "ab"}],
            "origin": "hf:owner/repo/small.gguf",
            "added": "2026-01-02T03:04:05+00:00",
        }
    },
}
"""An index of models as it lies on users' disks."""


def places() -> Facts:
    """Where the files lie, relative to the user's folders."""
    folders = {name: Path("/", name) for name in ("config", "data", "state", "runtime", "cache")}
    paths = Paths(**folders)
    recorded = {"parked": paths.saved_sequences, "daemon": paths.runtime_file}
    for name in ("user_settings", "models", "tunings", "log", "audit", "token", "lock", "socket"):
        recorded[name] = getattr(paths, name)
    return {name: path.as_posix() for name, path in recorded.items()}


def runtime_file() -> Facts:
    """The keys that the daemon writes, and what a program that reads them insists on."""
    with _paths() as paths:
        lifecycle.announce(paths, "http://h:1", "s", "0", ["--port", "1"], "t")
        written = json.loads(paths.runtime_file.read_text("utf-8"))
    types = {f"writes.{key}": type(value).__name__ for key, value in written.items()}
    return types | _read(RunningDaemon)


def tuning_file() -> Facts:
    """The file of fixed measurements, and its name for a model that lies elsewhere.

    The name holds a hash of the settings: with another one all measurements would be lost.
    """
    setup = Setup("on", 1, 2, 3, "q8_0")
    speed = Speed({16: 1.5}, {0: 2.5}, {1: 1.0})
    calibration = Calibration(Setup(), setup, speed, [Measurement(setup, 4, 5, 6.5)], 0.25)
    with _paths() as paths:
        tunings = TuningStore(paths.tunings, "a machine")
        tunings.write(Path("none.gguf"), ModelSection(), Tuning("m", "a machine", 7.5, calibration))
        file = next(paths.tunings.iterdir())
        written = json.loads(file.read_text("utf-8"))
    return {"name": file.name} | dict(_flat("writes", written)) | _read(Tuning)


def parked_file() -> Facts:
    """A saved sequence of three tokens and eight bytes of state, byte by byte."""
    state = np.arange(8, dtype=np.uint8)
    with _paths() as paths:
        disk = DiskTier(paths.saved_sequences, 2**20, _KEY, _fail)
        disk.write(list(_TOKENS), state, lambda: True)
        file = next(paths.saved_sequences.iterdir())
        written = file.read_bytes()
    at = {"magic": 8, "key": 32, "tokens": 4, "size": 8, "checksum of the state": 4}
    at |= {"token ids": 12, "checksum of the head": 4, "state": 8}
    facts: Facts = {"name": file.name, "size": len(written)}
    start = 0
    for name, size in at.items():
        facts[f"byte {start:02} {name}"] = written[start : start + size].hex()
        start += size
    return facts


def model_index() -> Facts:
    """What is understood of an index of models that is on users' disks."""
    with TemporaryDirectory() as name:
        Path(name, "index.json").write_text(json.dumps(_INDEX), encoding="utf-8")
        store = ModelStore(Path(name))
        records = {record.name: msgspec.to_builtins(record) for record in store.records}
        return {"default": store.default} | dict(_flat("models", records))


def _fail(complaint: str) -> None:
    raise OSError(complaint)


@contextmanager
def _paths() -> Iterator[Paths]:
    with TemporaryDirectory() as name:
        paths = Paths(*[Path(name, part) for part in ("c", "d", "s", "r", "k")])
        lifecycle.create_folders(paths)
        yield paths


def _read(kind: type) -> Facts:
    """The keys of a file as its reader sees them, with their types, and whether they must exist."""
    return dict(_keys("reads", stripped(inlined(msgspec.json.schema(kind)))))


def _keys(name: str, schema: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    for key, value in schema.get("properties", {}).items():
        nested = value.get("items", value)
        if "properties" in nested:
            yield from _keys(f"{name}.{key}" + "[]" * ("items" in value), nested)
        else:
            yield f"{name}.{key}", {**value, "required": key in schema["required"]}


def _flat(name: str, value: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(value, dict) and value:
        for key, one in value.items():
            yield from _flat(f"{name}.{key}", one)
    else:
        yield name, value
