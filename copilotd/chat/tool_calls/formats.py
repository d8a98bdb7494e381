"""How model families write a call: the mark before it, its JSON object, the mark after it.

A model was trained on one format, which its chat template shows. The formats here are those of the
templates of Qwen 2.5 and Hermes, of Llama 3, and of Mistral.
"""

import json
import re
from dataclasses import dataclass

from copilotd.engine.types import ModelInfo


@dataclass(frozen=True, slots=True)
class CallFormat:
    """A call is a JSON object with a name and, under the key `arguments_key`, its arguments.

    It is between `start_mark` and `end_mark`. With `is_array`, one JSON array holds all calls. Most
    models sometimes leave the marks out and begin with the object itself, or with a code block.
    """

    start_mark: str = ""
    end_mark: str = ""
    arguments_key: str = "arguments"
    is_array: bool = False
    needs_short_ids: bool = False
    """Whether the template accepts only ids of nine letters and digits."""

    @property
    def call_prefix(self) -> str:
        """The text before the object of the first call."""
        return f"{self.start_mark}\n" if self.start_mark and not self.is_array else self.start_mark

    @property
    def triggers(self) -> list[str]:
        """Regular expressions for the beginning of a call; group 1, if any, belongs to the call."""
        return [*([re.escape(self.start_mark)] if self.start_mark else []), BARE_CALL]

    @property
    def openings(self) -> list[str]:
        """The texts that an answer begins with if it is a call."""
        bare = [f"{space}{text}" for space in ("", " ", "\n") for text in ("{", CODE_FENCE)]
        return [self.start_mark, *bare] if self.start_mark else bare


CODE_FENCE = "```"
BARE_CALL = r'\A\s*(?:```(?:json)?\s*)?(\{\s*"name)'
"""An answer that is a call without marks; `"name` tells it from other JSON."""

HERMES = CallFormat("<tool_call>", "</tool_call>")
LLAMA_3 = CallFormat(arguments_key="parameters")
MISTRAL = CallFormat("[TOOL_CALLS]", is_array=True, needs_short_ids=True)


def detect_format(info: ModelInfo) -> CallFormat:
    """Return the format that the model's template shows, or else the most common format."""
    template = info.chat_template or ""
    if MISTRAL.start_mark in template:
        return MISTRAL
    if HERMES.start_mark not in template and '"parameters":' in template:
        return LLAMA_3
    return HERMES


def template_lists_tools(info: ModelInfo) -> bool:
    """Return whether the template has a place for tools."""
    return re.search(r"\btools\b", info.chat_template or "") is not None


_INSTRUCTIONS = """\
You may call functions to answer. These are their signatures, one JSON object a line:
<tools>
{tools}
</tools>
To call one, write a JSON object with its name and arguments between these marks:
<tool_call>
{{"name": <name>, "arguments": <arguments>}}
</tool_call>"""


def render_tool_instructions(definitions: list[dict[str, object]]) -> str:
    """Return the tool instructions for a model whose template does not list tools."""
    return _INSTRUCTIONS.format(tools="\n".join(json.dumps(one) for one in definitions))
