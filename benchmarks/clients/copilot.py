"""The requests of GitHub Copilot's extension, as its core (@vscode/chat-lib 0.66.0) builds them.

Differences from the extension: a token counts as four characters, suffixes of earlier requests are
not reused, and the client requests an answer of several lines only at the start of a block. The
extension also does that where its small classifier says so (about one key in ten).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

CHARS_PER_TOKEN = 4
PROMPT_CHARS = 7687 * CHARS_PER_TOKEN
"""The prompt has 8,192 tokens, less 500 for the answer and 5 for the markers of the suffix."""

SUFFIX_CHARS = 1154 * CHARS_PER_TOKEN
"""The share of the suffix (15 %) if the text before the cursor does not fit."""

LINE_STOP = ["\n"]
BLOCK_STOPS = ["\ndef ", "\nclass ", "\nif ", "\n\n#"]
"""The stop sequences of the extension for Python."""

_CLOSERS = {"(": ")", "[": "]", "{": "}"}


@dataclass(frozen=True, slots=True)
class Cursor:
    """The text on both sides of the cursor, in a Python file with the name `file`."""

    before: str
    after: str
    file: str

    @property
    def line(self) -> str:
        """The cursor's line up to the cursor."""
        return self.before.rpartition("\n")[2]

    @property
    def line_rest(self) -> str:
        """The cursor's line after the cursor."""
        return self.after.partition("\n")[0]

    @property
    def block_indent(self) -> int | None:
        """The indentation inside the block that starts here, at least; None if no block starts."""
        opener = self.line if self.line.strip() else self.before.rstrip().rpartition("\n")[2]
        is_next = self.before.rstrip(" \t").count("\n") - self.before.rstrip().count("\n") <= 1
        if self.line_rest.strip() or not is_next or not opener.rstrip().endswith(":"):
            return None
        return len(opener) - len(opener.lstrip()) + 1


def build_copilot_body(cursor: Cursor) -> dict[str, Any]:
    """The body of `POST /v1/engines/ENGINE/completions`."""
    context = f"Path: {cursor.file}"
    # The extension leaves out the blanks of a blank line; the answer replaces it from column 0.
    whole = cursor.before if cursor.line.strip() else cursor.before.removesuffix(cursor.line)
    room = PROMPT_CHARS - len(context)
    # The extension leaves out the rest of the cursor's line and the blank lines that follow.
    suffix = cursor.after.removeprefix(cursor.line_rest).lstrip()
    suffix = suffix[: max(SUFFIX_CHARS, room - len(whole))]
    prompt = _take_last_lines(whole, room - len(suffix))
    return {
        "prompt": prompt,
        "suffix": suffix,
        "max_tokens": 500,
        "temperature": 0,
        "top_p": 1,
        "n": 1,
        "stop": LINE_STOP if cursor.block_indent is None else BLOCK_STOPS,
        "stream": True,
        "extra": {
            "language": "python",
            "next_indent": _find_next_indent(cursor.after),
            "trim_by_indentation": True,
            "prompt_tokens": (len(prompt) + len(context)) // CHARS_PER_TOKEN,
            "suffix_tokens": len(suffix) // CHARS_PER_TOKEN,
            "context": [context],
        },
        "code_annotations": False,
    }


def find_block_end(text: str, indent: int) -> int | None:
    """The offset at which the block ends: at the first whole line indented less than `indent`.

    None if the block goes on. The extension hangs up there. The first line may continue the
    cursor's line.
    """
    start = text.find("\n") + 1
    while start and (end := text.find("\n", start)) >= 0:
        line = text[start:end]
        if line.strip() and len(line) - len(line.lstrip()) < indent:
            return start - 1
        start = end + 1
    return None


def close_brackets(line: str) -> str:
    """The brackets that an editor adds behind the cursor while the user types `line`."""
    closing: list[str] = []
    for character in _iterate_outside_strings(line):
        if character in _CLOSERS:
            closing.append(_CLOSERS[character])
        elif closing and character == closing[-1]:
            closing.pop()
    return "".join(reversed(closing))


def repeats_brackets(line: str) -> bool:
    """Whether a line of an answer closes a bracket that it does not open."""
    depth = 0
    for character in _iterate_outside_strings(line):
        depth += (character in _CLOSERS) - (character in _CLOSERS.values())
        if depth < 0:
            return True
    return False


def _iterate_outside_strings(line: str) -> Iterator[str]:
    quote = ""
    for character in line:
        if quote:
            quote = "" if character == quote else quote
        elif character in "'\"":
            quote = character
        else:
            yield character


def _take_last_lines(text: str, max_chars: int) -> str:
    """The end of `text` from the start of a line, with at most `max_chars` characters."""
    if len(text) <= max_chars:
        return text
    start = text.find("\n", len(text) - max_chars)
    return text[start + 1 :]


def _find_next_indent(after: str) -> int:
    lines = (line for line in after.split("\n")[1:] if line.strip())
    return next((len(line) - len(line.lstrip()) for line in lines), 0)
