"""Our own token ids: each represents up to three characters, or one marker.

An id encodes its characters, so both directions are pure functions without a table. All ids lie
between 2**61 and 2**63. Three characters are about the length of a token of code.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from zlib import crc32

from copilotd.errors import EngineDied

_CHARACTERS_PER_TOKEN = 3
_BASE = 0x110001
"""One more than there are code points, because the digit 0 means no character."""
_FIRST_TEXT_ID = 2**62
_FIRST_ID = 2**61


def is_pseudo_token(token: int) -> bool:
    """Whether `token` was made here, not by the vocabulary of a model."""
    return token >= _FIRST_ID


def replace_lone_surrogates(text: str) -> str:
    """`text` with a question mark for each half of a surrogate pair, which UTF-8 cannot encode."""
    return text.encode("utf-8", "replace").decode()


class PseudoTokenizer:
    """Converts between text and pseudo-tokens; each of `markers` is one token.

    An empty marker is ignored.
    """

    def __init__(self, markers: Iterable[str]) -> None:
        self.markers = tuple(dict.fromkeys(filter(None, markers)))
        # The id depends on the text alone, so no model takes another model's marker for its own.
        self._ids = {text: _FIRST_ID + crc32(text.encode()) for text in self.markers}
        self._texts = {id: text for text, id in self._ids.items()}
        longest_first = sorted(map(re.escape, self.markers), key=len, reverse=True)
        self._pattern = re.compile("|".join(longest_first) or r"(?!)")

    def marker_id(self, marker: str) -> int | None:
        """The id of a marker; None if it is unknown."""
        return self._ids.get(marker)

    def marker_text(self, id: int) -> str:
        """The text of the marker with this id.

        Raises:
            EngineDied: the marker belongs to a model that the server had before.
        """
        if id not in self._texts:
            raise EngineDied("the server has another model now", "Try again.")
        return self._texts[id]

    def tokenize(self, text: str, *, special: bool) -> list[int]:
        """The ids of `text`; `special` parses markers in the text."""
        text = replace_lone_surrogates(text)
        if not special:
            return list(_encode(text))
        ids: list[int] = []
        end = 0
        for match in self._pattern.finditer(text):
            ids += [*_encode(text[end : match.start()]), self._ids[match[0]]]
            end = match.end()
        return [*ids, *_encode(text[end:])]

    def detokenize(self, tokens: Iterable[int]) -> str:
        """The text of `tokens`, markers included. Raises: EngineDied, as `marker_text`."""
        parts = self.split(tokens)
        return "".join(self.marker_text(p) if isinstance(p, int) else p for p in parts)

    def split(self, tokens: Iterable[int]) -> Iterator[str | int]:
        """Yield the runs of text, and the ids of the markers between them."""
        for is_text, run in groupby(tokens, lambda token: token >= _FIRST_TEXT_ID):
            if is_text:
                yield "".join(map(_decode_token, run))
            else:
                yield from run

    def has_marker(self, text: str) -> bool:
        """Whether a server would parse a marker in `text`."""
        return self._pattern.search(text) is not None

    def break_markers(self, text: str) -> str:
        """`text` with a space inside everything that a server would parse as a marker."""
        return self._pattern.sub(lambda match: f"{match[0][0]} {match[0][1:]}", text)


def _encode(text: str) -> Iterator[int]:
    for start in range(0, len(text), _CHARACTERS_PER_TOKEN):
        yield _encode_token(text[start : start + _CHARACTERS_PER_TOKEN])


def _encode_token(characters: Sequence[str]) -> int:
    number = 0
    for character in reversed(characters):
        number = number * _BASE + ord(character) + 1
    return _FIRST_TEXT_ID + number


def _decode_token(token: int) -> str:
    characters, number = "", token - _FIRST_TEXT_ID
    while number:
        number, character = divmod(number, _BASE)
        characters += chr(character - 1)
    return characters
