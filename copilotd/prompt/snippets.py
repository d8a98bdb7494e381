"""Code from other files in front of a FIM prompt, as clients send it.

Each file follows a separator token, with its path on the first line, in the repository layout that
Qwen2.5-Coder was trained on (Hui et al. 2024, "Qwen2.5-Coder Technical Report", section 3.2). A
model without such a token sees only the open file.
"""

from collections.abc import Sequence

from copilotd.documents import Snippet

_CHARACTERS_PER_TOKEN = 3.2
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
    size = int(tokens * _CHARACTERS_PER_TOKEN)
    shortened = [_shorten(snippet, size // 2) for snippet in snippets]
    extended = _extend(shortened, list(previous))
    return tuple(extended if _fits(extended, size) else _newest(shortened, size // 2))


def format_files(snippets: Sequence[Snippet], path: str) -> list[str]:
    """The text after each separator; the last text is the start of the open file at `path`."""
    texts = [f"{snippet.path or _UNTITLED}\n{snippet.text}" for snippet in snippets]
    return [*texts, f"{path or _UNTITLED}\n"]


def _shorten(snippet: Snippet, size: int) -> Snippet:
    if len(snippet.text) <= size:
        return snippet
    return Snippet(snippet.path, snippet.text[: snippet.text.rfind("\n", 0, size) + 1])


def _extend(snippets: list[Snippet], previous: list[Snippet]) -> list[Snippet]:
    if not previous or not set(previous) <= set(snippets):
        return snippets
    return previous + snippets[snippets.index(previous[-1]) + 1 :]


def _fits(snippets: list[Snippet], size: int) -> bool:
    return sum(len(snippet.text) for snippet in snippets) <= size


def _newest(snippets: list[Snippet], size: int) -> list[Snippet]:
    count = 0
    while count < len(snippets) and _fits(snippets[len(snippets) - count - 1 :], size):
        count += 1
    return snippets[len(snippets) - count :]
