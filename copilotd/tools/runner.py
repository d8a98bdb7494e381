"""Runs one tool call of the model: parse, ask for permission, perform, truncate, record."""

import asyncio
import json
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from copilotd.config import Permission, ToolsSection
from copilotd.prompt.messages import ToolCall
from copilotd.tools.audit import AuditLog
from copilotd.tools.change import FileChange
from copilotd.tools.editor import ApprovalRequest, Decision, Editor
from copilotd.tools.errors import CallRefused, ToolFailed
from copilotd.tools.permission import PermissionRules
from copilotd.tools.tool import Action, Tool

log = logging.getLogger(__name__)

T = TypeVar("T")

_DENIED = "The user does not allow this. Do not try it again; continue without it."


@dataclass(frozen=True, slots=True)
class CallResult:
    """The result of a call: `text` for the model, and for the user a `title` that says what ran.

    `decision` is allow, once, session or deny; it is empty if the call could not be parsed.
    `change` is the change that was made to a file.
    """

    text: str
    title: str = ""
    is_failure: bool = False
    decision: str = ""
    change: FileChange | None = None


async def _return_at_once() -> None:
    pass


class ToolRunner:
    """Runs the calls of one session and remembers the permissions that the user gives in it.

    `list_tools` gives the current tools. `wait_until_ready` waits for servers that offer tools.
    """

    def __init__(
        self,
        list_tools: Callable[[], Sequence[Tool]],
        settings: ToolsSection,
        audit: AuditLog,
        wait_until_ready: Callable[[], Awaitable[None]] = _return_at_once,
    ) -> None:
        self.wait_until_ready = wait_until_ready
        self._list_tools = list_tools
        self._settings = settings
        self._rules = PermissionRules(settings)
        self._audit = audit
        self._granted: set[tuple[str, str]] = set()

    def list_allowed_tools(self, editor: Editor) -> tuple[Tool, ...]:
        """The tools that the model may call in this workspace."""
        folders = editor.workspace.folders
        return tuple(
            tool
            for tool in self._list_tools()
            if self._rules.for_tool(tool, folders) is not Permission.DENY
        )

    async def run(self, call: ToolCall, editor: Editor) -> CallResult:
        """Run a call of the model. Every failure becomes a result for the model."""
        parsed: dict[str, Any] = {}
        result = CallResult("It was stopped.", is_failure=True)
        try:
            parsed = _parse_json(call.arguments)
            tool = self._find_tool(call.name, editor)
            result = await self._perform(call.id, tool, parsed, editor)
        except ToolFailed as failure:
            result = CallResult(str(failure), is_failure=True)
        except Exception as error:
            # A fault barrier: a tool may be anybody's code.
            log.exception("the tool %s failed", call.name)
            result = CallResult(f"The tool failed: {type(error).__name__}.", is_failure=True)
        finally:
            outcome = f"failed: {result.text[:200]}" if result.is_failure else "done"
            workspace = ", ".join(map(str, editor.workspace.folders))
            self._audit.record(call.name, parsed, result.decision or "none", outcome, workspace)
        return result

    def _find_tool(self, name: str, editor: Editor) -> Tool:
        tools = {tool.name: tool for tool in self.list_allowed_tools(editor)}
        if name not in tools:
            raise CallRefused(f"There is no tool {name}. There are: {', '.join(tools)}.")
        return tools[name]

    async def _perform(
        self, id: str, tool: Tool, arguments: Mapping[str, Any], editor: Editor
    ) -> CallResult:
        action = await self._with_time_limit(tool.prepare(editor, arguments))
        decision = await self._decide(id, tool, action, editor)
        if decision == Decision.DENY:
            return CallResult(_DENIED, action.title, True, decision)
        try:
            text = await self._with_time_limit(action.perform())
        except ToolFailed as failure:
            return CallResult(self._truncate(str(failure)), action.title, True, decision)
        return CallResult(self._truncate(text), action.title, False, decision, action.change)

    async def _decide(self, id: str, tool: Tool, action: Action, editor: Editor) -> str:
        permission = self._rules.for_action(tool, action, editor.workspace.folders)
        grant = (tool.name, action.kind)
        if permission is Permission.DENY:
            return Decision.DENY
        if permission is Permission.ALLOW:
            return "allow"
        if grant in self._granted and not action.always_asks:
            return Decision.SESSION
        decision = await editor.request_approval(_build_request(id, tool, action, editor))
        if decision is Decision.SESSION:
            self._granted.add(grant)
        return decision

    async def _with_time_limit(self, work: Awaitable[T]) -> T:
        limit = self._settings.timeout_s
        try:
            async with asyncio.timeout(limit):
                return await work
        except TimeoutError as error:
            raise ToolFailed(f"It took longer than {limit:g} s and was stopped.") from error

    def _truncate(self, text: str) -> str:
        limit = self._settings.output_limit
        if len(text) <= limit:
            return text
        return f"{text[:limit]}\n[{len(text) - limit} characters more; request less at once]"


def _parse_json(arguments: str) -> dict[str, Any]:
    try:
        parsed = json.loads(arguments or "{}")
    except ValueError as error:
        raise ToolFailed(f"The arguments are not valid JSON: {error}.") from error
    if not isinstance(parsed, dict):
        raise ToolFailed("The arguments must be a JSON object.")
    return parsed


def _build_request(id: str, tool: Tool, action: Action, editor: Editor) -> ApprovalRequest:
    change = action.change
    diff = change.render_diff(editor.workspace.display_path(change.path)) if change else ""
    return ApprovalRequest(id, tool.name, action.title, diff, action.command)
