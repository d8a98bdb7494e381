"""The request of /v1/responses."""

from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationInfo,
    field_validator,
)
from pydantic_core import PydanticCustomError

from copilotd.http.openai.responses.items import Items
from copilotd.http.shared.chat_completions.response_format import NamedSchema, TextFormat
from copilotd.http.shared.chat_completions.tools import Function
from copilotd.http.shared.fields import Unsupported
from copilotd.http.shared.generation import Body

_MAX_TOOLS = 128
"""OpenAI's own limit."""


class FunctionTool(Function):
    """A function that the model may call."""

    type: Literal["function"] = "function"


def _select_functions(tools: Any) -> Any:
    """Keep only the functions. Invalid values stay, so that validation reports them."""
    if not isinstance(tools, list):
        return [] if tools is None else tools
    return [t for t in tools if not isinstance(t, dict) or t.get("type", "function") == "function"]


Functions = Annotated[
    list[FunctionTool],
    Field(max_length=_MAX_TOOLS),
    BeforeValidator(_select_functions, json_schema_input_type=list[FunctionTool] | None),
]
"""Tools without those that are not functions."""


class FunctionChoice(BaseModel):
    """The one function that the model must call."""

    model_config = ConfigDict(frozen=True)

    type: Literal["function"]
    name: str


class AnyObjectFormat(BaseModel):
    """A JSON object."""

    model_config = ConfigDict(frozen=True)

    type: Literal["json_object"]


class NamedSchemaFormat(NamedSchema):
    """JSON that conforms to a schema."""

    type: Literal["json_schema"]


class TextSettings(BaseModel):
    """The format of the text of an answer."""

    model_config = ConfigDict(frozen=True, use_attribute_docstrings=True)

    format: Annotated[
        TextFormat | AnyObjectFormat | NamedSchemaFormat, Field(discriminator="type")
    ] = TextFormat(type="text")
    """Any text, a JSON object, or JSON that conforms to a schema."""


def _check_is_null(value: Any) -> None:
    if value is not None:
        raise PydanticCustomError(
            "stored", "copilotd stores nothing; send the whole conversation as input"
        )


Stored = Annotated[Any, AfterValidator(_check_is_null)]
"""A field that refers to something that OpenAI would have stored."""


class ResponsesBody(Body):
    """The conversation, and how to answer it.

    Other fields of OpenAI's clients (store, reasoning, include and so on) are ignored.
    """

    input: Items
    """A question, or the conversation so far: messages, calls and their results."""
    instructions: str | None = None
    """A system message before the rest."""
    tools: Functions = Field(default_factory=list)
    """The functions that the model may call; other tools are ignored."""
    tool_choice: Literal["none", "auto", "required"] | FunctionChoice | None = None
    """none: no call; auto: the model decides; required: it must call; or the function to call."""
    parallel_tool_calls: bool | None = None
    """Whether an answer may contain several calls; the default is true."""
    max_output_tokens: Annotated[int, Field(ge=1)] | None = None
    """Tokens to generate at most; the default is chat.max_tokens of the settings."""
    temperature: Annotated[float, Field(ge=0)] | None = None
    """Randomness; 0 always takes the most probable token."""
    top_p: Annotated[float, Field(ge=0, le=1)] | None = None
    """Sample from the most probable tokens that together reach this probability."""
    stream: bool | None = None
    """Send the response as server-sent events while the model generates it."""
    text: TextSettings | None = None
    """The format of the answer."""
    truncation: Literal["auto", "disabled"] | None = None
    """auto: too long a conversation loses its middle; disabled: it is an error."""
    metadata: dict[str, str] | None = None
    """Repeated in the response."""
    previous_response_id: Stored = None
    """Not supported: copilotd stores nothing."""
    conversation: Stored = None
    """Not supported: copilotd stores nothing."""
    prompt: Unsupported = None
    """Not supported; use `instructions` and `input`."""
    background: Unsupported = None
    """Not supported."""

    @field_validator("tool_choice")
    @classmethod
    def _check_choice(cls, choice: Any, info: ValidationInfo) -> Any:
        names = {tool.name for tool in info.data.get("tools", [])}
        if isinstance(choice, FunctionChoice) and choice.name not in names:
            raise PydanticCustomError(
                "tool_choice", "no function is called {name}", {"name": choice.name}
            )
        if choice == "required" and not names:
            raise PydanticCustomError("tool_choice", "required needs a function among the tools")
        return choice


EXAMPLES: dict[str, Any] = {
    "question": {
        "summary": "Ask a question",
        "value": {
            "instructions": "You are a helpful assistant.",
            "input": "What is the capital of France?",
        },
    },
    "stream": {
        "summary": "Explain code, as a stream",
        "value": {
            "input": "What does `sorted(words, key=len)[-1]` give?",
            "max_output_tokens": 120,
            "temperature": 0,
            "stream": True,
        },
    },
    "result": {
        "summary": "Continue with the result of a call",
        "value": {
            "input": [
                {"role": "user", "content": "What is the weather in Paris?"},
                {
                    "type": "function_call",
                    "call_id": "call_1",
                    "name": "weather",
                    "arguments": '{"city": "Paris"}',
                },
                {"type": "function_call_output", "call_id": "call_1", "output": "20 °C, sunny"},
            ],
        },
    },
}
