"""`copilotd status`."""

from typing import TYPE_CHECKING, Annotated

import typer

from copilotd.cli.examples import examples

if TYPE_CHECKING:
    from copilotd.types import DaemonStatus, EngineStats

AsJson = Annotated[bool, typer.Option("--json", help="For programs: all figures as JSON.")]


@examples("copilotd status", "copilotd status --json | jq .engine.rss")
def status(as_json: AsJson = False) -> None:
    """Show what runs: model, memory, clients, speed. Exit code 3 if no daemon does."""
    import msgspec

    from copilotd import lifecycle
    from copilotd.cli.connection import Connection
    from copilotd.errors import NotRunning
    from copilotd.paths import Paths

    running = lifecycle.find(Paths.of_user())
    if running is None:
        raise NotRunning("no daemon runs", "copilotd start.")
    with Connection(running) as connection:
        now = connection.status()
    if as_json:
        print(msgspec.json.format(msgspec.json.encode(now)).decode())
    else:
        _show(now)


def _show(now: "DaemonStatus") -> None:
    from rich.text import Text

    from copilotd.cli.terminal import out

    console = out()
    for name, value in _rows(now):
        console.print(Text.assemble((f"{name:<12}", "bold"), value))


def _rows(now: "DaemonStatus") -> list[tuple[str, str]]:
    from copilotd.cli.terminal import duration, size

    completion, engine = now.completion, now.engine
    return [
        ("copilotd", f"{now.version}, pid {now.pid}, up {duration(now.uptime)}"),
        ("engine", ": ".join(filter(None, (now.state.phase, now.state.detail)))),
        ("model", _model(now)),
        ("memory", f"model {size(engine.rss)}, daemon {size(now.rss)}"),
        ("editors", ", ".join(now.clients) or "none connected"),
        ("HTTP", f"{now.url}  (API page: {now.url}/docs)"),
        ("LSP", now.socket),
        ("requests", f"{engine.requests}, {engine.running} running, {engine.waiting} waiting"),
        ("speed", _speed(engine)),
        (
            "ghost text",
            f"{completion.shown} shown of {completion.requests} asked for, "
            f"{completion.cache_hits} from the cache, {completion.accepted} accepted",
        ),
    ]


def _model(now: "DaemonStatus") -> str:
    from copilotd.cli.terminal import size

    if now.model is None:
        return f"{now.alias} (not loaded)"
    name = now.model.name if now.alias == now.model.name else f"{now.model.name} as {now.alias}"
    return f"{name}, {size(now.model.size)}, context {now.model.n_ctx} tokens"


def _speed(engine: "EngineStats") -> str:
    evaluated = engine.prompt_tokens - engine.cached_tokens
    if not engine.decode_ms or not engine.prefill_ms:
        return "nothing measured yet"
    reused = engine.cached_tokens / engine.prompt_tokens if engine.prompt_tokens else 0.0
    return (
        f"prompt {1000 * evaluated / engine.prefill_ms:.0f} tokens/s, "
        f"answer {1000 * engine.completion_tokens / engine.decode_ms:.0f} tokens/s, "
        f"{reused:.0%} of the prompt tokens from the KV cache"
    )
