"""Checks that a grammar can be built from a server's schema.

Without the check, one schema that llguidance cannot compile would make every chat fail.
"""

import json
import logging
from collections.abc import Mapping
from typing import Any

log = logging.getLogger(__name__)

MAX_SCHEMA_LENGTH = 20_000
"""In characters. The model has to read every character."""
ANY_OBJECT = {"type": "object"}


def choose_schema(name: str, schema: Mapping[str, Any]) -> Mapping[str, Any]:
    """`schema`, or the schema of any object if no grammar can be built from `schema`."""
    try:
        problem = _find_problem(schema)
    except BaseException as error:
        # llguidance's panics do not inherit from Exception.
        if type(error).__name__ != "PanicException" and not isinstance(error, Exception):
            raise
        problem = type(error).__name__
    if not problem:
        return schema
    log.warning("the arguments of %s are not checked: %s", name, problem.splitlines()[0])
    return ANY_OBJECT


def _find_problem(schema: Mapping[str, Any]) -> str:
    from llguidance import LLMatcher

    inside = {"it": {**schema, "$id": "urn:tool"}}
    text = json.dumps({"x-guidance": {"lenient": True}, "type": "object", "properties": inside})
    if len(text) > MAX_SCHEMA_LENGTH:
        return f"their schema has {len(text)} characters"
    return str(LLMatcher.validate_grammar(f"start: %json {text}"))
