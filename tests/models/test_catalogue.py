import re

import pytest

from copilotd.errors import ModelNotFound
from copilotd.models.catalogue import IN_CHECKOUT, Catalogue, CatalogueEntry, load_catalogue
from copilotd.models.fim import FimTokens
from copilotd.models.sources.reference import IN_PACKAGES, IN_REPOSITORY, parse_reference
from copilotd.models.store import NAME

CATALOGUE = load_catalogue(IN_CHECKOUT)
SHA256 = re.compile(r"[0-9a-f]{64}")

every_model = pytest.mark.parametrize("entry", CATALOGUE.models, ids=lambda entry: entry.name)


def test_names_are_unique_and_usable_as_folder_names() -> None:
    names = [entry.name for entry in CATALOGUE.models]
    assert len(set(names)) == len(names)
    assert [name for name in names if not NAME.fullmatch(name)] == []


@every_model
def test_every_model_has_a_known_family_that_matches_its_name(entry: CatalogueEntry) -> None:
    assert entry.family in {family.name for family in CATALOGUE.families}
    without_models = Catalogue(CATALOGUE.families, [])
    assert without_models.find_family(entry.name) == entry.family


@every_model
def test_every_source_can_be_parsed(entry: CatalogueEntry) -> None:
    assert entry.sources
    for text in entry.sources:
        scheme, _, rest = text.partition(":")
        form = IN_PACKAGES if scheme == "pypi" else IN_REPOSITORY
        assert scheme in ("hf", "ms", "pypi")
        assert form.fullmatch(rest), text
        assert parse_reference(text).model_name


@every_model
def test_checksums_are_valid_and_each_package_has_one(entry: CatalogueEntry) -> None:
    assert [s for s in [entry.sha256, *entry.wheel_sha256] if s and not SHA256.fullmatch(s)] == []
    ranges = [IN_PACKAGES.fullmatch(s.partition(":")[2]) for s in entry.sources if "pypi:" in s]
    counts = [int(m["last"]) - int(m["first"]) + 1 if m["last"] else 1 for m in ranges if m]
    assert len(entry.wheel_sha256) in (0, *counts)


@every_model
def test_a_checksum_comes_with_the_exact_size(entry: CatalogueEntry) -> None:
    assert not (entry.sha256 and not entry.size)
    assert not (entry.size and entry.size_gb)


@every_model
def test_a_model_with_fim_has_fim_tokens(entry: CatalogueEntry) -> None:
    tokens = CATALOGUE.get_fim_texts(entry.family)
    assert entry.fim == ({"prefix", "suffix"} <= tokens.keys())


def test_fim_tokens_name_fields_that_exist() -> None:
    fields = set(FimTokens.__struct_fields__)
    assert [f.name for f in CATALOGUE.families if not f.fim.keys() <= fields] == []


def test_the_candidates_for_the_default_have_a_free_licence() -> None:
    candidates = [entry for entry in CATALOGUE.models if entry.default_from]
    assert [(entry.name, entry.licence) for entry in candidates] == [
        ("qwen2.5-coder-0.5b-instruct", "Apache-2.0"),
        ("qwen2.5-coder-1.5b-instruct", "Apache-2.0"),
        ("qwen2.5-coder-7b-instruct", "Apache-2.0"),
    ]


def test_the_family_of_another_file_is_recognised_by_its_name() -> None:
    assert CATALOGUE.find_family("mine", "Qwen2.5 Coder 7B Instruct") == "qwen2.5-coder"
    assert CATALOGUE.find_family("Codestral-22B-v0.1-Q8_0") == "codestral"
    assert CATALOGUE.find_family("mine", "Llama 3") == ""
    assert CATALOGUE.get_fim_texts("") == {}


def test_the_error_for_an_unknown_name_suggests_similar_names() -> None:
    with pytest.raises(ModelNotFound) as caught:
        CATALOGUE.get("starcoder2")
    assert caught.value.message == "There is no model called 'starcoder2'"
    assert caught.value.hint == "Did you mean starcoder2-3b, starcoder2-7b?"
    with pytest.raises(ModelNotFound) as caught:
        CATALOGUE.get("gpt-5")
    assert caught.value.hint == "See `copilotd models list`."
