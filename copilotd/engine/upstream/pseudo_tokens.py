"""Token ids of the engine's own: up to three characters each, or one marker.

An id tells its characters by itself, so nothing is kept and both ways are pure. All ids lie above
2**61 and below 2**63. Three characters are about what a token of code has.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from zlib import crc32

from copilotd.errors import EngineDied

_CHARACTERS = 3
_BASE = 0x110001
"""One more than there are code points: 0 stands for none."""
_TEXT = 2**62
_FIRST = 2**61


def is_pseudo_token(token: int) -> bool:
    """Whether it was made here, and not by a model's vocabulary."""
    return token >= _FIRST


def clean(text: str) -> str:
    """`text` as it can be sent: half a surrogate pair is no character."""
    return text.encode("utf-8", "replace").decode()


class PseudoTokenizer:
    """Knows `markers`, texts that are one token each; an empty one is none."""

    def __init__(self, markers: Iterable[str]) -> None:
        self.markers = tuple(dict.fromkeys(filter(None, markers)))
        # The same for the same text, so that no model takes another's marker for one of its own.
        self._ids = {text: _FIRST + crc32(text.encode()) for text in self.markers}
        self._texts = {id: text for text, id in self._ids.items()}
        longest_first = sorted(map(re.escape, self.markers), key=len, reverse=True)
        self._pattern = re.compile("|".join(longest_first) or r"(?!)")

    def id(self, marker: str) -> int | None:
        """The id of a marker; None if it is not known."""
        return self._ids.get(marker)

    def tokenize(self, text: str, *, special: bool) -> list[int]:
        """The ids of `text`; markers are read out of it if `special`."""
        text = clean(text)
        if not special:
            return list(_packed(text))
        ids: list[int] = []
        end = 0
        for match in self._pattern.finditer(text):
            ids += [*_packed(text[end : match.start()]), self._ids[match[0]]]
            end = match.end()
        return [*ids, *_packed(text[end:])]

    def detokenize(self, tokens: Iterable[int]) -> str:
        """The text of `tokens`, markers written out. Raises: EngineDied as `text`."""
        return "".join(
            self.text(part) if isinstance(part, int) else part for part in self.parts(tokens)
        )

    def parts(self, tokens: Iterable[int]) -> Iterator[str | int]:
        """Runs of text, and the ids of markers between them."""
        for is_text, run in groupby(tokens, lambda token: token >= _TEXT):
            if is_text:
                yield "".join(map(_unpacked, run))
            else:
                yield from run

    def text(self, marker: int) -> str:
        """How the marker of this id is written.

        Raises:
            EngineDied: it is one of a model that was there before.
        """
        if marker not in self._texts:
            raise EngineDied("the server has another model by now", "Try again.")
        return self._texts[marker]

    def has_marker(self, text: str) -> bool:
        """Whether a server would read a marker out of `text`."""
        return self._pattern.search(text) is not None

    def neutral(self, text: str) -> str:
        """`text` with a space in all that a server would take for a marker."""
        return self._pattern.sub(lambda match: f"{match[0][0]} {match[0][1:]}", text)


def _packed(text: str) -> Iterator[int]:
    for at in range(0, len(text), _CHARACTERS):
        yield _pack(text[at : at + _CHARACTERS])


def _pack(characters: Sequence[str]) -> int:
    number = 0
    for character in reversed(characters):
        number = number * _BASE + ord(character) + 1
    return _TEXT + number


def _unpacked(token: int) -> str:
    characters, number = "", token - _TEXT
    while number:
        number, character = divmod(number, _BASE)
        characters += chr(character - 1)
    return characters
