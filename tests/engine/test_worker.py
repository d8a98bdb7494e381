"""The real worker process, as far as it goes without a model."""

from pathlib import Path

import pytest

from copilotd.config import EngineSection
from copilotd.engine.client import EngineClient
from copilotd.engine.keeper import Report
from copilotd.engine.protocol import WorkerSpec
from copilotd.errors import EngineLoadFailed


async def test_a_file_that_is_missing_cannot_be_loaded() -> None:
    async def provision(report: Report) -> WorkerSpec:
        return WorkerSpec("missing.gguf", "missing")

    engine = EngineClient(provision, EngineSection())
    with pytest.raises(EngineLoadFailed, match=r"cannot load missing\.gguf") as caught:
        await engine.info()
    assert caught.value.hint == "Check the file with `copilotd models info`, or pull it again."
    await engine.close()


async def test_code_in_the_current_folder_is_not_imported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "queue.py").write_text("raise SystemExit('imported')")
    monkeypatch.chdir(tmp_path)
    await test_a_file_that_is_missing_cannot_be_loaded()
