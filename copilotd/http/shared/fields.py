"""Types of request fields that several dialects share."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, Field
from pydantic_core import CoreSchema, PydanticCustomError
from pydantic_core.core_schema import any_schema

from copilotd.http.shared.images import parse_image_url
from copilotd.prompt.messages import IMAGE_PLACEHOLDER, Image

Tokens = list[int]

DIALECT_TAG = "dialect:"
"""The prefix of the tags of a body that several dialects share; no error message shows these
tags."""

_MAX_TEXTS = 2048
"""OpenAI's own limit."""


def _parse_texts(value: Any) -> list[str | Tokens]:
    texts: list[Any] = [value] if isinstance(value, str) or _is_tokens(value) else value
    if not isinstance(texts, list) or not all(isinstance(t, str) or _is_tokens(t) for t in texts):
        raise PydanticCustomError(
            "text_or_tokens",
            "should be a string, a list of strings, a list of token ids or a list of such lists",
        )
    if not 1 <= len(texts) <= _MAX_TEXTS:
        raise PydanticCustomError("texts", "should have 1 to {most} entries", {"most": _MAX_TEXTS})
    return texts


def _is_tokens(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and all(type(t) is int and t >= 0 for t in value)


def _parse_stops(value: Any) -> Any:
    if value is None:
        return []
    return [value] if isinstance(value, str) else value


@dataclass(frozen=True, slots=True)
class MessageContent:
    """The content of a message; each IMAGE_PLACEHOLDER in `text` is the place of an image."""

    text: str
    images: tuple[Image, ...] = ()

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: Any) -> CoreSchema:
        # Each dialect describes the JSON that it parses; this type is never sent.
        return any_schema()


def parse_content(
    content: Any, image_type: str, text_types: Sequence[str] = ("text",)
) -> MessageContent:
    """The content from a string, null, or a list of text and image parts.

    `image_type` and `text_types` are the `type` of these parts in the dialect.

    Raises:
        PydanticCustomError: the value is something else.
    """
    if isinstance(content, MessageContent):
        return content
    if not isinstance(content, list):
        if isinstance(content, str | None):
            return MessageContent(content or "")
        raise PydanticCustomError("content", "should be a string or a list of parts")
    images = [parse_image_url(_get_url(part)) for part in content if _get_type(part) == image_type]
    text = "".join(_parse_part(part, image_type, text_types) for part in content)
    return MessageContent(text, tuple(images))


def _parse_part(part: Any, image_type: str, text_types: Sequence[str]) -> str:
    kind = _get_type(part)
    if kind == image_type:
        return IMAGE_PLACEHOLDER
    if kind not in text_types:
        message = "accepts text and image parts only, not {kind}"
        raise PydanticCustomError("content_part", message, {"kind": kind})
    return _get_text(part, "part", text_types)


def _get_type(part: Any) -> Any:
    return part.get("type") if isinstance(part, dict) else None


def _get_url(part: dict[str, Any]) -> Any:
    """The URL of an image part; chat completions nest it one level deeper than responses."""
    url = part.get("image_url")
    return url.get("url") if isinstance(url, dict) else url


def join_text_parts(
    content: Any, noun: str, text_types: Sequence[str] = ("text",), separator: str = ""
) -> Any:
    """One string from a list of text parts; null becomes "", any other value stays as it is.

    `noun` is what the dialect calls a part.

    Raises:
        PydanticCustomError: a part is not one of `text_types`.
    """
    if not isinstance(content, list):
        return "" if content is None else content
    return separator.join(_get_text(part, noun, text_types) for part in content)


def _get_text(part: Any, noun: str, text_types: Sequence[str]) -> str:
    kind = _get_type(part)
    if kind not in text_types:
        raise PydanticCustomError(
            f"content_{noun}", f"accepts text {noun}s only, not {{kind}}", {"kind": kind}
        )
    text = part.get("text")
    if not isinstance(text, str):
        raise PydanticCustomError(f"content_{noun}", f"has a text {noun} without text")
    return text


def _check_has_no_effect(value: Any) -> Any:
    if value in _NO_EFFECT:
        return None
    raise PydanticCustomError("unsupported", "is not supported yet; leave it out")


def _check_is_unicode(value: str) -> str:
    try:
        value.encode()
    except UnicodeEncodeError:
        raise PydanticCustomError("unicode", "has half a surrogate pair") from None
    return value


_NO_EFFECT: tuple[Any, ...] = (None, [], {}, False, "none", "auto", {"type": "text"})
"""Values that ask for the default behaviour."""

Texts = Annotated[
    list[str | Tokens],
    BeforeValidator(_parse_texts, json_schema_input_type=str | list[str] | Tokens | list[Tokens]),
]
"""One or several texts, each a string or token ids; once parsed, always a list."""

ModelName = Annotated[str, AfterValidator(_check_is_unicode)]
"""A text that the response repeats, so UTF-8 must be able to encode it."""

Stops = Annotated[
    list[Annotated[str, Field(min_length=1)]],
    BeforeValidator(_parse_stops, json_schema_input_type=str | list[str] | None),
]
"""No, one or several texts that end the output; once parsed, always a list."""

Unsupported = Annotated[Any, AfterValidator(_check_has_no_effect)]
"""A field that would change the output and that copilotd does not implement."""
