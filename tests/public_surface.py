"""List the facts that other programs, or a later version of copilotd, depend on.

`python -m tests.public_surface` rewrites tests/public_surface.json. Run it only for an intended
change of these facts: a client, a settings file or a file on a user's disk relies on each of them.
"""

import asyncio
import inspect
import json
import os
import re
import sys
from collections.abc import Callable, Iterator, Mapping
from enum import Enum
from pathlib import Path
from typing import Any, get_args
from unittest.mock import Mock

import httpx2
from lsprotocol import types
from pydantic import BaseModel
from typer.main import get_command

import copilotd
from copilotd.cli import app as command_line
from copilotd.cli.llama_flags import parse_flags
from copilotd.config import (
    LOADS_A_MODEL,
    PROJECT_FILE,
    PROJECT_TABLES,
    RELOADABLE,
    ServerSection,
    Settings,
    is_secret,
    list_tables,
)
from copilotd.engine.fake import FakeEngine
from copilotd.errors import ConfigError
from copilotd.http.app import build_app
from copilotd.lsp.client import Client
from copilotd.lsp.handlers import register
from copilotd.lsp.protocol import build_converter
from copilotd.lsp.server import EditorServer
from tests import stored_formats
from tests.http.http_server import build_services
from tests.json_schema import (
    Facts,
    inline_definitions,
    list_property_facts,
    strip_and_rename,
    strip_wording,
)

SNAPSHOT = Path(__file__).with_suffix(".json")

_FASTAPI_SCHEMAS = {"HTTPValidationError", "ValidationError"}
"""Schemas that FastAPI adds, and may change; errors of copilotd have other schemas."""

_OWN_METHOD = re.compile(r'"((?:\$|copilotd|textDocument|window|workspace)/[A-Za-z]+)"')
_FLAG = re.compile(r'"(--?[a-z][a-z0-9-]*)"')


def collect_facts() -> dict[str, Facts]:
    """Collect the facts of each section, by name."""
    return {section: dict(sorted(facts().items())) for section, facts in SECTIONS.items()}


def format_lines(facts: Mapping[str, Any]) -> list[str]:
    """Format each fact as its line in the snapshot."""
    pairs = ((json.dumps(name), _encode_compactly(value)) for name, value in facts.items())
    return [f"    {name}: {value}" for name, value in pairs]


def format_snapshot(sections: Mapping[str, Facts]) -> str:
    """Format the whole snapshot: JSON with one line for each fact."""
    blocks = [
        f"  {json.dumps(name)}: {{\n" + ",\n".join(format_lines(facts)) + "\n  }"
        for name, facts in sections.items()
    ]
    return "{\n" + ",\n".join(blocks) + "\n}\n"


def list_http_endpoints() -> Facts:
    """List the parameters, bodies and answers of each method of each path."""
    document, names = _describe_api()
    facts: Facts = {}
    for path, method, operation in _list_operations(document):
        name = f"{method.upper()} {path}"
        facts[name] = sorted(operation["responses"])
        for parameter in operation.get("parameters", ()):
            fact = strip_wording(parameter["schema"]) | {"required": parameter["required"]}
            facts[f"{name} {parameter['in']} {parameter['name']}"] = fact
        body = operation.get("requestBody", {})
        for kind, content in body.get("content", {}).items():
            facts[f"{name} body {kind}"] = strip_and_rename(content.get("schema", {}), names)
        for status, answer in operation["responses"].items():
            for kind, content in answer.get("content", {}).items():
                fact = strip_and_rename(content.get("schema", {}), names)
                facts[f"{name} answer {status} {kind}"] = fact
    return facts


def list_http_schemas() -> Facts:
    """List each property of each schema in the OpenAPI document."""
    document, names = _describe_api()
    facts: Facts = {}
    for name, schema in document["components"]["schemas"].items():
        if name not in _FASTAPI_SCHEMAS:
            facts |= list_property_facts(names[name], strip_and_rename(schema, names))
    return facts


def list_command_line_options() -> Facts:
    """List each command with its arguments and options, including hidden ones."""
    return dict(_list_parameters("copilotd", get_command(command_line)))


def list_llama_server_flags() -> Facts:
    """List the settings that each flag of llama-server changes; a flag with a value gets 1."""
    source = inspect.getsource(sys.modules[parse_flags.__module__])
    return {"none": parse_flags([]).settings} | {
        flag: _describe_flag(flag) for flag in _FLAG.findall(source)
    }


def list_settings() -> Facts:
    """List each key with its type, bounds and default, and the sources of the keys."""
    facts: Facts = {
        "environment": [Settings.model_config[k] for k in ("env_prefix", "env_nested_delimiter")],
        "project file": PROJECT_FILE,
        "tables of the project file": sorted(PROJECT_TABLES),
        "keys that load a model again": sorted(LOADS_A_MODEL),
        "keys that are read while the daemon runs": sorted(RELOADABLE),
    }
    for table, kind in list_tables().items():
        for key, fact in _list_fields(kind).items():
            name = f"{table}.{key}"
            facts[name] = fact | ({"secret": True} if is_secret(name) else {})
    return facts


def list_metrics() -> Facts:
    """List the samples of /metrics with their labels and types."""
    page = asyncio.run(_fetch_metrics())
    kinds = dict(re.findall(r"^# TYPE (\S+) (\S+)$", page, re.MULTILINE))
    samples = re.findall(r"^([a-zA-Z_:]\w*(?::\w+)?)(\{.*\})? \S+$", page, re.MULTILINE)
    return {name + labels: kinds.get(name, "untyped") for name, labels in samples}


