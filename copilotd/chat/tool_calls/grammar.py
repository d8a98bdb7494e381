"""Grammars of calls, made from the tools' JSON schemas, in llguidance's dialect of Lark."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from copilotd.chat.tool_calls.formats import BLOCK, Notation
from copilotd.chat.tool_calls.types import Choice, Tool, Toolbox
from copilotd.engine.types import Grammar

_AS_MODELS_WRITE = {
    "whitespace_flexible": True,
    "whitespace_pattern": r"\n? {0,32}",
    "lenient": True,
}
"""On one line or indented on several, as the model began; were any white space allowed, some would
write it without end. What of a schema llguidance cannot keep to, it leaves to the model."""


PROSE = Grammar(r"start: /[^\s{<\[`](.|\n)*/", optional=True)
"""An answer in words: nothing that begins like a call."""


@dataclass(frozen=True, slots=True)
class Marks:
    """How the opening and the closing of a call stand in a grammar: a token, or a text."""

    opens: str
    closes: str


def mark(text: str, tokens: list[int]) -> str:
    """`text` as a symbol; `tokens` are its own."""
    return f"<[{tokens[0]}]>" if len(tokens) == 1 else json.dumps(text)


def of_calls(
    box: Toolbox,
    notation: Notation,
    marks: Marks,
    schema: Mapping[str, Any] | None,
    sure: float = 0.0,
) -> Grammar:
    """What an answer may be: a free text, or one that keeps to `schema`, or calls.

    It begins with a call only if that is as likely as `sure` says (0 to 1). Where a call is
    required, the opening is part of the prompt, and the grammar begins behind it.
    """
    calls = _calls(box, notation, marks)
    if box.choice is Choice.REQUIRED:
        text = "\n".join([f"start: {calls}", _call(box, notation), _SPACE])
        return Grammar(text, schema=json.dumps(_required(box, notation)))
    if schema is None:
        bare = f"S call (S {json.dumps(BLOCK)})?"
        text = "\n".join([f"start: ({calls}) | ({bare})", _call(box, notation), _SPACE])
        return Grammar(
            text, notation.triggers, optional=True, openings=notation.openings, sure=sure
        )
    opened = f"{marks.opens} {calls}" if notation.opens else calls
    start = f"start: ({opened}) | answer"
    rules = [start, f"answer: {_json(schema)}", _call(box, notation), _SPACE]
    return Grammar("\n".join(rules))


def of_schema(schema: Mapping[str, Any]) -> Grammar:
    """JSON that keeps to `schema`."""
    return Grammar(f"start: {_json(schema)}", schema=json.dumps(schema))


_SPACE = r"S: /[ \n]{0,2}/"


def _calls(box: Toolbox, notation: Notation, marks: Marks) -> str:
    if notation.in_list:
        more = ' ("," S call)*' if box.parallel else ""
        return f'S "[" call{more} S "]"'
    if not notation.opens:
        return "S call"
    more = f" (S {marks.opens} S call S {marks.closes})*" if box.parallel else ""
    return f"S call (S {marks.closes}{more})?"


def _call(box: Toolbox, notation: Notation) -> str:
    whole = {"x-guidance": _AS_MODELS_WRITE, **_any(box, notation)}
    return f"call: %json {json.dumps(whole)}"


def _required(box: Toolbox, notation: Notation) -> dict[str, Any]:
    """A call as nothing but JSON."""
    call = _any(box, notation)
    if not notation.in_list:
        return call
    return {"type": "array", "items": call, "minItems": 1, "maxItems": 8 if box.parallel else 1}


def _any(box: Toolbox, notation: Notation) -> dict[str, Any]:
    schemas = [_schema(tool, notation) for tool in box.tools]
    return schemas[0] if len(schemas) == 1 else {"anyOf": schemas}


def _schema(tool: Tool, notation: Notation) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": {"name": {"const": tool.name}, notation.arguments: _arguments(tool)},
        "required": ["name", notation.arguments],
        "additionalProperties": False,
    }


def _arguments(tool: Tool) -> dict[str, Any]:
    """The tool's own schema; of an object that says nothing of others, only the named fields."""
    rest = {"type": "object", "additionalProperties": not tool.parameters, **tool.parameters}
    # A document of its own, so that what it refers to as "#/$defs/…" is found in it.
    return {**rest, "$id": f"urn:tool:{quote(tool.name)}"}


def _json(schema: Mapping[str, Any]) -> str:
    return f"%json {json.dumps({'x-guidance': {'lenient': True}, **schema})}"
