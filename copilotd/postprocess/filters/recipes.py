"""The recipe of a makefile's rule is indented with a tab: make refuses spaces."""

import re
from dataclasses import dataclass

from copilotd.postprocess.context import Candidate, CursorContext
from copilotd.syntax.lines import indent_width

_NEAR = 200
"""Lines above the cursor that are read."""
_STEP = 4
"""Columns of the model's indentation that one tab replaces in a continued line."""

_WORD = r"[\w./%$(){}*-]+"
_RULE = re.compile(rf"{_WORD}(\s+{_WORD})*\s*::?(?![:=])(?!\s*\w+\s*[:+?!]?=)")
_ASSIGNMENT = re.compile(r"((export|override|private)\s+)*[\w.-]+(\s*[:+?!]{1,3}=|\s+=\s)")
_DIRECTIVE = re.compile(
    r"(ifeq|ifneq|ifdef|ifndef|else|endif|define|endef|-?include|sinclude|vpath|export|unexport"
    r"|override|undefine)\b(?!.*;)|\$\((call|eval|error|info|warning|foreach)\b"
)

_BETWEEN = re.compile(r"#|(ifeq|ifneq|ifdef|ifndef|else|endif)\b")
"""Comments and conditionals, which may be between the lines of a recipe."""


def apply(context: CursorContext, candidate: Candidate) -> Candidate:
    """Indent each line of a recipe with a tab.

    There is no suggestion if the cursor's line begins with spaces, which nobody can replace.
    """
    if context.language != "makefile":
        return candidate
    place = _Place()
    for line in context.lines_above[-_NEAR:]:
        place.read(line)
    first, *further = candidate.text.split("\n")
    start = context.line_before
    whole = start + first
    if context.at_line_start and place.is_recipe(whole):
        if start[:1] == " " and not place.continued:
            return candidate.with_text("")
        whole = start + first.lstrip(" \t") if start else _indent(first, place.continued)
    lines = [whole[len(start) :]]
    place.read(whole)
    for line in further:
        lines.append(_indent(line, place.continued) if place.is_recipe(line) else line)
        place.read(lines[-1])
    return candidate.with_text("\n".join(lines))


@dataclass(slots=True)
class _Place:
    """A place between two lines of a makefile.

    It is `in_rule` where a recipe may follow. If the line before it is `continued`, that line is
    part of a recipe or not.
    """

    in_rule: bool = False
    continued: bool = False
    part_of_recipe: bool = False

    def is_recipe(self, line: str) -> bool:
        """Whether a line at this place must be part of a recipe."""
        if not line.strip():
            return False
        if self.continued:
            return self.part_of_recipe
        return line[0] == "\t" or (self.in_rule and not _is_other(line))

    def read(self, line: str) -> None:
        """Move behind a line."""
        if not self.continued and line.strip():
            self.part_of_recipe = self.is_recipe(line)
            if not self.part_of_recipe and not _BETWEEN.match(line.lstrip()):
                self.in_rule = bool(_RULE.match(line))
        self.continued = line.endswith("\\")


def _is_other(line: str) -> bool:
    """Whether the line, which does not begin with a tab, has a meaning outside of a recipe."""
    code = line.strip()
    if code[0] == "#" or _DIRECTIVE.match(code) or _ASSIGNMENT.match(code):
        return True
    return line[0] != " " and bool(_RULE.match(code) or re.match(r"[\w.-]+=", code))


def _indent(line: str, continued: bool) -> str:
    code = line.lstrip(" \t")
    if line[0] == "\t":
        return line
    return "\t" * max(1, indent_width(line) // _STEP if continued else 1) + code
