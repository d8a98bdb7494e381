import struct
from pathlib import Path

import pytest

from copilotd.errors import CorruptModel
from copilotd.models import gguf
from copilotd.models.fim import FimTokens
from tests.models.tiny_gguf import F16_TENSOR, METADATA, Q8_0_TENSOR, build_gguf, write_gguf

NO_FIM = FimTokens()


@pytest.mark.parametrize("version", [2, 3])
def test_the_header_of_both_versions_is_read(tmp_path: Path, version: int) -> None:
    path = write_gguf(tmp_path / "tiny.gguf", version=version)
    assert gguf.read_header(path) == gguf.GgufInfo(
        version=version,
        architecture="qwen2",
        name="Tiny Coder",
        quantisation="Q4_K_M",
        parameters=32,
        context_length=4096,
        embedding_length=64,
        fim=NO_FIM,
        chat_template=None,
        size=path.stat().st_size,
    )


def test_values_of_every_type_are_skipped(tmp_path: Path) -> None:
    others: dict[str, object] = {
        "some.flag": True,
        "some.number": 0.5,
        "some.list": [1, 2, 3],
        "some.lists": [[1, 2], [3]],
        "some.texts": ["a", "", "long " * 100],
        "some.nothing": [],
    }
    path = write_gguf(tmp_path / "tiny.gguf", others | METADATA)
    assert gguf.read_header(path).name == "Tiny Coder"


def test_the_fim_token_ids_come_from_the_file(tmp_path: Path) -> None:
    keys: dict[str, object] = {
        "tokenizer.ggml.fim_pre_token_id": 1,
        "tokenizer.ggml.fim_suf_token_id": 2,
        "tokenizer.ggml.fim_mid_token_id": 3,
        "tokenizer.ggml.fim_pad_token_id": 4,
        "tokenizer.ggml.fim_rep_token_id": 5,
        "tokenizer.ggml.fim_sep_token_id": 6,
        "tokenizer.ggml.tokens": ["<|fim_prefix|>"],
    }
    info = gguf.read_header(write_gguf(tmp_path / "tiny.gguf", METADATA | keys))
    assert info.fim == FimTokens(1, 2, 3, 4, 5, 6)
    assert info.has_fim


def test_the_older_metadata_keys_of_fim_tokens_are_known(tmp_path: Path) -> None:
    keys: dict[str, object] = {
        "tokenizer.ggml.prefix_token_id": 7,
        "tokenizer.ggml.suffix_token_id": 8,
        "tokenizer.ggml.middle_token_id": 9,
    }
    info = gguf.read_header(write_gguf(tmp_path / "tiny.gguf", METADATA | keys))
    assert info.fim == FimTokens(prefix=7, suffix=8, middle=9)


@pytest.mark.parametrize(
    ("texts", "fim"),
    [
        (
            ["a", "<|fim_prefix|>", "<|fim_middle|>", "<|fim_suffix|>", "<|file_sep|>"],
            FimTokens(prefix=1, middle=2, suffix=3, separator=4),
        ),
        (
            ["<fim_prefix>", "<fim_suffix>", "<fim_middle>", "<fim_pad>", "<reponame>"],
            FimTokens(prefix=0, suffix=1, middle=2, pad=3, repository=4),
        ),
        (
            ["<｜fim▁begin｜>", "<｜fim▁hole｜>", "<｜fim▁end｜>"],  # noqa: RUF001 - DeepSeek's own.
            FimTokens(prefix=0, suffix=1, middle=2),
        ),
        (["▁<PRE>", "▁<SUF>", "▁<MID>"], FimTokens(prefix=0, suffix=1, middle=2)),
        (["[PREFIX]", "[SUFFIX]"], NO_FIM),
    ],
)
def test_fim_tokens_are_found_by_the_texts_that_llama_cpp_knows(
    tmp_path: Path, texts: list[str], fim: FimTokens
) -> None:
    metadata = {**METADATA, "tokenizer.ggml.tokens": texts}
    assert gguf.read_header(write_gguf(tmp_path / "tiny.gguf", metadata)).fim == fim


@pytest.mark.parametrize(
    ("template", "has_chat", "has_tools"),
    [(None, False, False), ("{{ messages }}", True, False), ("{% if tools %}", True, True)],
)
def test_the_chat_template_decides_whether_the_model_has_chat_and_tools(
    tmp_path: Path, template: str | None, has_chat: bool, has_tools: bool
) -> None:
    extra: dict[str, object] = {"tokenizer.chat_template": template} if template else {}
    info = gguf.read_header(write_gguf(tmp_path / "tiny.gguf", METADATA | extra))
    assert (info.chat_template, info.has_chat, info.has_tools) == (template, has_chat, has_tools)


