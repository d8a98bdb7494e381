"""Fill-in-the-middle prompts, built from the token ids that the model's GGUF names.

PSM (prefix, suffix, middle) is the order of Bavarian et al. 2022, "Efficient Training of Language
Models to Fill in the Middle". A few families were trained on the suffix first (SPM).
"""

from collections.abc import Sequence

from copilotd.engine.types import ModelInfo
from copilotd.errors import InvalidRequest


def build_fim_prompt(
    info: ModelInfo, before: list[int], after: list[int], head: Sequence[int] = ()
) -> list[int]:
    """The prompt after which the model writes the text between `before` and `after`.

    `head` holds the tokens of other files' code.

    Raises:
        InvalidRequest: the model has no FIM tokens.

    """
    fim = info.fim
    if fim.prefix is None or fim.suffix is None:
        raise InvalidRequest(
            f"{info.name} was not trained to fill in the middle",
            "Leave the suffix out, or choose a model with FIM: copilotd models list.",
        )
    if info.layout.suffix_first:
        prompt = [*head, fim.suffix, *after, fim.prefix, *before]
        # Codestral has no middle marker: the middle follows the prefix.
        return prepend_bos(info, prompt if fim.middle is None else [*prompt, fim.middle])
    if fim.middle is None:
        raise InvalidRequest(f"{info.name} has no token for the middle of a FIM prompt")
    return prepend_bos(info, [*head, fim.prefix, *before, fim.suffix, *after, fim.middle])


def find_repositionable(info: ModelInfo, prompt: list[int]) -> tuple[int, int] | None:
    """The range of a FIM prompt that may reuse KV cells evaluated at another position.

    This is the text after the cursor, if the model reads it last: the marker in front of the text
    is evaluated again, and tells the model where the cursor is now. None if cells cannot be moved.
    """
    marker = info.fim.suffix
    if not info.can_shift or info.layout.suffix_first or marker is None or marker not in prompt:
        return None
    return prompt.index(marker) + 1, len(prompt) - 1


def prepend_bos(info: ModelInfo, tokens: list[int]) -> list[int]:
    """The same prompt, with a beginning-of-sequence token if the GGUF asks for one."""
    if info.bos is None or not info.add_bos or tokens[:1] == [info.bos]:
        return tokens
    return [info.bos, *tokens]
