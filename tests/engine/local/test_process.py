"""The real worker process, without a model."""

from pathlib import Path

import pytest

from copilotd.config import EngineSection
from copilotd.engine.local.client import EngineClient
from copilotd.engine.local.supervisor import StateListener
from copilotd.engine.protocol import WorkerSpec
from copilotd.errors import EngineLoadFailed


async def fail_to_load() -> EngineLoadFailed:
    """Load a missing file and return the error, which proves that the worker ran."""

    async def provide_spec(report: StateListener) -> WorkerSpec:
        return WorkerSpec("missing.gguf", "missing")

    engine = EngineClient(provide_spec, EngineSection())
    with pytest.raises(EngineLoadFailed) as caught:
        await engine.info()
    await engine.close()
    return caught.value


async def test_a_missing_file_cannot_be_loaded() -> None:
    error = await fail_to_load()
    assert "cannot load missing.gguf" in error.message
    assert error.hint == "Check the file with `copilotd models info`, or pull it again."


async def test_code_in_the_current_folder_is_not_imported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "queue.py").write_text("raise SystemExit('imported')")
    monkeypatch.chdir(tmp_path)
    assert "cannot load missing.gguf" in (await fail_to_load()).message
