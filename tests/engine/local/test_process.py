"""The real worker process, as far as it goes without a model."""

from pathlib import Path

import pytest

from copilotd.config import EngineSection
from copilotd.engine.local.client import EngineClient
from copilotd.engine.local.supervisor import Report
from copilotd.engine.protocol import WorkerSpec
from copilotd.errors import EngineLoadFailed


async def load_failure() -> EngineLoadFailed:
    """What loading a file that is missing fails with: the worker ran as far as that."""

    async def provision(report: Report) -> WorkerSpec:
        return WorkerSpec("missing.gguf", "missing")

    engine = EngineClient(provision, EngineSection())
    with pytest.raises(EngineLoadFailed) as caught:
        await engine.info()
    await engine.close()
    return caught.value


async def test_a_file_that_is_missing_cannot_be_loaded() -> None:
    error = await load_failure()
    assert "cannot load missing.gguf" in error.message
    assert error.hint == "Check the file with `copilotd models info`, or pull it again."


async def test_code_in_the_current_folder_is_not_imported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "queue.py").write_text("raise SystemExit('imported')")
    monkeypatch.chdir(tmp_path)
    assert "cannot load missing.gguf" in (await load_failure()).message
