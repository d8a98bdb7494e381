import threading
from pathlib import Path

import pytest

from copilotd.config import ModelSection
from copilotd.errors import CorruptModel, ModelNotFound
from copilotd.models.catalogue import Catalogue, load_catalogue
from copilotd.models.fim import FimLayout
from copilotd.models.hardware import detect_hardware
from copilotd.models.provision import InstalledModel, Provisioner
from copilotd.models.pull import pull
from copilotd.models.recommend import recommend
from copilotd.models.sources.url import Url
from copilotd.models.store import ModelStore
from tests.models.conftest import ProgressRecorder
from tests.models.file_server import Site
from tests.models.test_pull import build_catalogue
from tests.models.tiny_gguf import METADATA, build_gguf, write_gguf

DATA = build_gguf()
NEVER = threading.Event()
CATALOGUE = load_catalogue()
EMPTY = Catalogue([], [])


def test_nothing_is_installed_at_first(store: ModelStore) -> None:
    provision = Provisioner(store, CATALOGUE, ModelSection())
    assert provision.find_installed() is None
    assert provision.model_name == recommend(CATALOGUE, detect_hardware()).entry.name


def test_a_missing_model_is_downloaded(
    site: Site, store: ModelStore, recorder: ProgressRecorder
) -> None:
    catalogue = build_catalogue(site.put("/m.gguf", DATA))
    provision = Provisioner(store, catalogue, ModelSection(name="tiny"))
    found = provision.ensure_installed(recorder, NEVER)
    assert found == InstalledModel("tiny", store.folder / "tiny" / "tiny.gguf", "qwen2.5-coder", {})
    assert provision.find_installed() == found


def test_an_installed_model_needs_no_network(
    site: Site, store: ModelStore, recorder: ProgressRecorder
) -> None:
    catalogue = build_catalogue(site.put("/m.gguf", DATA))
    provision = Provisioner(store, catalogue, ModelSection(name="tiny"))
    provision.ensure_installed(recorder, NEVER)
    site.requests.clear()
    recorder.steps.clear()
    provision.ensure_installed(recorder, NEVER)
    assert (site.requests, recorder.steps) == ([], [])


def test_auto_means_the_default_of_the_store(
    store: ModelStore, recorder: ProgressRecorder, tmp_path: Path
) -> None:
    mine = write_gguf(tmp_path / "mine.gguf")
    pull(str(mine), store, EMPTY, recorder, NEVER)
    found = Provisioner(store, CATALOGUE, ModelSection()).find_installed()
    assert found == InstalledModel("mine", mine, "", {})


def test_the_family_of_a_model_gives_its_fim_tokens(
    store: ModelStore, recorder: ProgressRecorder, tmp_path: Path
) -> None:
    metadata = {**METADATA, "general.name": "Codestral 22B v0.1"}
    mine = write_gguf(tmp_path / "mine.gguf", metadata)
    pull(str(mine), store, EMPTY, recorder, NEVER)
    found = Provisioner(store, CATALOGUE, ModelSection()).find_installed()
    fim = {"prefix": "[PREFIX]", "suffix": "[SUFFIX]"}
    assert found == InstalledModel("mine", mine, "codestral", fim, FimLayout(suffix_first=True))


def test_a_path_in_the_settings_is_served_in_place(store: ModelStore, tmp_path: Path) -> None:
    mine = write_gguf(tmp_path / "mine.gguf")
    found = Provisioner(store, CATALOGUE, ModelSection(name=str(mine))).find_installed()
    assert found == InstalledModel("mine", mine, "", {})
    assert not store.folder.exists()


def test_a_model_installed_from_a_source_in_the_settings_is_found_again(
    site: Site, store: ModelStore, recorder: ProgressRecorder
) -> None:
    url = site.put("/m.gguf", DATA)
    provision = Provisioner(store, EMPTY, ModelSection(name=url))
    assert provision.find_installed() is None
    found = provision.ensure_installed(recorder, NEVER)
    assert (found.name, provision.find_installed()) == ("m", found)


def test_without_auto_download_the_error_names_the_command(
    store: ModelStore, recorder: ProgressRecorder
) -> None:
    settings = ModelSection(name="qwen2.5-coder-7b-instruct", auto_download=False)
    with pytest.raises(ModelNotFound) as caught:
        Provisioner(store, CATALOGUE, settings).ensure_installed(recorder, NEVER)
    assert caught.value.message == (
        "The model qwen2.5-coder-7b-instruct is not installed, and model.auto_download is off"
    )
    assert caught.value.hint == (
        "Download it with `copilotd models pull qwen2.5-coder-7b-instruct`."
    )


def test_a_damaged_model_is_never_served(
    site: Site, store: ModelStore, recorder: ProgressRecorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    catalogue = build_catalogue(site.put("/m.gguf", DATA))
    provision = Provisioner(store, catalogue, ModelSection(name="tiny"))
    found = provision.ensure_installed(recorder, NEVER)
    found.path.write_bytes(DATA[:-1])

    def unexpected(*args: object) -> None:
        pytest.fail("a damaged file is the user's to repair, not silently replaced")

    monkeypatch.setattr(Url, "fetch", unexpected)
    with pytest.raises(CorruptModel):
        provision.find_installed()
    with pytest.raises(CorruptModel) as caught:
        provision.ensure_installed(recorder, NEVER)
    assert caught.value.hint == "Download it again: copilotd models pull tiny"
