"""Types of request fields that several dialects have in common."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, Field
from pydantic_core import CoreSchema, PydanticCustomError
from pydantic_core.core_schema import any_schema

from copilotd.http.shared.images import of_url
from copilotd.prompt.messages import IMAGE, Image

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


@dataclass(frozen=True, slots=True)
class Said:
    """A content that was read: its text, in which IMAGE is the place of each of its images."""

    text: str
    images: tuple[Image, ...] = ()

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: Any) -> CoreSchema:
        # What a client sends is described where it is read; this is never sent.
        return any_schema()


def said_of(content: Any, image: str, kinds: Sequence[str] = ("text",)) -> Said:
    """A content: text, nothing, or a list of parts of text and of images.

    `image` is what the dialect calls a part that is one, `kinds` what it calls text.
    """
    if isinstance(content, Said):
        return content
    if not isinstance(content, list):
        if isinstance(content, str | None):
            return Said(content or "")
        raise PydanticCustomError("content", "should be a string or a list of parts")
    images = [of_url(_address(part)) for part in content if _kind(part) == image]
    return Said("".join(_shown(part, image, kinds) for part in content), tuple(images))


def _shown(part: Any, image: str, kinds: Sequence[str]) -> str:
    kind = _kind(part)
    if kind == image:
        return IMAGE
    if kind not in kinds:
        taken = "takes text and image parts only, not {kind}"
        raise PydanticCustomError("content_part", taken, {"kind": kind})
    return _text(part, "part", kinds)


def _kind(part: Any) -> Any:
    return part.get("type") if isinstance(part, dict) else None


def _address(part: dict[str, Any]) -> Any:
    """OpenAI's two dialects have it at two depths."""
    found = part.get("image_url")
    return found.get("url") if isinstance(found, dict) else found


def text_of(content: Any, noun: str, kinds: Sequence[str] = ("text",), between: str = "") -> Any:
    """A content that is a list of parts of text as one string; null is none, all else as it is.

    `noun` is what a client calls a part; those of other `kinds` are refused.
    """
    if not isinstance(content, list):
        return "" if content is None else content
    return between.join(_text(part, noun, kinds) for part in content)


def _text(part: Any, noun: str, kinds: Sequence[str]) -> str:
    kind = _kind(part)
    if kind not in kinds:
        raise PydanticCustomError(
            f"content_{noun}", f"takes text {noun}s only, not {{kind}}", {"kind": kind}
        )
    text = part.get("text")
    if not isinstance(text, str):
        raise PydanticCustomError(f"content_{noun}", f"has a text {noun} without text")
    return text


def _refused(value: Any) -> Any:
    if value in _HARMLESS:
        return None
    raise PydanticCustomError("unsupported", "is not supported yet; leave it out")


def _unicode(value: str) -> str:
    try:
        value.encode()
    except UnicodeEncodeError:
        raise PydanticCustomError("unicode", "has half a surrogate pair") from None
    return value


_HARMLESS: tuple[Any, ...] = (None, [], {}, False, "none", "auto", {"type": "text"})
"""Values that ask for nothing but what happens anyway."""

Texts = Annotated[
    list[str | Tokens],
    BeforeValidator(_texts, json_schema_input_type=str | list[str] | Tokens | list[Tokens]),
]
"""One or several texts, each a string or token ids; always a list once it is read."""

ModelName = Annotated[str, AfterValidator(_unicode)]
"""A text that is repeated in the answer, and so has to be one that JSON can hold."""

Stops = Annotated[
    list[Annotated[str, Field(min_length=1)]],
    BeforeValidator(_stops, json_schema_input_type=str | list[str] | None),
]
"""None, one or several texts at which to end; always a list once it is read."""

Unsupported = Annotated[Any, AfterValidator(_refused)]
"""A field that would change the answer and that we cannot honour."""
