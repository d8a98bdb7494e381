from pathlib import Path

import pytest

from copilotd.config import ModelSection
from copilotd.engine.fake import FAKE_CALIBRATION
from copilotd.engine.performance import Setup, Tuning
from copilotd.serving.tuning_store import TuningStore, build_requested_setup, describe_machine

MACHINE = "a processor, 2 cores"
TUNING = Tuning("small", MACHINE, 1000.0, FAKE_CALIBRATION)
AUTO = ModelSection()


@pytest.fixture
def model(tmp_path: Path) -> Path:
    file = tmp_path / "small.gguf"
    file.write_bytes(b"GGUF" + b"x" * 100_000)
    return file


def test_a_stored_measurement_is_read_again(tmp_path: Path, model: Path) -> None:
    store = TuningStore(tmp_path / "tuning", MACHINE)
    assert store.read(model, AUTO) is None

    store.write(model, AUTO, TUNING)

    assert TuningStore(tmp_path / "tuning", MACHINE).read(model, AUTO) == TUNING
    assert len(list((tmp_path / "tuning").iterdir())) == 1


def test_a_moved_file_is_the_same_model(tmp_path: Path, model: Path) -> None:
    store = TuningStore(tmp_path / "tuning", MACHINE)
    store.write(model, AUTO, TUNING)
    folder = tmp_path / "elsewhere"
    folder.mkdir()

    assert store.read(model.rename(folder / model.name), AUTO) == TUNING


def test_a_measurement_applies_to_one_file_machine_and_setup(tmp_path: Path, model: Path) -> None:
    folder = tmp_path / "tuning"
    TuningStore(folder, MACHINE).write(model, AUTO, TUNING)

    assert TuningStore(folder, "a processor, 4 cores").read(model, AUTO) is None
    for settings in (
        ModelSection(flash_attention="on"),
        ModelSection(n_threads=3),
        ModelSection(kv_type="q8_0"),
        ModelSection(n_gpu_layers=0),
    ):
        assert TuningStore(folder, MACHINE).read(model, settings) is None
    model.write_bytes(b"GGUF" + b"y" * 100_000)
    assert TuningStore(folder, MACHINE).read(model, AUTO) is None


@pytest.mark.parametrize("content", [b"", b"{", b'{"model": 1}', b"\xff\xfe"])
def test_a_damaged_file_counts_as_none_and_is_overwritten(
    tmp_path: Path, model: Path, content: bytes
) -> None:
    store = TuningStore(tmp_path / "tuning", MACHINE)
    store.write(model, AUTO, TUNING)
    (file,) = (tmp_path / "tuning").iterdir()
    file.write_bytes(content)

    assert store.read(model, AUTO) is None
    store.write(model, AUTO, TUNING)
    assert store.read(model, AUTO) == TUNING


def test_the_requested_setup_leaves_open_what_the_settings_leave_open() -> None:
    explicit = ModelSection(flash_attention="on", n_threads=3, kv_type="q8_0")

    assert build_requested_setup(AUTO) == Setup("auto", 0, 0, 0, "f16")
    assert build_requested_setup(explicit) == Setup("on", 3, 3, 0, "q8_0")


def test_a_machine_is_described_in_one_line() -> None:
    line = describe_machine()

    assert "\n" not in line
    assert " core" in line and ", llama-cpp-python " in line
