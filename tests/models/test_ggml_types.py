"""The tables of ggml types agree with the package `gguf` for each type that both know."""

from gguf.constants import GGML_QUANT_SIZES, LlamaFileType

from copilotd.models.ggml_types import BLOCKS, FILE_TYPES, compute_tensor_size

Q8_1 = 9
"""`gguf` still has the size of an older ggml for this type, which no file contains."""


def test_block_sizes_agree_with_the_gguf_package() -> None:
    theirs = {int(kind): sizes for kind, sizes in GGML_QUANT_SIZES.items() if kind != Q8_1}
    both = BLOCKS.keys() & theirs.keys()

    assert len(both) > 25
    assert {kind: BLOCKS[kind] for kind in both} == {kind: theirs[kind] for kind in both}


def test_names_of_quantisations_agree_with_the_gguf_package() -> None:
    theirs = {int(kind): kind.name.split("_", 1)[1] for kind in LlamaFileType if "_" in kind.name}
    both = FILE_TYPES.keys() & theirs.keys()

    assert len(both) > 25
    assert all(theirs[kind].startswith(FILE_TYPES[kind]) for kind in both)


def test_a_partial_block_takes_the_space_of_a_whole_block() -> None:
    assert [compute_tensor_size(8, weights) for weights in (0, 1, 32, 33)] == [0, 34, 34, 68]


def test_an_unknown_type_has_no_size() -> None:
    assert compute_tensor_size(999, 32) == 0
