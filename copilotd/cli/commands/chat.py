"""`copilotd chat`."""

import sys
from collections.abc import Sequence
from contextlib import closing, suppress
from importlib import import_module
from typing import TYPE_CHECKING, Annotated

import typer

from copilotd.cli.help_examples import examples

if TYPE_CHECKING:
    from copilotd.cli.daemon_client import DaemonClient
    from copilotd.prompt.messages import Message

Question = Annotated[
    str | None,
    typer.Argument(metavar="QUESTION", help="What to ask; without it, a conversation begins."),
]

GREETING = (
    "Ask away. /clear forgets the conversation, /exit or Ctrl-D leaves, Ctrl-C stops an answer."
)


@examples(
    "copilotd chat                                       [dim]# a conversation[/]",
    'copilotd chat "How do I reverse a list in Python?"',
    'git diff | copilotd chat "Write a commit message for this."',
)
def chat(question: Question = None) -> None:
    """Ask the model: one question, or a conversation.

    Piped input is sent with the question. Starts the daemon if none runs.
    """
    from copilotd.cli.views.loading import connect_when_ready
    from copilotd.paths import Paths
    from copilotd.prompt.messages import UserMessage

    piped = "" if sys.stdin.isatty() else sys.stdin.read()
    asked = "\n\n".join(part for part in (question, piped.strip()) if part)
    if not asked and not sys.stdin.isatty():
        raise typer.BadParameter("there is nothing to ask: the question and the input are empty")
    with connect_when_ready(Paths.of_user()) as connection:
        if asked:
            _print_answer(connection, [UserMessage(asked)], [])
        else:
            _converse(connection)


def _converse(connection: "DaemonClient") -> None:
    from copilotd.cli.views.terminal import say

    say(GREETING)
    _edit_lines()
    turns: list[Message] = []
    while (line := _next_line()) != "/exit":
        if line == "/clear":
            turns.clear()
            say("Forgotten.")
        elif line:
            _take_turn(connection, turns, line)


def _edit_lines() -> None:
    # Importing readline gives `input` a history and line editing; Windows has its own.
    with suppress(ImportError):
        import_module("readline")


def _next_line() -> str:
    try:
        return input("\n> ").strip()
    except KeyboardInterrupt:
        print("  (Ctrl-D leaves)")
        return ""
    except EOFError:
        print()
        return "/exit"


def _take_turn(connection: "DaemonClient", turns: "list[Message]", line: str) -> None:
    from copilotd.cli.views.terminal import show_error
    from copilotd.errors import EngineError
    from copilotd.prompt.messages import AssistantMessage, UserMessage

    asked = [*turns, UserMessage(line)]
    written: list[str] = []
    try:
        _print_answer(connection, asked, written)
    except KeyboardInterrupt:
        print("  (stopped)")
    except EngineError as error:
        show_error(error)
    if written:
        turns[:] = [*asked, AssistantMessage("".join(written))]


def _print_answer(
    connection: "DaemonClient", turns: "Sequence[Message]", written: list[str]
) -> None:
    """Print the answer as it comes; `written` collects its pieces, even if it is interrupted."""
    with closing(connection.answer(turns)) as pieces:
        for text in pieces:
            written.append(text)
            print(text, end="", flush=True)
    print()
