"""Draws ghost text in the terminal, dim, between the lines around it."""

from typing import TYPE_CHECKING

from rich.text import Text

from copilotd.cli.views.terminal import err, out
from copilotd.completion.types import Completion, NotShown, Outcome

if TYPE_CHECKING:
    from copilotd.cli.cursor import Cursor

CONTEXT_LINES = 3
GHOST = "dim italic"


def show_ghost_text(cursor: "Cursor", outcome: Outcome) -> None:
    """Print the lines around the cursor with the ghost text, or why there is none."""
    if isinstance(outcome, NotShown):
        reason = outcome.reason.rstrip(".")
        err().print(f"No ghost text ({outcome.status}): {reason}.", markup=False)
        return
    out().print(draw_ghost_text(cursor.text, outcome.completion))


def draw_ghost_text(text: str, completion: Completion) -> Text:
    """The numbered lines around the cursor; lines of ghost text have a `+`."""
    before = text[: completion.start].replace("\r\n", "\n").split("\n")
    after = text[completion.end :].replace("\r\n", "\n").split("\n")
    ghost = completion.text.replace("\r\n", "\n").split("\n")
    number = len(before)
    width = len(str(number + CONTEXT_LINES))
    lines = [
        _line(f"{number - away:>{width}}", Text(line))
        for away, line in reversed(list(enumerate(reversed(before[-CONTEXT_LINES - 1 : -1]), 1)))
    ]
    drawn = [Text(line, GHOST) for line in ghost]
    drawn[0] = Text(before[-1]) + drawn[0]
    drawn[-1] = drawn[-1] + Text(after[0])
    lines.append(_line(f"{number:>{width}}", drawn[0]))
    lines += [_line("+".rjust(width), line) for line in drawn[1:]]
    lines += [
        _line(f"{number + away:>{width}}", Text(line))
        for away, line in enumerate(after[1 : CONTEXT_LINES + 1], 1)
    ]
    return Text("\n").join(lines)


def show_explanation(outcome: Outcome) -> None:
    """Print the prompt, the model's text, and the text after each filter."""
    why = outcome.explanation
    console = out()
    console.print(f"\noutcome   {outcome.status}: {outcome.reason}", markup=False)
    console.print(f"source    {why.source or 'none'}, mode {why.mode or 'none'}", markup=False)
    console.print(
        f"tokens    {why.prompt_tokens} in the prompt, {why.cached_tokens} from the KV "
        f"cache ({why.read_tokens} read for it), {why.completion_tokens} written"
    )
    console.print(
        f"time      {why.first_token_ms:.0f} ms to the first, {why.total_ms:.0f} ms in total"
    )
    _block("prompt", why.prompt or "(none)")
    _block("model wrote", why.raw or "(nothing)")
    for step in why.filters:
        _block(f"after the filter {step.name}", step.after or "(nothing)")


def _line(margin: str, text: Text) -> Text:
    return Text(f"{margin} │ ", "dim") + text


def _block(title: str, text: str) -> None:
    console = out()
    console.rule(Text(title), align="left", style="dim")
    console.print(text, markup=False)
