"""The indentation that a completion needs at the start of a line.

If the line has only blanks before the cursor, Copilot's extension leaves them out of the prompt and
replaces the line from column 0, so the completion must include the indentation. The model then sees
the start of a line and usually indents by itself. If it does not, the indentation of the next line
shows how much is missing.
"""

_OPENERS = (":", "{", "(", "[", "=>")


def find_missing_indent(prompt: str, next_indent: int) -> str:
    """The blanks to put before a completion that begins without one.

    Returns "" unless the cursor is at the start of a line inside a block: below a line that opens a
    block, or that is indented at least as far as the next line (`next_indent` blanks).
    """
    above = prompt.rstrip()
    line = above[above.rfind("\n") + 1 :]
    lead = line[: len(line) - len(line.lstrip())]
    if not prompt.endswith("\n"):
        return ""
    if len(lead) >= next_indent:
        return lead[:next_indent]
    return (lead[:1] or " ") * next_indent if line.endswith(_OPENERS) else ""
