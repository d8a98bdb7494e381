"""Words and marks of one line, each with the brackets and quotes that are open before it."""

import re
from dataclasses import dataclass

from copilotd.syntax.nesting import walk_nesting

_TOKEN = re.compile(r'</?[\w:.-]+|\w+|"{3}|\x27{3}|\S')


@dataclass(frozen=True, slots=True)
class Token:
    """A word, the start of a tag, or one mark: `line[start:end]`.

    `due` are the closers that are open before it, outermost first.
    """

    start: int
    end: int
    text: str
    due: tuple[str, ...]

    @property
    def is_word(self) -> bool:
        """Whether it is a name, a keyword or a number."""
        return is_word_character(self.text[0])

    @property
    def closes(self) -> bool:
        """Whether it is the closer of the innermost bracket or quote."""
        return bool(self.due) and self.due[-1] == self.text


def split_tokens(due: tuple[str, ...], line: str, language: str) -> list[Token]:
    """The tokens of `line`, if `due` is open before it."""
    states = list(walk_nesting(due, line, language))
    tokens: list[Token] = []
    at = 0
    for match in _TOKEN.finditer(line):
        while at < len(states) and states[at][0] <= match.start():
            due = states[at][1]
            at += 1
        tokens.append(Token(match.start(), match.end(), match[0], due))
    return tokens


def is_word_character(character: str) -> bool:
    """Whether the character can be in a name or a number; false for an empty text."""
    return character.isalnum() or character == "_"
