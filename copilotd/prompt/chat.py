"""Chat prompts, rendered with the template in the model's own GGUF file.

A template is a program from a downloaded file, so it runs in Jinja's immutable sandbox. The
variables it sees (messages, tools, add_generation_prompt, bos_token, eos_token, raise_exception,
strftime_now) are those that Hugging Face transformers documents for chat templates.
"""

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NoReturn

from jinja2 import TemplateError
from jinja2.sandbox import ImmutableSandboxedEnvironment

from copilotd.engine.types import ModelInfo
from copilotd.errors import InvalidRequest
from copilotd.prompt.messages import (
    IMAGE_PLACEHOLDER,
    AssistantMessage,
    Message,
    SystemMessage,
    ToolCall,
    ToolResult,
    UserMessage,
)

DEFAULT_TEMPLATE = (
    "{% for m in messages %}### {{ m.role | capitalize }}:\n{{ m.content }}\n\n{% endfor %}"
    "### Assistant:"
)
"""For a model without a template of its own."""

_SPLIT_MARK = "\ufdd0"
"""Marks where the rendered text is split; Unicode keeps this code point out of all text."""

_REPLACEMENT = "\ufffd"
"""Unicode's replacement character, for a code point that looks like one of our marks."""


@dataclass(frozen=True, slots=True)
class ImageRef:
    """The place of an image in a prompt; `index` counts the conversation's images from 0."""

    index: int


PromptPart = str | ImageRef
"""A text, to be tokenized by itself, or the place of an image."""


def render_chat(
    info: ModelInfo,
    messages: Sequence[Message],
    tools: Sequence[Mapping[str, Any]] = (),
    answer_prefix: str = "",
) -> list[PromptPart]:
    """Render the conversation with the model's template, up to where the answer begins.

    The parts must be tokenized one by one: if a message holds the text of a control token (a file
    that a tool read may contain <|im_end|>), the text is split inside it, so that it stays text.
    `tools` are the tool definitions in OpenAI's form. `answer_prefix` is the beginning of the
    answer, given to the model as it is.

    Raises:
        InvalidRequest: the template refuses the conversation (an unknown role, say).

    """
    environment = ImmutableSandboxedEnvironment(
        trim_blocks=True,
        lstrip_blocks=True,
        extensions=["jinja2.ext.loopcontrols"],
    )
    environment.globals.update(raise_exception=_raise_exception, strftime_now=_format_now)
    environment.filters["tojson"] = _to_json
    split = _build_splitter(info.controls)
    # The template is a stranger's program: any exception is the template's fault, not the daemon's.
    try:
        text = environment.from_string(info.chat_template or DEFAULT_TEMPLATE).render(
            messages=[split(_to_template_message(message)) for message in messages],
            tools=split(list(tools)) or None,
            add_generation_prompt=True,
            bos_token="",
            eos_token="",
        )
    except Exception as error:
        raise InvalidRequest(
            f"the model's chat template refuses this conversation: {error}",
            "Check the order and the roles of the messages.",
        ) from error
    *texts, last = text.split(_SPLIT_MARK)
    return list(_split_at_images([*texts, last + answer_prefix]))


def _to_template_message(message: Message) -> dict[str, Any]:
    """The message as a dict, with the keys that transformers documents for chat templates."""
    common = {"role": message.role, "content": _replace_stray_placeholders(message)}
    match message:
        case AssistantMessage(calls=calls) if calls:
            return {**common, "tool_calls": [_to_template_call(call) for call in calls]}
        case ToolResult(call_id=call_id, name=name):
            return {**common, "tool_call_id": call_id, **({"name": name} if name else {})}
        case _:
            return common


def _to_template_call(call: ToolCall) -> dict[str, Any]:
    function = {"name": call.name, "arguments": json.loads(call.arguments)}
    return {"id": call.id, "type": "function", "function": function}


def _replace_stray_placeholders(message: Message) -> str:
    """The content; if the message has no images, its placeholders are replaced."""
    if isinstance(message, SystemMessage | UserMessage) and message.images:
        return message.content
    return message.content.replace(IMAGE_PLACEHOLDER, _REPLACEMENT)


def _build_splitter(controls: Sequence[str]) -> Callable[[Any], Any]:
    """Return a function that marks the texts of a nested value for splitting.

    It puts a mark inside the text of each control token.
    """
    longest_first = sorted(filter(None, controls), key=len, reverse=True)
    control = re.compile("|".join(map(re.escape, longest_first)) or r"(?!)")

    def split(value: Any) -> Any:
        if isinstance(value, str):
            clean = value.replace(_SPLIT_MARK, _REPLACEMENT)
            return control.sub(lambda m: m[0][0] + _SPLIT_MARK + m[0][1:], clean)
        if isinstance(value, Mapping):
            return {split(name): split(inner) for name, inner in value.items()}
        if isinstance(value, list | tuple):
            return [split(inner) for inner in value]
        return value

    return split


def _split_at_images(texts: Sequence[str]) -> Iterator[PromptPart]:
    images = 0
    for text in texts:
        first, *others = text.split(IMAGE_PLACEHOLDER)
        yield first
        for other in others:
            yield ImageRef(images)
            yield other
            images += 1


def _to_json(value: Any, indent: int | None = None) -> str:
    """JSON as transformers writes it: Jinja's filter escapes < and ', which no model has seen."""
    return json.dumps(value, ensure_ascii=False, indent=indent)


def _raise_exception(message: str) -> NoReturn:
    raise TemplateError(message)


def _format_now(pattern: str) -> str:
    return datetime.now().astimezone().strftime(pattern)
