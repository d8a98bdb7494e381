"""Code from other files in front of a FIM prompt, as clients send it.

Each file follows a separator token, with its path on the first line, in the repository layout that
Qwen2.5-Coder was trained on (Hui et al. 2024, "Qwen2.5-Coder Technical Report", section 3.2). A
model without such a token sees only the open file.
"""

from collections.abc import Sequence
from functools import lru_cache

from copilotd.documents import Snippet
from copilotd.prompt.token_estimate import estimate_tokens, find_end

_UNTITLED = "untitled"
REPOSITORY = "workspace\n"
"""The repository's name, for families with a token for it."""


def select_snippets(
    snippets: Sequence[Snippet], previous: Sequence[Snippet], tokens: int
) -> tuple[Snippet, ...]:
    """The snippets, oldest first, to put in front of a prompt, in about `tokens` tokens.

    The KV cache helps only while the prompt begins like the last one. So new snippets are appended
    to the `previous` ones. When they exceed the budget, or the client no longer sends a selected
    snippet, the selection starts again with the newest snippets in half of the budget. One snippet
    takes at most half.
    """
    shortened = [_shorten(snippet, tokens // 2) for snippet in snippets]
    extended = _extend(shortened, list(previous))
    return tuple(extended if _fits(extended, tokens) else _newest(shortened, tokens // 2))


def format_files(snippets: Sequence[Snippet], path: str) -> list[str]:
    """The text after each separator; the last text is the start of the open file at `path`."""
    texts = [f"{snippet.path or _UNTITLED}\n{snippet.text}" for snippet in snippets]
    return [*texts, f"{path or _UNTITLED}\n"]


@lru_cache(maxsize=64)
def _shorten(snippet: Snippet, tokens: int) -> Snippet:
    end = find_end(snippet.text, 0, tokens)
    if end == len(snippet.text):
        return snippet
    return Snippet(snippet.path, snippet.text[: snippet.text.rfind("\n", 0, end) + 1])


def _extend(snippets: list[Snippet], previous: list[Snippet]) -> list[Snippet]:
    if not previous or not set(previous) <= set(snippets):
        return snippets
    return previous + snippets[snippets.index(previous[-1]) + 1 :]


def _fits(snippets: list[Snippet], tokens: int) -> bool:
    return sum(_count_tokens(snippet.text) for snippet in snippets) <= tokens


def _newest(snippets: list[Snippet], tokens: int) -> list[Snippet]:
    count = 0
    while count < len(snippets) and _fits(snippets[len(snippets) - count - 1 :], tokens):
        count += 1
    return snippets[len(snippets) - count :]


@lru_cache(maxsize=64)
def _count_tokens(text: str) -> float:
    return estimate_tokens(text)
