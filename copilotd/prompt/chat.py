"""Chat prompts, by the template that the model's own GGUF carries.

A template is a program from a downloaded file, so it runs in Jinja's immutable sandbox. The
variables it sees (messages, add_generation_prompt, bos_token, eos_token, raise_exception,
strftime_now) are those that Hugging Face transformers documents for chat templates.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import NoReturn

from jinja2 import TemplateError
from jinja2.sandbox import ImmutableSandboxedEnvironment

from copilotd.errors import InvalidRequest
from copilotd.types import Message, ModelInfo

PLAIN = (
    "{% for m in messages %}### {{ m.role | capitalize }}:\n{{ m.content }}\n\n{% endfor %}"
    "### Assistant:"
)
"""For a model with no template of its own."""


def render(info: ModelInfo, messages: Sequence[Message]) -> str:
    """The conversation as the model was trained to read it, ending where its answer begins.

    Raises:
        InvalidRequest: the template refuses the conversation (an unknown role, say).

    """
    environment = ImmutableSandboxedEnvironment(
        trim_blocks=True,
        lstrip_blocks=True,
        extensions=["jinja2.ext.loopcontrols"],
    )
    environment.globals.update(raise_exception=_refuse, strftime_now=_now)
    # The template is a stranger's program: whatever it raises is about it, and not about us.
    try:
        return environment.from_string(info.chat_template or PLAIN).render(
            messages=[{"role": m.role, "content": m.content, **m.extra} for m in messages],
            add_generation_prompt=True,
            bos_token="",
            eos_token="",
        )
    except Exception as error:
        raise InvalidRequest(
            f"the model's chat template refuses this conversation: {error}",
            "Check the order and the roles of the messages.",
        ) from error


def _refuse(message: str) -> NoReturn:
    raise TemplateError(message)


def _now(pattern: str) -> str:
    return datetime.now().astimezone().strftime(pattern)
