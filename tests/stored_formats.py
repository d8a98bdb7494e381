"""Write, with fixed values, each file that another program or a later daemon reads.

The facts describe the bytes on the disk. Renaming a class does not change them; another key, type,
order or width does.
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
from tests.json_schema import Facts, inline_definitions, strip_wording

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
"""An index of models as it is on the disks of users."""


def list_paths() -> Facts:
    """List the paths of the files, relative to the user's folders."""
    folders = {name: Path("/", name) for name in ("config", "data", "state", "runtime", "cache")}
    paths = Paths(**folders)
    recorded = {"parked": paths.saved_sequences, "daemon": paths.runtime_file}
    for name in ("user_settings", "models", "tunings", "log", "audit", "token", "lock", "socket"):
        recorded[name] = getattr(paths, name)
    return {name: path.as_posix() for name, path in recorded.items()}


def describe_runtime_file() -> Facts:
    """Describe the keys that the daemon writes, and those that a reader requires."""
    with _create_paths() as paths:
        lifecycle.announce(paths, "http://h:1", "s", "0", ["--port", "1"], "t")
        content = json.loads(paths.runtime_file.read_text("utf-8"))
    types = {f"writes.{key}": type(value).__name__ for key, value in content.items()}
    return types | _describe_reader(RunningDaemon)


def describe_tuning_file() -> Facts:
    """Describe the file of fixed measurements, and its name for a model that does not exist.

    The name has a hash of the settings. If the hash changes, all stored measurements are lost.
    """
    setup = Setup("on", 1, 2, 3, "q8_0")
    speed = Speed({16: 1.5}, {0: 2.5}, {1: 1.0})
    calibration = Calibration(Setup(), setup, speed, [Measurement(setup, 4, 5, 6.5)], 0.25)
    with _create_paths() as paths:
        tunings = TuningStore(paths.tunings, "a machine")
        tunings.write(Path("none.gguf"), ModelSection(), Tuning("m", "a machine", 7.5, calibration))
        file = next(paths.tunings.iterdir())
        content = json.loads(file.read_text("utf-8"))
    return {"name": file.name} | dict(_flatten("writes", content)) | _describe_reader(Tuning)


def describe_sequence_file() -> Facts:
    """Describe the bytes of a saved sequence with three tokens and eight bytes of state."""
    state = np.arange(8, dtype=np.uint8)
    with _create_paths() as paths:
        disk = DiskTier(paths.saved_sequences, 2**20, _KEY, _fail)
        disk.write(list(_TOKENS), state, lambda: True)
        file = next(paths.saved_sequences.iterdir())
        content = file.read_bytes()
    at = {"magic": 8, "key": 32, "tokens": 4, "size": 8, "checksum of the state": 4}
    at |= {"token ids": 12, "checksum of the head": 4, "state": 8}
    facts: Facts = {"name": file.name, "size": len(content)}
    start = 0
    for name, size in at.items():
        facts[f"byte {start:02} {name}"] = content[start : start + size].hex()
        start += size
    return facts


def describe_model_index() -> Facts:
    """Describe what is read from an index of models on the disk of a user."""
    with TemporaryDirectory() as name:
        Path(name, "index.json").write_text(json.dumps(_INDEX), encoding="utf-8")
        store = ModelStore(Path(name))
        records = {record.name: msgspec.to_builtins(record) for record in store.records}
        return {"default": store.default} | dict(_flatten("models", records))


def _fail(complaint: str) -> None:
    raise OSError(complaint)


@contextmanager
def _create_paths() -> Iterator[Paths]:
    with TemporaryDirectory() as name:
        paths = Paths(*[Path(name, part) for part in ("c", "d", "s", "r", "k")])
        lifecycle.create_folders(paths)
        yield paths


def _describe_reader(kind: type) -> Facts:
    """Describe the keys that the reader of a file knows: types, and whether they are required."""
    return dict(_list_keys("reads", strip_wording(inline_definitions(msgspec.json.schema(kind)))))


def _list_keys(name: str, schema: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    for key, value in schema.get("properties", {}).items():
        nested = value.get("items", value)
        if "properties" in nested:
            yield from _list_keys(f"{name}.{key}" + "[]" * ("items" in value), nested)
        else:
            yield f"{name}.{key}", {**value, "required": key in schema["required"]}


def _flatten(name: str, value: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(value, dict) and value:
        for key, one in value.items():
            yield from _flatten(f"{name}.{key}", one)
    else:
        yield name, value
