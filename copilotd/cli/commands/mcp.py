"""`copilotd mcp`: the command that other agents run as their MCP server."""

from collections.abc import Coroutine
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from copilotd.cli.help_examples import examples

if TYPE_CHECKING:
    from copilotd.completion.types import Outcome
    from copilotd.config import ToolsSection
    from copilotd.paths import Paths

Folder = Annotated[
    Path,
    typer.Option(
        "--workspace",
        metavar="FOLDER",
        exists=True,
        file_okay=False,
        help="The folder to offer; nothing outside it is read.",
    ),
]


@examples(
    "copilotd mcp --workspace ~/src/app",
    "claude mcp add copilotd -- copilotd mcp --workspace ~/src/app",
    'VS Code, .vscode/mcp.json: {"servers": {"copilotd": {"command": "copilotd",',
    '  "args": \\["mcp", "--workspace", "${workspaceFolder}"]}}}',
)
def mcp(workspace: Folder = Path()) -> None:
    r"""Speak MCP on standard input and output, so that other agents can use a workspace.

    They can search it, list it, read its files, find definitions, and ask the running daemon for a
    completion at a cursor. They change nothing, and do not see files with secrets. Tools that
    tools.permissions denies are not offered. Where it says "ask" the answer is no, because there is
    nobody to ask.

    Needs an extra: pip install 'copilotd\[mcp]'.
    """
    import asyncio
    import os
    import signal
    import sys

    from copilotd.config import load
    from copilotd.errors import ConfigError
    from copilotd.paths import Paths

    paths = Paths.of_user()
    settings = load(paths.user_settings).tools
    if not settings.enabled:
        raise ConfigError("tools are switched off", "copilotd config set tools.enabled true")
    serving = _serve(workspace, settings, paths)
    if sys.stdin.isatty():
        print("copilotd mcp: this command is for agents; Ctrl-D ends it.", file=sys.stderr)
    # Python's own handler would wait for the thread that reads standard input.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    asyncio.run(serving)
    sys.stdout.flush()
    # A thread may still be waiting for an answer from the daemon that is no longer needed.
    os._exit(0)


def _serve(
    workspace: Path, settings: "ToolsSection", paths: "Paths"
) -> Coroutine[None, None, None]:
    """Raises: MissingPackage."""
    from anyio import to_thread

    from copilotd.errors import MissingPackage
    from copilotd.mcp.read_only_editor import ReadOnlyEditor
    from copilotd.mcp.tools import build_tools
    from copilotd.secret_files import SecretFiles
    from copilotd.tools.audit import AuditLog
    from copilotd.tools.runner import ToolRunner
    from copilotd.tools.workspace import Workspace

    try:
        from copilotd.mcp.server import serve
    except ModuleNotFoundError as error:
        raise MissingPackage.for_extra("mcp", error) from None

    async def completer(path: Path, text: str, offset: int) -> "Outcome":
        # A cancelled call abandons the thread: the HTTP request cannot be cancelled from here.
        ask = partial(_request_completion, paths, path, text, offset)
        return await to_thread.run_sync(ask, abandon_on_cancel=True)

    secret_files = SecretFiles(tuple(settings.secret_files))
    editor = ReadOnlyEditor(Workspace((workspace.resolve(),), secret_files))
    tools = build_tools(completer)
    return serve(ToolRunner(lambda: tools, settings, AuditLog(paths.audit)), editor)


def _request_completion(paths: "Paths", path: Path, text: str, offset: int) -> "Outcome":
    from copilotd import lifecycle
    from copilotd.cli.daemon_client import DaemonClient
    from copilotd.errors import NotRunning

    running = lifecycle.find_running(paths)
    if running is None:
        raise NotRunning("no daemon runs, so there is no model", "copilotd start")
    with DaemonClient(running) as connection:
        return connection.complete(path, text, offset)
