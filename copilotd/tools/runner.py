"""One call from the model: understood, allowed, done, cut to size, written down."""

import asyncio
import json
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from copilotd.config import Permission, ToolsSection
from copilotd.tools.audit import Audit
from copilotd.tools.change import Change
from copilotd.tools.editor import Answer, Editor, Question
from copilotd.tools.errors import Refused, ToolFailed
from copilotd.tools.permission import Rules
from copilotd.tools.tool import Action, Tool

log = logging.getLogger(__name__)

T = TypeVar("T")

_NO = "The user does not allow this. Do not try it again; go on without it."


@dataclass(frozen=True, slots=True)
class Result:
    """What came of a call: text for the model, what was done in words, and how it ended.

    `decision` is allow, once, session or deny; empty where a call was not understood. `change` is
    what was done to a file.
    """

    text: str
    title: str = ""
    is_failure: bool = False
    decision: str = ""
    change: Change | None = None


async def _at_once() -> None:
    pass


class Runner:
    """Runs the calls of one session, whose permissions it remembers.

    `tools` gives those there are at the moment; `ready` waits for those that have to be reached.
    """

    def __init__(
        self,
        tools: Callable[[], Sequence[Tool]],
        settings: ToolsSection,
        audit: Audit,
        ready: Callable[[], Awaitable[None]] = _at_once,
    ) -> None:
        self.ready = ready
        self._tools = tools
        self._settings = settings
        self._rules = Rules(settings)
        self._audit = audit
        self._granted: set[tuple[str, str]] = set()

    def offered(self, editor: Editor) -> tuple[Tool, ...]:
        """The tools that may be called in this workspace."""
        folders = editor.workspace.folders
        return tuple(t for t in self._tools() if self._rules.of(t, folders) is not Permission.DENY)

    async def run(self, id: str, name: str, arguments: str, editor: Editor) -> Result:
        """Do what a call says; every failure is a result that the model can read."""
        said: dict[str, Any] = {}
        result = Result("It was stopped.", is_failure=True)
        try:
            said = _object(arguments)
            result = await self._done(id, self._named(name, editor), said, editor)
        except ToolFailed as failure:
            result = Result(str(failure), is_failure=True)
        except Exception as error:
            # A fault barrier: a tool may be anybody's program.
            log.exception("the tool %s failed", name)
            result = Result(f"The tool failed: {type(error).__name__}.", is_failure=True)
        finally:
            outcome = f"failed: {result.text[:200]}" if result.is_failure else "done"
            where = ", ".join(map(str, editor.workspace.folders))
            self._audit.record(name, said, result.decision or "none", outcome, where)
        return result

    def _named(self, name: str, editor: Editor) -> Tool:
        offered = {tool.name: tool for tool in self.offered(editor)}
        if name not in offered:
            raise Refused(f"There is no tool {name}. There are: {', '.join(offered)}.")
        return offered[name]

    async def _done(self, id: str, tool: Tool, said: Mapping[str, Any], editor: Editor) -> Result:
        action = await self._in_time(tool.prepare(editor, said))
        decision = await self._decision(id, tool, action, editor)
        if decision == Answer.DENY:
            return Result(_NO, action.title, True, decision)
        try:
            text = await self._in_time(action.perform())
        except ToolFailed as failure:
            return Result(self._cut(str(failure)), action.title, True, decision)
        return Result(self._cut(text), action.title, False, decision, action.change)

    async def _decision(self, id: str, tool: Tool, action: Action, editor: Editor) -> str:
        permission = self._rules.of_action(tool, action, editor.workspace.folders)
        grant = (tool.name, action.kind)
        if permission is Permission.DENY:
            return Answer.DENY
        if permission is Permission.ALLOW:
            return "allow"
        if grant in self._granted and not action.always_asks:
            return Answer.SESSION
        answer = await editor.ask(_question(id, tool, action, editor))
        if answer is Answer.SESSION:
            self._granted.add(grant)
        return answer

    async def _in_time(self, work: Awaitable[T]) -> T:
        limit = self._settings.timeout_s
        try:
            async with asyncio.timeout(limit):
                return await work
        except TimeoutError as error:
            raise ToolFailed(f"It took longer than {limit:g} s and was stopped.") from error

    def _cut(self, text: str) -> str:
        limit = self._settings.output_limit
        if len(text) <= limit:
            return text
        return f"{text[:limit]}\n[{len(text) - limit} characters more; ask for less at once]"


def _object(arguments: str) -> dict[str, Any]:
    try:
        said = json.loads(arguments or "{}")
    except ValueError as error:
        raise ToolFailed(f"The arguments are no JSON: {error}.") from error
    if not isinstance(said, dict):
        raise ToolFailed("The arguments must be a JSON object.")
    return said


def _question(id: str, tool: Tool, action: Action, editor: Editor) -> Question:
    change = action.change
    diff = change.diff(editor.workspace.shown(change.path)) if change else ""
    return Question(id, tool.name, action.title, diff, action.command)
