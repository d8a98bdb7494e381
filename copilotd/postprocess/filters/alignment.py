"""Fits the text into a line that has code after the cursor, the rest of the line.

Models often write the rest of the line again, and go on. So the text and the rest are split into
tokens, and the text is searched for the place where it arrives at the rest: tokens equal to the
first tokens of the rest, with the same brackets and quotes open. The text ends there.

    log("║", "disk full")      the model writes  info", "disk is full")      kept: info
    f(║, color="red")          the model writes  x, color="red")             kept: x
    area = ║ * height          the model writes  width * height              kept: width

A text that never arrives there but contains the rest, in brackets of its own, replaces the rest.
Any other text is dropped, unless it is an argument or a word. `auto_closed` handles a rest that
consists of brackets and quotes.
"""

from dataclasses import dataclass
from itertools import takewhile

from copilotd.postprocess.context import Candidate, CursorContext
from copilotd.postprocess.filters.auto_closed import is_only_punctuation
from copilotd.syntax.nesting import scan_nesting
from copilotd.syntax.tokens import Token, is_word_character, split_tokens

_CERTAIN = 3
"""This many equal tokens in a row are no coincidence."""

_REACH = 400
"""Characters of the rest that are compared. A minified file may have all its code in one line."""

_JOINS = frozenset(",.+-*/%&|^<>=?:!~@")
"""A text that ends with one of these marks goes on with a word."""


@dataclass(frozen=True, slots=True)
class _Arrival:
    """Where the text arrives at the rest: `length` tokens from `index` on are equal.

    `text[:start]` is the text before the rest.
    """

    index: int
    length: int
    start: int


def truncate_at(context: CursorContext, text: str) -> int | None:
    """Keep the text up to the tokens that show where it arrives at the rest."""
    if not _has_code_after(context):
        return None
    # The last token may still grow.
    tokens, rest = _split(context, text)[:-1], _split(context, _near_rest(context))
    found = _find_arrival(context, tokens, rest)
    if found is None or not (rest[0].closes or found.length >= min(_CERTAIN, len(rest))):
        return None
    return tokens[found.index + found.length - 1].end


def apply(context: CursorContext, candidate: Candidate) -> Candidate:
    """Cut the text where it arrives at the rest, let it replace the rest, or drop it."""
    if not _has_code_after(context):
        return candidate
    text = _remove_echo(context, candidate.text)
    tokens, rest = _split(context, text), _split(context, _near_rest(context))
    if found := _find_arrival(context, tokens, rest):
        return candidate.with_text(_trim(context, text[: found.start]))
    if candidate.unfinished or not tokens or "\n" in text.rstrip():
        return Candidate("")
    if _contains_rest(context, text, tokens, rest):
        return Candidate(text.rstrip(), len(context.line_after.rstrip()))
    return candidate.with_text(_trim(context, text) if _fits(context, text, tokens, rest) else "")


def _has_code_after(context: CursorContext) -> bool:
    return bool(context.line_after.strip()) and not is_only_punctuation(context.line_after)


def _near_rest(context: CursorContext) -> str:
    return context.line_after[:_REACH]


def _split(context: CursorContext, text: str) -> list[Token]:
    return split_tokens(context.nesting.due, text.split("\n", 1)[0], context.language)


# --- the place where the text arrives at the rest --------------------------------------------


def _find_arrival(
    context: CursorContext, tokens: list[Token], rest: list[Token]
) -> _Arrival | None:
    """The longest run of equal tokens; among equals, the first."""
    arrivals = [
        _Arrival(index, length, token.end - len(rest[0].text))
        for index, token in enumerate(tokens)
        if (length := _count_equal(tokens[index:], rest)) and _is_possible(context, index, length)
    ]
    return max(arrivals, key=lambda arrival: (arrival.length, -arrival.index), default=None)


def _count_equal(tokens: list[Token], rest: list[Token]) -> int:
    first, goal = tokens[0], rest[0]
    if first.due != goal.due or not _ends_with(first, goal):
        return 0
    pairs = zip(tokens[1:], rest[1:], strict=False)
    length = 1 + sum(1 for _ in takewhile(lambda pair: pair[0].text == pair[1].text, pairs))
    is_whole = length == len(rest)
    return length if first.text == goal.text or length > 1 or is_whole else 0


def _ends_with(token: Token, goal: Token) -> bool:
    """Whether the token is `goal`, or a longer word that ends with it directly at the cursor."""
    if token.text == goal.text:
        return True
    return goal.start == 0 and goal.is_word and token.is_word and token.text.endswith(goal.text)


def _is_possible(context: CursorContext, index: int, length: int) -> bool:
    if _is_inside_word(context):
        return index == 0
    # Before the first statement of a line, one equal token is a coincidence.
    return index == 0 or length > 1 or not context.at_line_start


def _is_inside_word(context: CursorContext) -> bool:
    return is_word_character(context.line_before[-1:]) and is_word_character(context.line_after[:1])


# --- a text that does not arrive there -------------------------------------------------------


def _contains_rest(
    context: CursorContext, text: str, tokens: list[Token], rest: list[Token]
) -> bool:
    """Whether the text has all tokens of the rest in a row, and leaves the same brackets open."""
    texts, wanted = [token.text for token in tokens], [token.text for token in rest]
    starts = range(len(texts) - len(wanted) + 1)
    if not any(texts[start : start + len(wanted)] == wanted for start in starts):
        return False
    if len(context.line_after) > _REACH:
        return False
    due = context.nesting.due
    return scan_nesting(due, text, context.language) == scan_nesting(
        due, _near_rest(context), context.language
    )


def _fits(context: CursorContext, text: str, tokens: list[Token], rest: list[Token]) -> bool:
    """Whether the text is an argument, an operand or a word in front of the rest."""
    due = context.nesting.due
    nesting = scan_nesting(due, text, context.language)
    if context.at_line_start or _is_inside_word(context) or nesting.due != due or nesting.extra:
        return False
    if not rest[0].is_word or _is_comment(context):
        return True
    if rest[0].start == 0 and is_word_character(text[-1]):
        return False
    return len(tokens) == 1 or tokens[-1].text in _JOINS


def _is_comment(context: CursorContext) -> bool:
    due = context.nesting.due
    opened = scan_nesting(due, context.line_after.lstrip()[:2], context.language).due[len(due) :]
    return opened in (("\n",), ("*/",))


# --- the ends of the text --------------------------------------------------------------------


def _remove_echo(context: CursorContext, text: str) -> str:
    """The text without the word before the cursor, if it begins with that word."""
    before, first = _split(context, context.line_before[-_REACH:]), _split(context, text)
    if not before or not first or context.line_before[-1].isspace() or first[0].start > 0:
        return text
    return text[first[0].end :] if before[-1].is_word and before[-1].text == first[0].text else text


def _trim(context: CursorContext, text: str) -> str:
    """The text without a blank that is already before or after it."""
    if context.line_after[0].isspace():
        text = text.rstrip()
    return text.lstrip(" \t") if context.line_before[-1:].isspace() else text
