import threading
from pathlib import Path

import pytest

from copilotd.config import ModelSection
from copilotd.errors import CorruptModel, ModelNotFound
from copilotd.models.catalogue import Catalogue, load_catalogue
from copilotd.models.fim import FimLayout
from copilotd.models.hardware import this_machine
from copilotd.models.provision import Installed, Provision
from copilotd.models.pull import pull
from copilotd.models.recommend import choose
from copilotd.models.sources.url import Url
from copilotd.models.store import Store
from tests.models.conftest import Reported
from tests.models.file_server import Site
from tests.models.test_pull import catalogue_of
from tests.models.tiny_gguf import METADATA, gguf_bytes, write_gguf

DATA = gguf_bytes()
NEVER = threading.Event()
CATALOGUE = load_catalogue()
EMPTY = Catalogue([], [])


def test_nothing_is_installed_at_first(store: Store) -> None:
    provision = Provision(store, CATALOGUE, ModelSection())
    assert provision.installed() is None
    assert provision.wanted == choose(CATALOGUE, this_machine()).entry.name


def test_a_missing_model_is_downloaded(site: Site, store: Store, reported: Reported) -> None:
    catalogue = catalogue_of(site.put("/m.gguf", DATA))
    provision = Provision(store, catalogue, ModelSection(name="tiny"))
    found = provision.ensure(reported, NEVER)
    assert found == Installed("tiny", store.folder / "tiny" / "tiny.gguf", "qwen2.5-coder", {})
    assert provision.installed() == found


def test_a_model_that_is_there_needs_no_network(
    site: Site, store: Store, reported: Reported
) -> None:
    catalogue = catalogue_of(site.put("/m.gguf", DATA))
    provision = Provision(store, catalogue, ModelSection(name="tiny"))
    provision.ensure(reported, NEVER)
    site.requests.clear()
    reported.steps.clear()
    provision.ensure(reported, NEVER)
    assert (site.requests, reported.steps) == ([], [])


def test_auto_means_the_default_of_the_store(
    store: Store, reported: Reported, tmp_path: Path
) -> None:
    mine = write_gguf(tmp_path / "mine.gguf")
    pull(str(mine), store, EMPTY, reported, NEVER)
    found = Provision(store, CATALOGUE, ModelSection()).installed()
    assert found == Installed("mine", mine, "", {})


def test_a_family_is_recognised_and_brings_its_fim_tokens(
    store: Store, reported: Reported, tmp_path: Path
) -> None:
    metadata = {**METADATA, "general.name": "Codestral 22B v0.1"}
    mine = write_gguf(tmp_path / "mine.gguf", metadata)
    pull(str(mine), store, EMPTY, reported, NEVER)
    found = Provision(store, CATALOGUE, ModelSection()).installed()
    fim = {"prefix": "[PREFIX]", "suffix": "[SUFFIX]"}
    assert found == Installed("mine", mine, "codestral", fim, FimLayout(suffix_first=True))


def test_a_path_in_the_settings_is_served_as_it_is(store: Store, tmp_path: Path) -> None:
    mine = write_gguf(tmp_path / "mine.gguf")
    found = Provision(store, CATALOGUE, ModelSection(name=str(mine))).installed()
    assert found == Installed("mine", mine, "", {})
    assert not store.folder.exists()


def test_a_source_in_the_settings_is_found_again(
    site: Site, store: Store, reported: Reported
) -> None:
    url = site.put("/m.gguf", DATA)
    provision = Provision(store, EMPTY, ModelSection(name=url))
    assert provision.installed() is None
    found = provision.ensure(reported, NEVER)
    assert (found.name, provision.installed()) == ("m", found)


def test_without_leave_to_download_the_command_is_named(store: Store, reported: Reported) -> None:
    settings = ModelSection(name="qwen2.5-coder-7b-instruct", auto_download=False)
    with pytest.raises(ModelNotFound) as caught:
        Provision(store, CATALOGUE, settings).ensure(reported, NEVER)
    assert caught.value.message == (
        "The model qwen2.5-coder-7b-instruct is not installed, and model.auto_download is off"
    )
    assert caught.value.hint == (
        "Download it with `copilotd models pull qwen2.5-coder-7b-instruct`."
    )


def test_a_damaged_model_is_never_served(
    site: Site, store: Store, reported: Reported, monkeypatch: pytest.MonkeyPatch
) -> None:
    catalogue = catalogue_of(site.put("/m.gguf", DATA))
    provision = Provision(store, catalogue, ModelSection(name="tiny"))
    found = provision.ensure(reported, NEVER)
    found.path.write_bytes(DATA[:-1])

    def unexpected(*args: object) -> None:
        pytest.fail("a damaged file is the user's to repair, not silently replaced")

    monkeypatch.setattr(Url, "fetch", unexpected)
    with pytest.raises(CorruptModel):
        provision.installed()
    with pytest.raises(CorruptModel) as caught:
        provision.ensure(reported, NEVER)
    assert caught.value.hint == "Download it again: copilotd models pull tiny"
