"""The recipes that are compared: where they cut a FIM prompt, and what they heal or reuse."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

from copilotd.engine.worker.constraints.token_healing import count_safe_tokens

PREFIX_TOKENS = 512
SUFFIX_TOKENS = 128

Keep = Callable[[Sequence[bytes]], int]
"""How many of the tokens before the cursor, given as bytes, the prompt keeps."""

Anchor = int | Literal["cursor", "block"]
"""Where the prefix ends: lines above the cursor's line, or at the enclosing block's first line."""


def keep_all(pieces: Sequence[bytes]) -> int:
    """No healing."""
    return len(pieces)


def keep_all_but_last(pieces: Sequence[bytes]) -> int:
    """Heal one token, as the method was first described."""
    return max(0, len(pieces) - 1)


def keep_all_but_word_and_one(pieces: Sequence[bytes]) -> int:
    """Heal the last word and the token before it."""
    return max(0, count_safe_tokens(pieces) - 1)


@dataclass(frozen=True, slots=True)
class Recipe:
    """A way to lay out a prompt. By default, `keep` is the engine's own healing."""

    name: str
    group: str
    anchor: Anchor
    keep: Keep = count_safe_tokens
    prefix_tokens: int = PREFIX_TOKENS
    suffix_tokens: int = SUFFIX_TOKENS
    late_lines: int = 0
    """Lines after the cursor's line that the suffix leaves out."""
    head: int | None = None
    """Suffix tokens evaluated again behind `fim_suffix`; the others are shifted. None: no shift."""

    @property
    def for_long_files_only(self) -> bool:
        """Whether the recipe makes no difference in a short text."""
        return self.prefix_tokens != PREFIX_TOKENS


FULL = Recipe("full PSM", "full PSM", "cursor")
"""The recipe that every other recipe is compared with."""


def list_recipes(best: int = 2) -> list[Recipe]:
    """All recipes; healing, windows and suffixes are varied on the anchor `best`."""
    name = f"anchor {best}"
    return [
        FULL,
        Recipe("full PSM, not healed", "full PSM", "cursor", keep_all),
        *(Recipe(f"anchor {n}", "anchor", n) for n in (0, 1, 2, 3, 4, 6, 8, 12)),
        Recipe("anchor block", "anchor", "block"),
        *(Recipe(f"anchor {n}", "grown middle", n) for n in (10, 20, 40)),
        Recipe("anchor 0, not healed", "healing", 0, keep_all),
        Recipe(f"{name}, not healed", "healing", best, keep_all),
        Recipe(f"{name}, last token healed", "healing", best, keep_all_but_last),
        Recipe(f"{name}, word and one token healed", "healing", best, keep_all_but_word_and_one),
        *(Recipe(f"shift, head {k}", "shift", "cursor", head=k) for k in (0, 3, 7, 15)),
        *(Recipe(f"{name}, suffix {n}", "suffix", best, suffix_tokens=n) for n in (0, 32, 64, 256)),
        *(Recipe(f"{name}, suffix {n} late", "suffix", best, late_lines=n) for n in (1, 2)),
        *(Recipe(f"{name}, prefix {n}", "prefix", best, prefix_tokens=n) for n in (256, 768, 1024)),
    ]
