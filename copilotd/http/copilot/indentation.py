"""The indentation that an answer needs at the start of a line.

On a line with nothing but blanks Copilot's extension leaves these out of the prompt and replaces
the line from column 0, so the answer has to bring its indentation. The model sees the start of a
line there and indents by itself. Where it does not, the next line tells what is missing.
"""

_OPENERS = (":", "{", "(", "[", "=>")


def missing_indent(prompt: str, next_indent: int) -> str:
    """What to put before an answer that begins without a blank.

    Nothing, unless the cursor stands at the start of a line inside a block: below a line that is
    indented at least as far as the next one (`next_indent` blanks), or that opens a block.
    """
    above = prompt.rstrip()
    line = above[above.rfind("\n") + 1 :]
    lead = line[: len(line) - len(line.lstrip())]
    if not prompt.endswith("\n"):
        return ""
    if len(lead) >= next_indent:
        return lead[:next_indent]
    return (lead[:1] or " ") * next_indent if line.endswith(_OPENERS) else ""
