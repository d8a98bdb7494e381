"""Grammars for calls, built from the tools' JSON schemas, in llguidance's dialect of Lark."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from copilotd.chat.tool_calls.formats import CODE_FENCE, CallFormat
from copilotd.chat.tool_calls.types import ToolChoice, ToolDefinition, ToolSet
from copilotd.engine.types import Grammar

_MODEL_STYLE = {
    "whitespace_flexible": True,
    "whitespace_pattern": r"\n? {0,32}",
    "lenient": True,
}
"""JSON on one line, or indented on several, as the model begins it. If any white space were
allowed, some models would write it without end. `lenient` makes llguidance ignore the keywords of a
schema that it does not support."""

_MAX_REQUIRED_CALLS = 8

PROSE_GRAMMAR = Grammar(r"start: /[^\s{<\[`](.|\n)*/", optional=True)
"""An answer in words: nothing that begins like a call."""


@dataclass(frozen=True, slots=True)
class MarkSymbols:
    """The marks before and after a call as symbols of a grammar: each a token or a text."""

    start: str
    end: str


def to_symbol(text: str, tokens: list[int]) -> str:
    """Return `text` as a symbol; `tokens` are its token ids."""
    return f"<[{tokens[0]}]>" if len(tokens) == 1 else json.dumps(text)


def build_call_grammar(
    tools: ToolSet,
    call_format: CallFormat,
    marks: MarkSymbols,
    schema: Mapping[str, Any] | None,
    min_call_probability: float = 0.0,
) -> Grammar:
    """Build the grammar of an answer: calls, or else free text or JSON that conforms to `schema`.

    The answer begins with a call only if a call has at least `min_call_probability` (0 to 1). If a
    call is required, its start mark is part of the prompt, and the grammar begins after it.
    """
    calls = _calls_rule(tools, call_format, marks)
    call = _call_rule(tools, call_format)
    if tools.choice is ToolChoice.REQUIRED:
        text = "\n".join([f"start: {calls}", call, _SPACE_RULE])
        return Grammar(text, schema=json.dumps(_required_schema(tools, call_format)))
    if schema is None:
        bare = f"S call (S {json.dumps(CODE_FENCE)})?"
        text = "\n".join([f"start: ({calls}) | ({bare})", call, _SPACE_RULE])
        return Grammar(
            text,
            call_format.triggers,
            optional=True,
            openings=call_format.openings,
            min_opening_probability=min_call_probability,
        )
    marked = f"{marks.start} {calls}" if call_format.start_mark else calls
    start = f"start: ({marked}) | answer"
    return Grammar("\n".join([start, f"answer: {_json_symbol(schema)}", call, _SPACE_RULE]))


def build_schema_grammar(schema: Mapping[str, Any]) -> Grammar:
    """Build the grammar of JSON that conforms to `schema`."""
    return Grammar(f"start: {_json_symbol(schema)}", schema=json.dumps(schema))


_SPACE_RULE = r"S: /[ \n]{0,2}/"


def _calls_rule(tools: ToolSet, call_format: CallFormat, marks: MarkSymbols) -> str:
    if call_format.is_array:
        more = ' ("," S call)*' if tools.parallel else ""
        return f'S "[" call{more} S "]"'
    if not call_format.start_mark:
        return "S call"
    more = f" (S {marks.start} S call S {marks.end})*" if tools.parallel else ""
    return f"S call (S {marks.end}{more})?"


def _call_rule(tools: ToolSet, call_format: CallFormat) -> str:
    schema = {"x-guidance": _MODEL_STYLE, **_any_call_schema(tools, call_format)}
    return f"call: %json {json.dumps(schema)}"


def _required_schema(tools: ToolSet, call_format: CallFormat) -> dict[str, Any]:
    """The schema of an answer that is nothing but calls."""
    call = _any_call_schema(tools, call_format)
    if not call_format.is_array:
        return call
    most = _MAX_REQUIRED_CALLS if tools.parallel else 1
    return {"type": "array", "items": call, "minItems": 1, "maxItems": most}


def _any_call_schema(tools: ToolSet, call_format: CallFormat) -> dict[str, Any]:
    schemas = [_call_schema(tool, call_format) for tool in tools.definitions]
    return schemas[0] if len(schemas) == 1 else {"anyOf": schemas}


def _call_schema(tool: ToolDefinition, call_format: CallFormat) -> dict[str, Any]:
    key = call_format.arguments_key
    return {
        "type": "object",
        "properties": {"name": {"const": tool.name}, key: _arguments_schema(tool)},
        "required": ["name", key],
        "additionalProperties": False,
    }


def _arguments_schema(tool: ToolDefinition) -> dict[str, Any]:
    """The tool's own schema; unless it says otherwise, only the properties it names are allowed."""
    schema = {"type": "object", "additionalProperties": not tool.parameters, **tool.parameters}
    # An id makes the schema a separate document, so that its references "#/$defs/…" resolve inside
    # it.
    return {**schema, "$id": f"urn:tool:{quote(tool.name)}"}


def _json_symbol(schema: Mapping[str, Any]) -> str:
    return f"%json {json.dumps({'x-guidance': {'lenient': True}, **schema})}"
