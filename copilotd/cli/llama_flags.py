"""Turns llama-server's flags into copilotd's settings."""

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from copilotd.errors import ConfigError

Values = Mapping[str, Mapping[str, Any]]
"""Settings, nested as in the settings file."""

Draft = dict[str, dict[str, Any]]
"""The same type, while the settings are collected."""


@dataclass(frozen=True, slots=True)
class Flags:
    """A parsed command line: its settings, and the flags that have no setting.

    Clients must send `api_key`, unless it is empty.
    """

    settings: Values
    ignored: list[str] = field(default_factory=list)
    api_key: str = field(default="", repr=False)


Meaning = Callable[[str], Iterator[tuple[str, Any]]]
"""Maps a flag's value to settings `section.name` and their values."""


def parse_flags(words: Sequence[str]) -> Flags:
    """Read llama-server's command line.

    Raises:
        ConfigError: a flag has no value, or an invalid one.
    """
    settings: Draft = defaultdict(dict, {table: dict(keys) for table, keys in _BASE.items()})
    ignored: list[str] = []
    rest = list(words)
    while rest:
        flag, equals, value = rest.pop(0).partition("=")
        if equals:
            rest.insert(0, value)
        for name, one in _settings(flag, rest, ignored):
            table, _, key = name.partition(".")
            settings[table][key] = one
    if _SHARED & set(words) and not _UNIFIED & set(words):
        _divide(settings)
    api_key = settings.pop(_ASIDE, {}).get("api_key", "")
    return Flags(settings, ignored, api_key)


def _settings(flag: str, rest: list[str], ignored: list[str]) -> Iterator[tuple[str, Any]]:
    if flag in _TAKING:
        yield from _read(flag, rest, _TAKING[flag])
    elif flag in _SWITCHES:
        yield _SWITCHES[flag]
    else:
        value = _value(rest)
        if flag not in _AS_IT_IS:
            ignored.append(flag if flag in _SECRET else " ".join([flag, *value]))


def _read(flag: str, rest: list[str], meaning: Meaning) -> Iterator[tuple[str, Any]]:
    if not rest:
        raise ConfigError(f"{flag} needs a value", "copilotd compat llama-server --help")
    value = rest.pop(0)
    try:
        yield from meaning(value)
    except ValueError as error:
        raise ConfigError(f"{flag} cannot be {value!r}", "It takes a number.") from error


def _value(rest: list[str]) -> list[str]:
    """The value of a flag, removed from `rest`, if the next word is no flag."""
    is_value = bool(rest) and (not rest[0].startswith("-") or rest[0][1:2].isdigit())
    return [rest.pop(0)] if is_value else []


def _divide(settings: Draft) -> None:
    """llama-server divides its context among its slots; a request gets one share."""
    if n_ctx := settings["model"].get("n_ctx"):
        share = n_ctx // settings["llama_cpp"]["slots"]
        settings["model"]["n_ctx"] = max(_LEAST_CONTEXT, share)


_LEAST_CONTEXT = 256

_SECRET = {"-hft", "--hf-token"}
"""Their values must not be printed."""

_ASIDE = "aside"
"""Used in place of a table name for a flag that is not a setting."""

_SHARED, _UNIFIED = {"-np", "--parallel"}, {"-kvu", "--kv-unified"}
"""With a number of slots, the context is divided among them, unless it is unified."""


def _as_is(name: str, kind: Callable[[str], Any] = str) -> Meaning:
    def meaning(value: str) -> Iterator[tuple[str, Any]]:
        yield name, kind(value)

    return meaning


def _model(value: str) -> Iterator[tuple[str, Any]]:
    yield "model.name", str(Path(value).resolve())


def _mmproj(value: str) -> Iterator[tuple[str, Any]]:
    yield "chat.mmproj", str(Path(value).resolve())


def _draft(value: str) -> Iterator[tuple[str, Any]]:
    yield "model.draft", str(Path(value).resolve())


