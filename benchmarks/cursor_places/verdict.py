"""Judges a text that was shown at a place, as if the user accepts it."""

import ast
import warnings
from dataclasses import dataclass, replace

from benchmarks.cursor_places.grammar import count_errors
from benchmarks.cursor_places.places import Place
from benchmarks.repetition import repeats_rest_of_line
from copilotd.engine.tokens.common_prefix import common_prefix_length


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a text does to its file.

    `errors_before` and `errors_after` count the errors of the parser. `is_refused` says whether
    Python's own parser refuses the file afterwards; it is None if it refuses the whole file, too,
    or the language is another. `is_exact` says whether the first line is the deleted one, and
    `right_characters` counts how many of its first characters are; both are None where nothing was
    deleted.
    """

    errors_before: int
    errors_after: int
    repeats: bool
    is_refused: bool | None = None
    is_exact: bool | None = None
    right_characters: int | None = None

    @property
    def breaks(self) -> bool:
        """Whether there are more errors than before."""
        return self.errors_after > self.errors_before


def judge(language: str, place: Place, text: str, rest: str, accepted: str) -> Verdict:
    """Judge `text`, which is shown behind the cursor of `place`.

    `rest` is what stays behind it on the line, and `accepted` is the whole file after it.
    """
    verdict = Verdict(
        count_errors(language, place.text),
        count_errors(language, accepted),
        repeats_rest_of_line(text, rest),
        _is_refused(place.whole, accepted) if language == "python" else None,
    )
    if not place.gold:
        return verdict
    line = text.partition("\n")[0].rstrip()
    right = common_prefix_length(text, place.gold)
    return replace(verdict, is_exact=line == place.gold, right_characters=right)


def _is_refused(whole: str, accepted: str) -> bool | None:
    return None if not _is_python(whole) else not _is_python(accepted)


def _is_python(text: str) -> bool:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            ast.parse(text)
        except (SyntaxError, ValueError, RecursionError):
            return False
    return True
