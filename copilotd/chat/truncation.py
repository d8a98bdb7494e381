"""Shortens conversations, for users who prefer an answer without the middle to an error."""

from collections.abc import Sequence
from itertools import pairwise

from copilotd.prompt.messages import Message, SystemMessage, UserMessage


def drop_oldest_exchange(messages: Sequence[Message]) -> tuple[Message, ...] | None:
    """Return the conversation without the oldest exchange of its middle; None if it has no middle.

    An exchange is a question and everything up to the next one, so a call never loses its result.
    The system messages at the beginning, the first exchange and the last stay. When only these are
    left, the first exchange is removed.
    """
    head = _leading_system_messages(messages)
    first, *middle = _split_exchanges(messages[len(head) :]) or [()]
    if not middle:
        return None
    kept = [first, *middle[1:]] if len(middle) > 1 else middle
    return (*head, *(message for exchange in kept for message in exchange))


def _leading_system_messages(messages: Sequence[Message]) -> tuple[Message, ...]:
    others = (i for i, message in enumerate(messages) if not isinstance(message, SystemMessage))
    return tuple(messages[: next(others, len(messages))])


def _split_exchanges(messages: Sequence[Message]) -> list[tuple[Message, ...]]:
    starts = [i for i, m in enumerate(messages) if i == 0 or isinstance(m, UserMessage)]
    return [tuple(messages[a:b]) for a, b in pairwise([*starts, len(messages)])]
