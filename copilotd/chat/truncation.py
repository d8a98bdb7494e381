"""Shorter conversations, for who prefers an answer without the middle to an error."""

from collections.abc import Sequence
from itertools import pairwise

from copilotd.prompt.messages import Message


def shortened(messages: Sequence[Message]) -> tuple[Message, ...] | None:
    """The conversation without the oldest exchange of its middle; None if there is no middle.

    The system messages at its beginning stay, and the first question and the last, each with what
    belongs to it: a call never loses its result. When only these are left, the first goes.
    """
    head = _head(messages)
    first, *middle = _exchanges(messages[len(head) :]) or [()]
    if not middle:
        return None
    kept = [first, *middle[1:]] if len(middle) > 1 else middle
    return (*head, *(message for exchange in kept for message in exchange))


def _head(messages: Sequence[Message]) -> tuple[Message, ...]:
    count = next((i for i, m in enumerate(messages) if m.role != "system"), len(messages))
    return tuple(messages[:count])


def _exchanges(messages: Sequence[Message]) -> list[tuple[Message, ...]]:
    """Each question with all that follows it until the next."""
    begins = [i for i, message in enumerate(messages) if i == 0 or message.role == "user"]
    return [tuple(messages[a:b]) for a, b in pairwise([*begins, len(messages)])]
