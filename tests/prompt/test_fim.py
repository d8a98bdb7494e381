"""FIM prompts use the model's own tokens, in the order of its family."""

import pytest
from msgspec.structs import replace

from copilotd.engine.fake import FAKE_MODEL, MIDDLE, PREFIX, SUFFIX
from copilotd.errors import InvalidRequest
from copilotd.models.fim import FimLayout, FimTokens
from copilotd.prompt.fim import build_fim_prompt, prepend_bos


def test_most_families_read_prefix_suffix_middle() -> None:
    assert build_fim_prompt(FAKE_MODEL, [1, 2], [3]) == [PREFIX, 1, 2, SUFFIX, 3, MIDDLE]


def test_seed_coder_reads_the_suffix_first() -> None:
    seed = replace(FAKE_MODEL, layout=FimLayout(suffix_first=True))
    assert build_fim_prompt(seed, [1, 2], [3]) == [SUFFIX, 3, PREFIX, 1, 2, MIDDLE]


def test_codestral_reads_the_suffix_first_and_has_no_middle_token() -> None:
    codestral = replace(
        FAKE_MODEL, layout=FimLayout(suffix_first=True), fim=FimTokens(prefix=5, suffix=6)
    )
    assert build_fim_prompt(codestral, [1, 2], [3]) == [6, 3, 5, 1, 2]


def test_the_bos_token_comes_first_for_a_model_that_adds_it() -> None:
    model = replace(FAKE_MODEL, bos=7, add_bos=True)
    assert build_fim_prompt(model, [1], [3]) == [7, PREFIX, 1, SUFFIX, 3, MIDDLE]
    assert prepend_bos(model, [7, 1]) == [7, 1]
    assert prepend_bos(replace(model, add_bos=False), [1]) == [1]


@pytest.mark.parametrize("fim", [FimTokens(), FimTokens(prefix=1, suffix=2)])
def test_a_model_without_fim_tokens_is_refused(fim: FimTokens) -> None:
    with pytest.raises(InvalidRequest):
        build_fim_prompt(replace(FAKE_MODEL, fim=fim), [1], [2])
