"""How families of models write a call: what opens it, what stands in it, what closes it.

A model was trained on one notation, which its chat template shows; the notations are those that the
templates of Qwen 2.5 and Hermes, Llama 3 and Mistral ask for.
"""

import json
import re
from dataclasses import dataclass

from copilotd.engine.types import ModelInfo


@dataclass(frozen=True, slots=True)
class Notation:
    """A call is a JSON object with a name and, under the key `arguments`, its arguments.

    It stands between `opens` and `closes`; where `in_list`, several stand in one JSON array. Most
    models sometimes leave the marks out and begin with the object itself, or with a code block.
    """

    opens: str = ""
    closes: str = ""
    arguments: str = "arguments"
    in_list: bool = False
    id_of_nine: bool = False
    """Whether the template takes no ids but those of nine letters and digits."""

    @property
    def beginning(self) -> str:
        """What stands before the object of the first call."""
        return f"{self.opens}\n" if self.opens and not self.in_list else self.opens

    @property
    def triggers(self) -> list[str]:
        """Regular expressions for where a call begins; group 1, if any, belongs to the call."""
        return [*([re.escape(self.opens)] if self.opens else []), BARE]

    @property
    def openings(self) -> list[str]:
        """How an answer begins that is a call."""
        bare = [f"{space}{one}" for space in ("", " ", "\n") for one in ("{", BLOCK)]
        return [self.opens, *bare] if self.opens else bare


BLOCK = "```"
BARE = r'\A\s*(?:```(?:json)?\s*)?(\{\s*"name)'
"""An answer that is nothing but a call; `"name` tells it from other JSON."""

TAGGED = Notation("<tool_call>", "</tool_call>")
PLAIN = Notation(arguments="parameters")
LISTED = Notation("[TOOL_CALLS]", in_list=True, id_of_nine=True)


def notation_of(info: ModelInfo) -> Notation:
    """The one that the model's own template asks for; else that of most models."""
    template = info.chat_template or ""
    if LISTED.opens in template:
        return LISTED
    if TAGGED.opens not in template and '"parameters":' in template:
        return PLAIN
    return TAGGED


def shows_tools(info: ModelInfo) -> bool:
    """Whether the template has a place for tools."""
    return re.search(r"\btools\b", info.chat_template or "") is not None


INSTRUCTION = """\
You may call functions to answer. These are their signatures, one JSON object a line:
<tools>
{tools}
</tools>
To call one, write a JSON object with its name and arguments between these marks:
<tool_call>
{{"name": <name>, "arguments": <arguments>}}
</tool_call>"""
"""For a template that does not show tools."""


def instruction(signatures: list[dict[str, object]]) -> str:
    """What a model whose template does not show tools is told of them."""
    return INSTRUCTION.format(tools="\n".join(json.dumps(one) for one in signatures))