def list_language_server_methods() -> Facts:
    """List the methods and commands that editors may call, and copilotd's own messages."""
    server, services = EditorServer(build_converter()), Mock()
    register(server, services, Client(1, server, services))
    manager = server.protocol.fm
    # Some methods depend on the capabilities of the editor. This editor declares none.
    manager.features["initialize"](types.InitializeParams(types.ClientCapabilities()))
    source = Path(copilotd.__file__).parent.rglob("*.py")
    own = {name for file in source for name in _OWN_METHOD.findall(file.read_text("utf-8"))}
    known = set(manager.features) | set(manager.builtin_features)
    return (
        {f"handles {name}": True for name in known}
        | {f"command {name}": True for name in manager.commands}
        | {f"names {name}": True for name in own}
    )


SECTIONS: dict[str, Callable[[], Facts]] = {
    "HTTP endpoints": list_http_endpoints,
    "HTTP schemas": list_http_schemas,
    "command line": list_command_line_options,
    "llama-server flags": list_llama_server_flags,
    "settings": list_settings,
    "metrics": list_metrics,
    "language server": list_language_server_methods,
    "places of files": stored_formats.list_paths,
    "runtime file": stored_formats.describe_runtime_file,
    "tuning file": stored_formats.describe_tuning_file,
    "parked KV file": stored_formats.describe_sequence_file,
    "model index": stored_formats.describe_model_index,
}


def _describe_api() -> tuple[dict[str, Any], dict[str, str]]:
    """Return the OpenAPI document, and the name of each of its schemas in the snapshot.

    If two classes share a name, FastAPI puts the module before it. The snapshot has the first path
    that uses the schema instead, so that moving a class does not change the snapshot.
    """
    document = build_app(build_services(FakeEngine(""), []), ServerSection()).openapi()
    schemas = document["components"]["schemas"]
    names = {}
    for name in schemas:
        bare = name.rpartition("__")[2]
        names[name] = bare if bare == name else f"{bare} ({_find_first_path(document, name)})"
    assert len(set(names.values())) == len(names)
    return document, names


def _find_first_path(document: dict[str, Any], name: str) -> str:
    schemas = document["components"]["schemas"]
    paths = ((p, o) for p, _, o in sorted(_list_operations(document), key=lambda each: each[:2]))
    return next(path for path, operation in paths if name in _find_used_schemas(operation, schemas))


def _find_used_schemas(node: Any, schemas: dict[str, Any]) -> set[str]:
    found: set[str] = set()
    waiting = [node]
    while waiting:
        written = json.dumps(waiting.pop())
        new = set(re.findall(r'"#/components/schemas/([^"]+)"', written)) - found
        found |= new
        waiting += [schemas[name] for name in new]
    return found


def _list_operations(document: dict[str, Any]) -> list[tuple[str, str, dict[str, Any]]]:
    paths = document["paths"].items()
    return [(path, method, found) for path, methods in paths for method, found in methods.items()]


def _list_parameters(name: str, command: Any) -> Iterator[tuple[str, Any]]:
    # The type is Any because Typer has a private copy of click, whose classes have no public names.
    yield name, "hidden" if command.hidden else "shown"
    for parameter in command.params:
        # Typer adds these two options, and they depend on the shell of the machine.
        if not {"--install-completion", "--show-completion"} & set(parameter.opts):
            yield f"{name} {_spell_parameter(parameter)}", _describe_parameter(parameter)
    for child, one in getattr(command, "commands", {}).items():
        yield from _list_parameters(f"{name} {child}", one)


def _spell_parameter(parameter: Any) -> str:
    if not parameter.opts[0].startswith("-"):
        return str(parameter.metavar or parameter.name.upper())
    return " ".join([*parameter.opts, *parameter.secondary_opts])


def _describe_parameter(parameter: Any) -> dict[str, Any]:
    fact = {"type": _describe_values(parameter.type_descriptor.annotation)}
    for key in ("required", "multiple", "is_flag", "hidden", "envvar", "min", "max"):
        if getattr(parameter, key, None) not in (None, False):
            fact[key] = getattr(parameter, key)
    if parameter.nargs != 1:
        fact["nargs"] = parameter.nargs
    if isinstance(parameter.default, str | bool | int | float):
        fact["default"] = parameter.default
    return fact


def _describe_values(annotation: Any) -> Any:
    """Return the type of a value, or the list of allowed values."""
    if isinstance(annotation, type) and issubclass(annotation, Enum):
        return [member.value for member in annotation]
    if isinstance(annotation, type):
        return annotation.__name__.lower()
    return [_describe_values(one) if isinstance(one, type) else one for one in get_args(annotation)]


def _describe_flag(flag: str) -> dict[str, Any]:
    try:
        found = parse_flags([flag])
    except ConfigError:
        found = parse_flags([flag, "1"])
    base = parse_flags([]).settings
    fact = {
        # Paths are made absolute.
        f"{table}.{key}": value.rpartition(os.sep)[2] if isinstance(value, str) else value
        for table, keys in found.settings.items()
        for key, value in keys.items()
        if base.get(table, {}).get(key) != value
    }
    others = {"api key": found.api_key, "ignored": found.ignored}
    return fact | {name: value for name, value in others.items() if value}


def _list_fields(kind: type[BaseModel]) -> Facts:
    schema = inline_definitions(kind.model_json_schema())
    return {key: strip_wording(value) for key, value in schema["properties"].items()}


async def _fetch_metrics() -> str:
    app = build_app(build_services(FakeEngine(""), []), ServerSection())
    transport = httpx2.ASGITransport(app=app)
    async with httpx2.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client:
        return (await client.get("/metrics")).raise_for_status().text


def _encode_compactly(value: Any) -> str:
    return json.dumps(value, sort_keys=True, ensure_ascii=False, default=str)


if __name__ == "__main__":
    SNAPSHOT.write_text(format_snapshot(collect_facts()), encoding="utf-8")
