"""Fill-in-the-middle prompts, built from the token ids that the model's GGUF names.

PSM (prefix, suffix, middle) is the order of Bavarian et al. 2022, "Efficient Training of Language
Models to Fill in the Middle". A few families were trained on the suffix first (SPM).
"""

from collections.abc import Sequence

from copilotd.engine.types import ModelInfo
from copilotd.errors import InvalidRequest


def fim_prompt(
    info: ModelInfo, before: list[int], after: list[int], head: Sequence[int] = ()
) -> list[int]:
    """The prompt after which the model writes what stands between `before` and `after`.

    `head` is what it is shown of other files.

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
        # Codestral has no middle marker: what follows the prefix is the middle.
        return with_bos(info, prompt if fim.middle is None else [*prompt, fim.middle])
    if fim.middle is None:
        raise InvalidRequest(f"{info.name} has no token for the middle of a FIM prompt")
    return with_bos(info, [*head, fim.prefix, *before, fim.suffix, *after, fim.middle])


def movable(info: ModelInfo, prompt: list[int]) -> tuple[int, int] | None:
    """Which part of a FIM prompt may be taken from cells that were evaluated behind another text.

    It is the text behind the cursor, if the model reads that last: the marker in front of it is
    evaluated anew, and says where the cursor is now. None if cells cannot be moved.
    """
    marker = info.fim.suffix
    if not info.can_shift or info.layout.suffix_first or marker is None or marker not in prompt:
        return None
    return prompt.index(marker) + 1, len(prompt) - 1


def with_bos(info: ModelInfo, tokens: list[int]) -> list[int]:
    """The same prompt, with the beginning-of-sequence token that the GGUF asks for."""
    if info.bos is None or not info.add_bos or tokens[:1] == [info.bos]:
        return tokens
    return [info.bos, *tokens]
