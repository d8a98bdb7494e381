"""Remove the wording of JSON schemas, so that two versions of one can be compared."""

from typing import Any

Facts = dict[str, Any]

_WORDING = ("title", "description", "examples", "example")


def strip_wording(schema: Any) -> Any:
    """Return the schema without titles, descriptions and examples, at every depth."""
    if isinstance(schema, list):
        return [strip_wording(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    return {
        # A property may have any name, even "title".
        key: {name: strip_wording(one) for name, one in value.items()}
        if key in ("properties", "$defs")
        else value
        if key in ("default", "const", "enum")
        else strip_wording(value)
        for key, value in schema.items()
        if key not in _WORDING
    }


def strip_and_rename(schema: Any, names: dict[str, str]) -> Any:
    """Strip the wording, and rename references to other schemas as `names` says."""
    return _rename_references(strip_wording(schema), names)


def inline_definitions(schema: dict[str, Any]) -> dict[str, Any]:
    """Return the schema with each reference replaced by its definition."""
    definitions = schema.get("$defs", {})

    def inline(node: Any) -> Any:
        if isinstance(node, list):
            return [inline(each) for each in node]
        if not isinstance(node, dict):
            return node
        if "$ref" in node:
            name = node["$ref"].rpartition("/")[2]
            rest = {key: value for key, value in node.items() if key != "$ref"}
            return {**inline(definitions[name]), **inline(rest)}
        return {key: inline(value) for key, value in node.items() if key != "$defs"}

    return dict(inline(schema))


def list_property_facts(name: str, schema: dict[str, Any]) -> Facts:
    """Return a fact for each property, and one for the schema as a whole."""
    required = schema.get("required", ())
    whole = {k: v for k, v in schema.items() if k not in ("properties", "required")}
    return {name: whole} | {
        f"{name}.{key}": {**value, "required": key in required}
        for key, value in schema.get("properties", {}).items()
    }


def _rename_references(node: Any, names: dict[str, str]) -> Any:
    if isinstance(node, list):
        return [_rename_references(each, names) for each in node]
    if not isinstance(node, dict):
        if isinstance(node, str) and node.startswith("#/components/schemas/"):
            return names[node.removeprefix("#/components/schemas/")]
        return node
    return {key: _rename_references(value, names) for key, value in node.items()}
