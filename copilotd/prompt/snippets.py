"""Code from other files, which a client sends along, in front of a FIM prompt.

Each stands behind a separator token, its path on a line of its own, as Qwen2.5-Coder was trained on
whole repositories (Hui et al. 2024, "Qwen2.5-Coder Technical Report", section 3.2). A model without
such a token is shown the open file alone.
"""

from collections.abc import Sequence

from copilotd.documents import Snippet

_CHARACTERS_PER_TOKEN = 3.2
_UNNAMED = "untitled"
REPOSITORY = "workspace\n"
"""What it is called where the family has a token for that."""


def choose(
    given: Sequence[Snippet], previous: Sequence[Snippet], tokens: int
) -> tuple[Snippet, ...]:
    """Those of `given`, oldest first, that are put in front of a prompt, in about `tokens`.

    The KV cache pays only while the prompt begins as the last one did. So to the `previous` ones is
    added what came since. When that gets too much, or one of them is no longer given, it begins
    anew: with the newest in half of the size, of which one alone takes no more.
    """
    size = int(tokens * _CHARACTERS_PER_TOKEN)
    fitting = [_cut(snippet, size // 2) for snippet in given]
    grown = _grown(fitting, list(previous))
    return tuple(grown if _fit(grown, size) else _newest(fitting, size // 2))


def files(snippets: Sequence[Snippet], path: str) -> list[str]:
    """What stands behind each separator; the beginning of the open file at `path` is the last."""
    shown = [f"{snippet.path or _UNNAMED}\n{snippet.text}" for snippet in snippets]
    return [*shown, f"{path or _UNNAMED}\n"]


def _cut(snippet: Snippet, size: int) -> Snippet:
    if len(snippet.text) <= size:
        return snippet
    return Snippet(snippet.path, snippet.text[: snippet.text.rfind("\n", 0, size) + 1])


def _grown(given: list[Snippet], previous: list[Snippet]) -> list[Snippet]:
    if not previous or not set(previous) <= set(given):
        return given
    return previous + given[given.index(previous[-1]) + 1 :]


def _fit(snippets: list[Snippet], size: int) -> bool:
    return sum(len(snippet.text) for snippet in snippets) <= size


def _newest(given: list[Snippet], size: int) -> list[Snippet]:
    count = 0
    while count < len(given) and _fit(given[len(given) - count - 1 :], size):
        count += 1
    return given[len(given) - count :]
