"""The fields of function calling, and what they mean."""

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

from copilotd.chat.tool_calls.messages import mended
from copilotd.chat.tool_calls.types import Called, Choice, Tool, Toolbox

_MOST = 128
"""OpenAI's own limit."""

Name = Annotated[str, StringConstraints(pattern=r"^[a-zA-Z0-9_.:/-]{1,128}$")]


class Function(BaseModel):
    """A function that the model may call."""

    model_config = ConfigDict(frozen=True, use_attribute_docstrings=True)

    name: Name
    """Its name."""
    description: str | None = None
    """What it does; the model decides by it."""
    parameters: dict[str, Any] | None = None
    """The JSON schema of its arguments; without it there are none."""
    strict: bool | None = None
    """Arguments always keep to the schema, as far as a grammar can say it."""


class ToolEntry(BaseModel):
    """A tool of the request."""

    type: Literal["function"]
    function: Function


class Named(BaseModel):
    """A function by its name."""

    name: str


class NamedChoice(BaseModel):
    """The one function that is to be called."""

    type: Literal["function"] = "function"
    function: Named


class CalledFunction(BaseModel):
    """What was called, with what."""

    model_config = ConfigDict(frozen=True, use_attribute_docstrings=True)

    name: str
    arguments: str | dict[str, Any] = "{}"
    """A JSON object as text; broken text is mended, as models are wont to break it."""


class ToolCall(BaseModel):
    """A call that the model made."""

    id: str
    type: Literal["function"] = "function"
    function: CalledFunction


class ToolFields(BaseModel):
    """What of a request is about function calling."""

    model_config = ConfigDict(frozen=True, use_attribute_docstrings=True)

    tools: Annotated[list[ToolEntry], Field(max_length=_MOST)] | None = None
    """What the model may call."""
    tool_choice: Literal["none", "auto", "required"] | NamedChoice | None = None
    """none: it only answers; auto: it decides; required: it calls; or the function to call."""
    parallel_tool_calls: bool = True
    """Whether an answer may hold several calls."""

    @field_validator("tool_choice")
    @classmethod
    def _is_there(
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


def toolbox(fields: ToolFields) -> Toolbox:
    """The tools as the chat knows them."""
    tools = tuple(_tool(entry.function) for entry in fields.tools or [])
    choice = fields.tool_choice
    if isinstance(choice, NamedChoice):
        only = tuple(tool for tool in tools if tool.name == choice.function.name)
        return Toolbox(only, Choice.REQUIRED, parallel=False)
    return Toolbox(tools, Choice(choice or "auto"), fields.parallel_tool_calls)


def calls(entries: list[ToolCall] | None) -> tuple[Called, ...]:
    """Earlier calls."""
    return tuple(
        Called(entry.id, entry.function.name, mended(entry.function.arguments))
        for entry in entries or []
    )


def entry(called: Called) -> ToolCall:
    """A call in OpenAI's form."""
    function = CalledFunction(name=called.name, arguments=called.arguments)
    return ToolCall(id=called.id, type="function", function=function)


def _tool(function: Function) -> Tool:
    return Tool(function.name, function.description or "", function.parameters or {})
