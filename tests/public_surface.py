"""What other programs, or a later version of copilotd, depend on, as one list of facts.

`python -m tests.public_surface` writes tests/public_surface.json again. Run it only when a change
of these facts is intended: a client, a settings file or a file on somebody's disk relies on each.
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
from tests.json_schema import Facts, inlined, placed, properties, stripped

SNAPSHOT = Path(__file__).with_suffix(".json")

_OF_THE_FRAMEWORK = {"HTTPValidationError", "ValidationError"}
"""Schemas that FastAPI adds and changes by itself; our errors have other shapes."""

_OWN_METHOD = re.compile(r'"((?:\$|copilotd|textDocument|window|workspace)/[A-Za-z]+)"')
_FLAG = re.compile(r'"(--?[a-z][a-z0-9-]*)"')


def surface() -> dict[str, Facts]:
    """The facts of each section, by name."""
    return {section: dict(sorted(facts().items())) for section, facts in SECTIONS.items()}


def lines(facts: Mapping[str, Any]) -> list[str]:
    """One line a fact, as the snapshot holds it."""
    pairs = ((json.dumps(name), _compact(value)) for name, value in facts.items())
    return [f"    {name}: {value}" for name, value in pairs]


def text(sections: Mapping[str, Facts]) -> str:
    """The whole snapshot: JSON with one line a fact."""
    blocks = [
        f"  {json.dumps(name)}: {{\n" + ",\n".join(lines(facts)) + "\n  }"
        for name, facts in sections.items()
    ]
    return "{\n" + ",\n".join(blocks) + "\n}\n"


def http_endpoints() -> Facts:
    """The parameters, bodies and answers of every method of every path."""
    document, names = _described()
    facts: Facts = {}
    for path, method, operation in _operations(document):
        name = f"{method.upper()} {path}"
        facts[name] = sorted(operation["responses"])
        for parameter in operation.get("parameters", ()):
            fact = stripped(parameter["schema"]) | {"required": parameter["required"]}
            facts[f"{name} {parameter['in']} {parameter['name']}"] = fact
        body = operation.get("requestBody", {})
        for kind, content in body.get("content", {}).items():
            facts[f"{name} body {kind}"] = placed(content.get("schema", {}), names)
        for status, answer in operation["responses"].items():
            for kind, content in answer.get("content", {}).items():
                fact = placed(content.get("schema", {}), names)
                facts[f"{name} answer {status} {kind}"] = fact
    return facts


def http_schemas() -> Facts:
    """Every property of every schema that the API's description names."""
    document, names = _described()
    facts: Facts = {}
    for name, schema in document["components"]["schemas"].items():
        if name not in _OF_THE_FRAMEWORK:
            facts |= properties(names[name], placed(schema, names))
    return facts


def command_line_options() -> Facts:
    """Every command with its arguments and options, hidden ones as well."""
    return dict(_parameters("copilotd", get_command(command_line)))


def llama_server_flags() -> Facts:
    """The settings that each flag of llama-server stands for; the value is 1 if it takes one."""
    source = inspect.getsource(sys.modules[parse_flags.__module__])
    return {"none": parse_flags([]).settings} | {
        flag: _meaning(flag) for flag in _FLAG.findall(source)
    }


def settings() -> Facts:
    """Every key with its type, bounds and default, and what the keys are read from."""
    facts: Facts = {
        "environment": [Settings.model_config[k] for k in ("env_prefix", "env_nested_delimiter")],
        "project file": PROJECT_FILE,
        "tables of the project file": sorted(PROJECT_TABLES),
        "keys that load a model again": sorted(LOADS_A_MODEL),
        "keys that are read while the daemon runs": sorted(RELOADABLE),
    }
    for table, kind in list_tables().items():
        for key, fact in _fields(kind).items():
            name = f"{table}.{key}"
            facts[name] = fact | ({"secret": True} if is_secret(name) else {})
    return facts


def metrics() -> Facts:
    """The samples of /metrics with their labels and types."""
    page = asyncio.run(_metrics_page())
    kinds = dict(re.findall(r"^# TYPE (\S+) (\S+)$", page, re.MULTILINE))
    samples = re.findall(r"^([a-zA-Z_:]\w*(?::\w+)?)(\{.*\})? \S+$", page, re.MULTILINE)
    return {name + labels: kinds.get(name, "untyped") for name, labels in samples}