def test_a_missing_file_type_is_derived_from_the_tensors(tmp_path: Path) -> None:
    metadata = {k: v for k, v in METADATA.items() if k != "general.file_type"}
    tensors = [("a", (32,), Q8_0_TENSOR), ("b", (64,), Q8_0_TENSOR), ("c", (2,), F16_TENSOR)]
    info = gguf.read_header(write_gguf(tmp_path / "tiny.gguf", metadata, tensors=tensors))
    assert (info.quantisation, info.parameters) == ("type 8", 98)


def test_a_file_shorter_than_its_tensors_is_refused_with_both_lengths(tmp_path: Path) -> None:
    path = tmp_path / "cut.gguf"
    whole = build_gguf(tensors=[("big", (1000,), F16_TENSOR)])
    path.write_bytes(whole[:-1])
    with pytest.raises(CorruptModel) as caught:
        gguf.read_header(path)
    assert caught.value.message == (
        f"{path} is truncated: its tensors need {len(whole):,} bytes, it has {len(whole) - 1:,}"
    )


@pytest.mark.parametrize("keep", [5, 23, 24, 40, 150])
def test_a_truncated_header_is_refused(tmp_path: Path, keep: int) -> None:
    path = tmp_path / "cut.gguf"
    path.write_bytes(build_gguf()[:keep])
    with pytest.raises(CorruptModel) as caught:
        gguf.read_header(path)
    assert caught.value.message == f"{path} is truncated: it ends within its header"


@pytest.mark.parametrize("content", [b"", b"GGU", b"<html>not found</html>"])
def test_a_file_that_is_not_a_gguf_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "page.gguf"
    path.write_bytes(content)
    with pytest.raises(CorruptModel) as caught:
        gguf.read_header(path)
    assert caught.value.message == f"{path} is not a GGUF file"


@pytest.mark.parametrize(
    ("version", "words"),
    [
        (struct.pack(">I", 3), "written for big-endian machines"),
        (struct.pack("<I", 1), "GGUF version 1"),
    ],
)
def test_a_version_that_cannot_be_read_is_named_in_the_error(
    tmp_path: Path, version: bytes, words: str
) -> None:
    path = tmp_path / "other.gguf"
    path.write_bytes(b"GGUF" + version + bytes(100))
    with pytest.raises(CorruptModel) as caught:
        gguf.read_header(path)
    assert caught.value.message == f"{path} is {words}, which cannot be read here"


@pytest.mark.parametrize(
    "head",
    [
        struct.pack("<IQQ", 3, 2**60, 0),
        struct.pack("<IQQ", 3, 0, 2**60),
        struct.pack("<IQQ", 3, 1, 0) + struct.pack("<QI", 0, 2**31),
        struct.pack("<IQQQ", 3, 0, 1, 2**62),
        struct.pack("<IQQ", 3, 0, 1) + struct.pack("<QII", 0, 99, 0),
    ],
)
def test_impossible_counts_and_types_are_refused_at_once(tmp_path: Path, head: bytes) -> None:
    path = tmp_path / "evil.gguf"
    path.write_bytes(b"GGUF" + head + bytes(64))
    with pytest.raises(CorruptModel):
        gguf.read_header(path)


def test_a_missing_file_has_its_own_error(tmp_path: Path) -> None:
    with pytest.raises(CorruptModel, match=r"none\.gguf: No such file"):
        gguf.read_header(tmp_path / "none.gguf")


def test_a_split_model_is_read_as_the_sum_of_its_parts(tmp_path: Path) -> None:
    first = write_gguf(tmp_path / "m-00001-of-00002.gguf")
    second = write_gguf(tmp_path / "m-00002-of-00002.gguf", {})
    info = gguf.read_header(first)
    assert (info.name, info.parameters) == ("Tiny Coder", 64)
    assert info.size == first.stat().st_size + second.stat().st_size


def test_a_split_model_with_a_part_missing_is_refused(tmp_path: Path) -> None:
    first = write_gguf(tmp_path / "m-00001-of-00002.gguf")
    with pytest.raises(CorruptModel, match=r"m-00002-of-00002\.gguf: No such file"):
        gguf.read_header(first)


def test_a_large_vocabulary_is_skipped_quickly(tmp_path: Path) -> None:
    words: list[object] = [f"word{n}" for n in range(150_000)]
    metadata = {**METADATA, "tokenizer.ggml.tokens": words, "tokenizer.ggml.merges": words}
    path = write_gguf(tmp_path / "large.gguf", metadata)
    assert gguf.read_header(path).fim == NO_FIM
