from pathlib import Path

import pytest

from copilotd.models.catalogue import load_catalogue
from copilotd.models.hardware import GIB, Hardware, detect_hardware, measure_free_memory
from copilotd.models.recommend import recommend

CATALOGUE = load_catalogue()


@pytest.mark.parametrize(
    ("cores", "memory_gib", "name"),
    [
        (1, 1.0, "qwen2.5-coder-0.5b-instruct"),
        (2, 23.5, "qwen2.5-coder-0.5b-instruct"),
        (4, 64.0, "qwen2.5-coder-0.5b-instruct"),
        (8, 7.7, "qwen2.5-coder-0.5b-instruct"),
        (8, 15.4, "qwen2.5-coder-1.5b-instruct"),
        (16, 64.0, "qwen2.5-coder-1.5b-instruct"),
        (64, 256.0, "qwen2.5-coder-7b-instruct"),
    ],
)
def test_the_recommendation_follows_from_cores_and_memory(
    cores: int, memory_gib: float, name: str
) -> None:
    machine = Hardware(cores, int(memory_gib * GIB))
    assert recommend(CATALOGUE, machine).entry.name == name


def test_the_reason_names_the_machine_and_what_the_next_larger_model_needs() -> None:
    assert recommend(CATALOGUE, Hardware(2, 8 * GIB)).reason == (
        "With 2 cores and 8 GiB of memory, qwen2.5-coder-0.5b-instruct completes quickly without "
        "a GPU; qwen2.5-coder-1.5b-instruct, the next larger one, needs 8 cores and 16 GiB."
    )


def test_the_reason_names_no_larger_model_if_there_is_none() -> None:
    assert recommend(CATALOGUE, Hardware(96, 512 * GIB)).reason == (
        "With 96 cores and 512 GiB of memory, qwen2.5-coder-7b-instruct completes quickly without "
        "a GPU."
    )


def test_one_core_is_written_in_the_singular() -> None:
    assert str(Hardware(1, GIB)) == "1 core and 1 GiB of memory"


def test_the_memory_limit_of_a_container_counts(tmp_path: Path) -> None:
    whole = detect_hardware(tmp_path)
    (tmp_path / "memory.max").write_text(f"{64 * 1024 * 1024}\n")
    assert detect_hardware(tmp_path) == Hardware(whole.cores, 64 * 1024 * 1024)


def test_a_container_without_a_limit_has_the_memory_of_the_machine(tmp_path: Path) -> None:
    whole = detect_hardware(tmp_path)
    (tmp_path / "memory.max").write_text("max\n")
    assert detect_hardware(tmp_path) == whole
    assert whole.cores >= 1
    assert whole.memory < 2**60


def test_free_memory_excludes_mapped_files_that_linux_counts_as_free(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_container_files(tmp_path, limit=1000, used=700, files=300)

    monkeypatch.setattr("sys.platform", "linux")
    assert measure_free_memory(250, tmp_path) == 1000 - 700 + 300 - 250
    monkeypatch.setattr("sys.platform", "darwin")
    assert measure_free_memory(250, tmp_path) == 1000 - 700 + 300


def test_free_memory_without_a_container_is_that_of_the_system(tmp_path: Path) -> None:
    assert 0 < measure_free_memory(0, tmp_path) < 2**60


def write_container_files(folder: Path, limit: int, used: int, files: int) -> None:
    """Write the files where Linux gives the memory limit and the memory use of a container."""
    (folder / "memory.max").write_text(f"{limit}\n")
    (folder / "memory.current").write_text(f"{used}\n")
    stat = f"anon 5\nactive_file {files - 100}\ninactive_file 100\nslab 7\n"
    (folder / "memory.stat").write_text(stat)