def language_server() -> Facts:
    """The methods and commands that editors may call, and the messages of our own."""
    server, services = EditorServer(build_converter()), Mock()
    register(server, services, Client(1, server, services))
    manager = server.protocol.fm
    # Some methods depend on the editor; this one declares nothing.
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
    "HTTP endpoints": http_endpoints,
    "HTTP schemas": http_schemas,
    "command line": command_line_options,
    "llama-server flags": llama_server_flags,
    "settings": settings,
    "metrics": metrics,
    "language server": language_server,
    "places of files": stored_formats.places,
    "runtime file": stored_formats.runtime_file,
    "tuning file": stored_formats.tuning_file,
    "parked KV file": stored_formats.parked_file,
    "model index": stored_formats.model_index,
}


def _described() -> tuple[dict[str, Any], dict[str, str]]:
    """The API's description, and the name of each of its schemas in the snapshot.

    FastAPI puts the module before the name where two classes share one. The snapshot has the first
    path that uses the schema instead, so that moving a class changes nothing here.
    """
    document = build_app(build_services(FakeEngine(""), []), ServerSection()).openapi()
    schemas = document["components"]["schemas"]
    names = {}
    for name in schemas:
        bare = name.rpartition("__")[2]
        names[name] = bare if bare == name else f"{bare} ({_first_path(document, name)})"
    assert len(set(names.values())) == len(names)
    return document, names


def _first_path(document: dict[str, Any], name: str) -> str:
    schemas = document["components"]["schemas"]
    paths = ((p, o) for p, _, o in sorted(_operations(document), key=lambda each: each[:2]))
    return next(path for path, operation in paths if name in _reached(operation, schemas))


def _reached(node: Any, schemas: dict[str, Any]) -> set[str]:
    found: set[str] = set()
    waiting = [node]
    while waiting:
        written = json.dumps(waiting.pop())
        new = set(re.findall(r'"#/components/schemas/([^"]+)"', written)) - found
        found |= new
        waiting += [schemas[name] for name in new]
    return found


def _operations(document: dict[str, Any]) -> list[tuple[str, str, dict[str, Any]]]:
    paths = document["paths"].items()
    return [(path, method, found) for path, methods in paths for method, found in methods.items()]


def _parameters(name: str, command: Any) -> Iterator[tuple[str, Any]]:
    # Typer keeps a private copy of click, so its classes have no public names: hence Any.
    yield name, "hidden" if command.hidden else "shown"
    for parameter in command.params:
        # Typer adds these two, with what the shell of this machine needs.
        if not {"--install-completion", "--show-completion"} & set(parameter.opts):
            yield f"{name} {_spelt(parameter)}", _described_parameter(parameter)
    for child, one in getattr(command, "commands", {}).items():
        yield from _parameters(f"{name} {child}", one)


def _spelt(parameter: Any) -> str:
    if not parameter.opts[0].startswith("-"):
        return str(parameter.metavar or parameter.name.upper())
    return " ".join([*parameter.opts, *parameter.secondary_opts])


def _described_parameter(parameter: Any) -> dict[str, Any]:
    fact = {"type": _accepted(parameter.type_descriptor.annotation)}
    for key in ("required", "multiple", "is_flag", "hidden", "envvar", "min", "max"):
        if getattr(parameter, key, None) not in (None, False):
            fact[key] = getattr(parameter, key)
    if parameter.nargs != 1:
        fact["nargs"] = parameter.nargs
    if isinstance(parameter.default, str | bool | int | float):
        fact["default"] = parameter.default
    return fact


def _accepted(annotation: Any) -> Any:
    """The type that a value is read as, or the values that are allowed."""
    if isinstance(annotation, type) and issubclass(annotation, Enum):
        return [member.value for member in annotation]
    if isinstance(annotation, type):
        return annotation.__name__.lower()
    return [_accepted(one) if isinstance(one, type) else one for one in get_args(annotation)]


def _meaning(flag: str) -> dict[str, Any]:
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
    given = {"api key": found.api_key, "ignored": found.ignored}
    return fact | {name: value for name, value in given.items() if value}


def _fields(kind: type[BaseModel]) -> Facts:
    schema = inlined(kind.model_json_schema())
    return {key: stripped(value) for key, value in schema["properties"].items()}


async def _metrics_page() -> str:
    app = build_app(build_services(FakeEngine(""), []), ServerSection())
    transport = httpx2.ASGITransport(app=app)
    async with httpx2.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client:
        return (await client.get("/metrics")).raise_for_status().text


def _compact(value: Any) -> str:
    return json.dumps(value, sort_keys=True, ensure_ascii=False, default=str)


if __name__ == "__main__":
    SNAPSHOT.write_text(text(surface()), encoding="utf-8")