def _alias(value: str) -> Iterator[tuple[str, Any]]:
    """The first of several files in alphabetical order, as in llama-server."""
    yield "model.alias", min(value.split(","))


def _api_key(value: str) -> Iterator[tuple[str, Any]]:
    """The first of several."""
    if key := value.split(",")[0].strip():
        yield "server.require_token", "on"
        yield f"{_ASIDE}.api_key", key


def _context(value: str) -> Iterator[tuple[str, Any]]:
    if int(value) > 0:
        yield "model.n_ctx", int(value)


def _n_predict(value: str) -> Iterator[tuple[str, Any]]:
    limit = int(value)
    yield "llama_cpp.n_predict", limit
    if limit > 0:
        yield "chat.max_tokens", limit


def _temperature(value: str) -> Iterator[tuple[str, Any]]:
    yield "llama_cpp.temperature", float(value)
    yield "chat.temperature", float(value)


def _threads(value: str) -> Iterator[tuple[str, Any]]:
    yield "model.n_threads", max(0, int(value))


def _layers(value: str) -> Iterator[tuple[str, Any]]:
    yield "model.n_gpu_layers", -1 if value in ("all", "auto") else int(value)


def _idle(value: str) -> Iterator[tuple[str, Any]]:
    yield "engine.idle_minutes", max(0.0, float(value) / 60)


_BASE: Values = {
    "server": {"port": 8080},
    "engine": {"idle_minutes": 0.0},
    "model": {"auto_tune": False, "parked_disk_mb": 0},
    "chat": {"system_prompt": "", "temperature": 0.8},
    "llama_cpp": {"metrics": False, "slots": 4},
}
"""llama-server's defaults that differ from ours."""

_TAKING: Mapping[str, Meaning] = {
    "--host": _as_is("server.host"),
    "--port": _as_is("server.port", int),
    "-m": _model,
    "--model": _model,
    "-mm": _mmproj,
    "--mmproj": _mmproj,
    "-md": _draft,
    "--model-draft": _draft,
    "-a": _alias,
    "--alias": _alias,
    "-c": _context,
    "--ctx-size": _context,
    "-np": _as_is("llama_cpp.slots", int),
    "--parallel": _as_is("llama_cpp.slots", int),
    "-n": _n_predict,
    "--n-predict": _n_predict,
    "--predict": _n_predict,
    "-s": _as_is("llama_cpp.seed", int),
    "--seed": _as_is("llama_cpp.seed", int),
    "--temp": _temperature,
    "--temperature": _temperature,
    "-t": _threads,
    "--threads": _threads,
    "-ngl": _layers,
    "--gpu-layers": _layers,
    "--n-gpu-layers": _layers,
    "-fa": _as_is("model.flash_attention"),
    "--flash-attn": _as_is("model.flash_attention"),
    "-ctk": _as_is("model.kv_type"),
    "--cache-type-k": _as_is("model.kv_type"),
    "--sleep-idle-seconds": _idle,
    "--api-key": _api_key,
}

_SWITCHES: Mapping[str, tuple[str, Any]] = {
    "--slots": ("llama_cpp.show_slots", True),
    "--no-slots": ("llama_cpp.show_slots", False),
    "--metrics": ("llama_cpp.metrics", True),
    "-v": ("log.level", "DEBUG"),
    "--verbose": ("log.level", "DEBUG"),
}

_AS_IT_IS = frozenset(
    {
        "-b",
        "-cb",
        "-kvu",
        "-ub",
        "--batch-size",
        "--cont-batching",
        "--embedding",
        "--embeddings",
        "--jinja",
        "--kv-unified",
        "--no-context-shift",
        "--no-ui",
        "--no-webui",
        "--offline",
        "--swa-full",
        "--ubatch-size",
    }
)
"""Flags that are always on here, or that do not change the result."""
