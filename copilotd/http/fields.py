"""Types of request fields that several dialects have in common."""

from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, Field
from pydantic_core import PydanticCustomError

Tokens = list[int]


_MOST_TEXTS = 2048
"""OpenAI's own limit."""


def _texts(value: Any) -> list[str | Tokens]:
    many: list[Any] = [value] if isinstance(value, str) or _is_tokens(value) else value
    if not isinstance(many, list) or not all(isinstance(t, str) or _is_tokens(t) for t in many):
        raise PydanticCustomError(
            "text_or_tokens",
            "should be a string, a list of strings, a list of token ids or a list of such lists",
        )
    if not 1 <= len(many) <= _MOST_TEXTS:
        raise PydanticCustomError("texts", "should have 1 to {most} entries", {"most": _MOST_TEXTS})
    return many


def _is_tokens(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and all(type(t) is int and t >= 0 for t in value)


def _stops(value: Any) -> Any:
    if value is None:
        return []
    return [value] if isinstance(value, str) else value


def _refused(value: Any) -> Any:
    if value in _HARMLESS:
        return None
    raise PydanticCustomError("unsupported", "is not supported yet; leave it out")


_HARMLESS: tuple[Any, ...] = (None, [], {}, False, "none", "auto", {"type": "text"})
"""Values that ask for nothing but what happens anyway."""

Texts = Annotated[
    list[str | Tokens],
    BeforeValidator(_texts, json_schema_input_type=str | list[str] | Tokens | list[Tokens]),
]
"""One or several texts, each a string or token ids; always a list once it is read."""

Stops = Annotated[
    list[Annotated[str, Field(min_length=1)]],
    BeforeValidator(_stops, json_schema_input_type=str | list[str] | None),
]
"""None, one or several texts at which to end; always a list once it is read."""

Unsupported = Annotated[Any, AfterValidator(_refused)]
"""A field that would change the answer and that we cannot honour."""
