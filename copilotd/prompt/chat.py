"""Chat prompts, by the template that the model's own GGUF carries.

A template is a program from a downloaded file, so it runs in Jinja's immutable sandbox. The
variables it sees (messages, tools, add_generation_prompt, bos_token, eos_token, raise_exception,
strftime_now) are those that Hugging Face transformers documents for chat templates.
"""

import json
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, NoReturn

from jinja2 import TemplateError
from jinja2.sandbox import ImmutableSandboxedEnvironment

from copilotd.engine.types import ModelInfo
from copilotd.errors import InvalidRequest
from copilotd.prompt.messages import IMAGE, Message

PLAIN = (
    "{% for m in messages %}### {{ m.role | capitalize }}:\n{{ m.content }}\n\n{% endfor %}"
    "### Assistant:"
)
"""For a model with no template of its own."""


_SEAM = "\ufdd0"
"""A code point that Unicode keeps out of all text."""


def render(
    info: ModelInfo, messages: Sequence[Message], tools: Sequence[Mapping[str, Any]] = ()
) -> list[str]:
    """The conversation as the model was trained to read it, ending where its answer begins.

    It comes in pieces that are to be tokenised one by one: what looks like a control token in a
    message (a file that a tool has read may say <|im_end|>) is cut in two, so that it stays text.
    `tools` are the signatures of what it may call, in OpenAI's form. Images stay as IMAGE.

    Raises:
        InvalidRequest: the template refuses the conversation (an unknown role, say).

    """
    environment = ImmutableSandboxedEnvironment(
        trim_blocks=True,
        lstrip_blocks=True,
        extensions=["jinja2.ext.loopcontrols"],
    )
    environment.globals.update(raise_exception=_refuse, strftime_now=_now)
    environment.filters["tojson"] = _json
    cut = _cutter(info.controls)
    # The template is a stranger's program: whatever it raises is about it, and not about us.
    try:
        text = environment.from_string(info.chat_template or PLAIN).render(
            messages=[cut({"role": m.role, "content": _content(m), **m.extra}) for m in messages],
            tools=cut(list(tools)) or None,
            add_generation_prompt=True,
            bos_token="",
            eos_token="",
        )
    except Exception as error:
        raise InvalidRequest(
            f"the model's chat template refuses this conversation: {error}",
            "Check the order and the roles of the messages.",
        ) from error
    return text.split(_SEAM)


def _content(message: Message) -> str:
    return message.content if message.images else message.content.replace(IMAGE, "\ufffd")


def _cutter(controls: Sequence[str]) -> Callable[[Any], Any]:
    """Cuts control tokens in two, in every text of a nested value."""
    longest_first = sorted(filter(None, controls), key=len, reverse=True)
    control = re.compile("|".join(map(re.escape, longest_first)) or r"(?!)")

    def cut(value: Any) -> Any:
        if isinstance(value, str):
            return control.sub(lambda m: m[0][0] + _SEAM + m[0][1:], value.replace(_SEAM, "\ufffd"))
        if isinstance(value, Mapping):
            return {cut(name): cut(inner) for name, inner in value.items()}
        if isinstance(value, list | tuple):
            return [cut(inner) for inner in value]
        return value

    return cut


def _json(value: Any, indent: int | None = None) -> str:
    """As transformers' own: Jinja's would write < and ' as escapes, which no model has learnt."""
    return json.dumps(value, ensure_ascii=False, indent=indent)


def _refuse(message: str) -> NoReturn:
    raise TemplateError(message)


def _now(pattern: str) -> str:
    return datetime.now().astimezone().strftime(pattern)
