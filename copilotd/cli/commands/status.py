"""`copilotd status`."""

from typing import TYPE_CHECKING, Annotated

import typer

from copilotd.cli.help_examples import examples

if TYPE_CHECKING:
    from copilotd.engine.types import EngineStats, UpstreamStatus
    from copilotd.serving.status import DaemonStatus, ModelStatus

AsJson = Annotated[bool, typer.Option("--json", help="For programs: all figures as JSON.")]


@examples("copilotd status", "copilotd status --json | jq .engine.rss")
def status(as_json: AsJson = False) -> None:
    """Show the running daemon: model, memory, clients, speed. Exit code 3 if none runs."""
    import msgspec

    from copilotd import lifecycle
    from copilotd.cli.daemon_client import DaemonClient
    from copilotd.errors import NotRunning
    from copilotd.paths import Paths

    running = lifecycle.find_running(Paths.of_user())
    if running is None:
        raise NotRunning("no daemon runs", "copilotd start.")
    with DaemonClient(running) as connection:
        now = connection.status()
    if as_json:
        print(msgspec.json.format(msgspec.json.encode(now)).decode())
    else:
        _show(now)


def _show(now: "DaemonStatus") -> None:
    from rich.text import Text

    from copilotd.cli.views.terminal import out

    console = out()
    for name, value in _rows(now):
        console.print(Text.assemble((f"{name:<12}", "bold"), value))


def _rows(now: "DaemonStatus") -> list[tuple[str, str]]:
    from copilotd.cli.views.terminal import format_duration

    completion, first = now.completion, _model_rows(now)
    return [
        ("copilotd", f"{now.version}, pid {now.pid}, up {format_duration(now.uptime)}"),
        ("engine", _state(first)),
        ("model", _model(first)),
        *(_other_model_rows("chat", now.chat) if now.chat else ()),
        *(_other_model_rows("embedding", now.embedding) if now.embedding else ()),
        *([("upstream", _upstream(now.upstream))] if now.upstream else ()),
        ("memory", _memory(now)),
        ("editors", ", ".join(now.clients) or "none connected"),
        ("HTTP", f"{now.url}  (API page: {now.url}/docs)"),
        ("LSP", now.socket),
        ("requests", _requests(now)),
        ("speed", _describe_speed(now.engine)),
        *([("chat speed", _describe_speed(now.chat.engine))] if now.chat else ()),
        *_stall_row(now),
        *_tuning_row(now),
        (
            "ghost text",
            f"{completion.shown} shown of {completion.requests} requested, "
            f"{completion.cache_hits} from the cache, {completion.accepted} accepted",
        ),
        ("read ahead", f"{completion.read_ahead_tokens:,} tokens of open documents, in pauses"),
    ]


def _stall_row(now: "DaemonStatus") -> list[tuple[str, str]]:
    if not now.stall_ms:
        return []
    waited = f"all clients waited {now.stall_ms:.0f} ms at once in the last hour"
    return [("delays", f"{waited}; `copilotd logs` shows for what")]


def _tuning_row(now: "DaemonStatus") -> list[tuple[str, str]]:
    from copilotd.cli.views.speed import SMALLER_MODEL, describe_speed, is_slow

    if now.tuning is None or now.budget is None:
        return []
    speed = now.tuning.calibration.speed
    rows = [("measured", describe_speed(speed, now.budget))]
    if is_slow(speed):
        rows.append(("", f"slow on {now.tuning.machine}. {SMALLER_MODEL}"))
    return rows


def _model_rows(now: "DaemonStatus") -> "ModelStatus":
    from copilotd.serving.status import ModelStatus

    return ModelStatus(now.alias, now.state, now.model, now.engine)


def _other_model_rows(role: str, model: "ModelStatus") -> list[tuple[str, str]]:
    if role == "embedding":
        return [("embeddings", f"{_model(model)}: {_state(model)}")]
    return [("chat engine", _state(model)), ("chat model", _model(model))]


def _state(model: "ModelStatus") -> str:
    return ": ".join(filter(None, (model.state.phase, model.state.detail)))


def _upstream(server: "UpstreamStatus") -> str:
    text = f"code and conversations are sent to {server.url}"
    return text if server.answers else f"{text}, which does not answer: {server.detail}"


def _model(served: "ModelStatus") -> str:
    from copilotd.cli.views.terminal import format_size

    model, alias = served.model, served.alias
    if model is None:
        return f"{alias} (not loaded)"
    name = model.name if alias == model.name else f"{model.name} as {alias}"
    where = "elsewhere" if model.is_upstream else format_size(model.size)
    return f"{name}, {where}, context {model.n_ctx} tokens"


def _memory(now: "DaemonStatus") -> str:
    from copilotd.cli.views.terminal import format_size

    further = {"chat": now.chat, "embedding": now.embedding}
    others = [f"{role} model {format_size(m.engine.rss)}" for role, m in further.items() if m]
    return ", ".join(
        [f"model {format_size(now.engine.rss)}", *others, f"daemon {format_size(now.rss)}"]
    )


def _requests(now: "DaemonStatus") -> str:
    engines = {"": now.engine} | ({"; chat: ": now.chat.engine} if now.chat else {})
    return "".join(
        f"{whose}{engine.requests}, {engine.running} running, {engine.waiting} waiting"
        for whose, engine in engines.items()
    )


def _describe_speed(engine: "EngineStats") -> str:
    evaluated = engine.prompt_tokens - engine.cached_tokens
    if not engine.decode_ms or not engine.prefill_ms:
        return "nothing measured yet"
    reused = engine.cached_tokens / engine.prompt_tokens if engine.prompt_tokens else 0.0
    return (
        f"prompt {1000 * evaluated / engine.prefill_ms:.0f} tokens/s, "
        f"answer {1000 * engine.completion_tokens / engine.decode_ms:.0f} tokens/s, "
        f"{reused:.0%} of the prompt tokens from the KV cache"
    )
