"""Whether a model can be held to a stranger's schema: one that cannot would refuse every chat."""

import json
import logging
from collections.abc import Mapping
from typing import Any

log = logging.getLogger(__name__)

LARGEST = 20_000
"""Characters; the model would have to read them all."""
ANY = {"type": "object"}


def followable(name: str, schema: Mapping[str, Any]) -> Mapping[str, Any]:
    """`schema`, or that of any object where no grammar can be made of it."""
    try:
        complaint = _complaint(schema)
    except BaseException as error:
        # llguidance's panics are no Exception.
        if type(error).__name__ != "PanicException" and not isinstance(error, Exception):
            raise
        complaint = type(error).__name__
    if not complaint:
        return schema
    log.warning("the arguments of %s are not checked: %s", name, complaint.splitlines()[0])
    return ANY


def _complaint(schema: Mapping[str, Any]) -> str:
    from llguidance import LLMatcher

    inside = {"it": {**schema, "$id": "urn:tool"}}
    text = json.dumps({"x-guidance": {"lenient": True}, "type": "object", "properties": inside})
    if len(text) > LARGEST:
        return f"they are described in {len(text)} characters"
    return str(LLMatcher.validate_grammar(f"start: %json {text}"))
