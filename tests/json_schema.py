"""JSON schemas without their wording, so that two versions of one can be compared."""

from typing import Any

Facts = dict[str, Any]

_WORDING = ("title", "description", "examples", "example")


def stripped(schema: Any) -> Any:
    """The schema without titles, descriptions and examples, at every depth."""
    if isinstance(schema, list):
        return [stripped(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    return {
        # The names of properties are free: one may be called "title".
        key: {name: stripped(one) for name, one in value.items()}
        if key in ("properties", "$defs")
        else value
        if key in ("default", "const", "enum")
        else stripped(value)
        for key, value in schema.items()
        if key not in _WORDING
    }


def placed(schema: Any, names: dict[str, str]) -> Any:
    """The same with the other schemas named as `names` says."""
    return _renamed(stripped(schema), names)


def inlined(schema: dict[str, Any]) -> dict[str, Any]:
    """The schema with the definitions in the places where they are used."""
    definitions = schema.get("$defs", {})

    def put(node: Any) -> Any:
        if isinstance(node, list):
            return [put(each) for each in node]
        if not isinstance(node, dict):
            return node
        if "$ref" in node:
            name = node["$ref"].rpartition("/")[2]
            rest = {key: value for key, value in node.items() if key != "$ref"}
            return {**put(definitions[name]), **put(rest)}
        return {key: put(value) for key, value in node.items() if key != "$defs"}

    return dict(put(schema))


def properties(name: str, schema: dict[str, Any]) -> Facts:
    """A fact for each property, and one for what holds of the whole."""
    required = schema.get("required", ())
    whole = {k: v for k, v in schema.items() if k not in ("properties", "required")}
    return {name: whole} | {
        f"{name}.{key}": {**value, "required": key in required}
        for key, value in schema.get("properties", {}).items()
    }


def _renamed(node: Any, names: dict[str, str]) -> Any:
    if isinstance(node, list):
        return [_renamed(each, names) for each in node]
    if not isinstance(node, dict):
        if isinstance(node, str) and node.startswith("#/components/schemas/"):
            return names[node.removeprefix("#/components/schemas/")]
        return node
    return {key: _renamed(value, names) for key, value in node.items()}
