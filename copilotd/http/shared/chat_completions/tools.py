"""The fields of function calling, and their conversion for a chat."""

from typing import Annotated, Any, Literal

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationInfo,
    field_validator,
)
from pydantic_core import PydanticCustomError

from copilotd.chat.tool_calls.messages import repair_arguments
from copilotd.chat.tool_calls.types import ToolChoice, ToolDefinition, ToolSet
from copilotd.prompt import messages

_MAX_TOOLS = 128
"""OpenAI's own limit."""

Name = Annotated[str, StringConstraints(pattern=r"^[a-zA-Z0-9_.:/-]{1,128}$")]


class Function(BaseModel):
    """A function that the model may call."""

    model_config = ConfigDict(frozen=True, use_attribute_docstrings=True)

    name: Name
    """Its name."""
    description: str | None = None
    """What the function does; the model decides by it."""
    parameters: dict[str, Any] | None = None
    """The JSON schema of its arguments; without it the function has none."""
    strict: bool | None = None
    """Ignored: arguments always conform to the schema, as far as a grammar can express it."""


class ToolEntry(BaseModel):
    """A tool of the request."""

    type: Literal["function"]
    function: Function


class Named(BaseModel):
    """A function by its name."""

    name: str


class NamedChoice(BaseModel):
    """The one function that the model must call."""

    type: Literal["function"] = "function"
    function: Named


class CalledFunction(BaseModel):
    """The called function and its arguments."""

    model_config = ConfigDict(frozen=True, use_attribute_docstrings=True)

    name: str
    arguments: str | dict[str, Any] = "{}"
    """A JSON object as text; copilotd repairs broken JSON, which models often write."""


class ToolCall(BaseModel):
    """A call that the model made."""

    id: str
    type: Literal["function"] = "function"
    function: CalledFunction


class ToolFields(BaseModel):
    """The fields of a request that are about function calling."""

    model_config = ConfigDict(frozen=True, use_attribute_docstrings=True)

    tools: Annotated[list[ToolEntry], Field(max_length=_MAX_TOOLS)] | None = None
    """The functions that the model may call."""
    tool_choice: Literal["none", "auto", "required"] | NamedChoice | None = None
    """none: no call; auto: the model decides; required: it must call; or the function to call."""
    parallel_tool_calls: bool = True
    """Whether an answer may contain several calls."""

    @field_validator("tool_choice")
    @classmethod
    def _check_choice(
        cls, choice: "str | NamedChoice | None", info: ValidationInfo
    ) -> "str | NamedChoice | None":
        names = {tool.function.name for tool in info.data.get("tools") or []}
        if isinstance(choice, NamedChoice) and choice.function.name not in names:
            raise PydanticCustomError(
                "tool_choice", "no tool is called {name}", {"name": choice.function.name}
            )
        if choice == "required" and not names:
            raise PydanticCustomError("tool_choice", "required needs tools")
        return choice


def parse_tools(fields: ToolFields) -> ToolSet:
    """The tools of a chat request."""
    tools = tuple(_parse_tool(entry.function) for entry in fields.tools or [])
    choice = fields.tool_choice
    if isinstance(choice, NamedChoice):
        only = tuple(tool for tool in tools if tool.name == choice.function.name)
        return ToolSet(only, ToolChoice.REQUIRED, parallel=False)
    return ToolSet(tools, ToolChoice(choice or "auto"), fields.parallel_tool_calls)


def parse_calls(entries: list[ToolCall] | None) -> tuple[messages.ToolCall, ...]:
    """The calls of an earlier answer."""
    return tuple(
        messages.ToolCall(entry.id, entry.function.name, repair_arguments(entry.function.arguments))
        for entry in entries or []
    )


def write_call(call: messages.ToolCall) -> ToolCall:
    """The call in OpenAI's format."""
    function = CalledFunction(name=call.name, arguments=call.arguments)
    return ToolCall(id=call.id, type="function", function=function)


def _parse_tool(function: Function) -> ToolDefinition:
    return ToolDefinition(function.name, function.description or "", function.parameters or {})
