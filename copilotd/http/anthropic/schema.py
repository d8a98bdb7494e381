"""The requests and responses of /v1/messages."""

from typing import Annotated, Any, Literal

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    ValidationInfo,
    field_validator,
    model_validator,
)
from pydantic_core import PydanticCustomError

from copilotd.http.anthropic.blocks import Content, Text, TextBlock, ToolUseBlock
from copilotd.http.shared.chat_completions.tools import Name
from copilotd.http.shared.fields import ModelName, Stops

_FORBIDDEN_BLOCKS = {
    "user": ("tool_use",),
    "assistant": ("tool_result",),
    "system": ("tool_use", "tool_result"),
}
"""The types of blocks that a message of this role cannot have."""


class InputMessage(BaseModel):
    """One turn of the conversation."""

    model_config = ConfigDict(frozen=True, use_attribute_docstrings=True)

    role: Literal["user", "assistant", "system"]
    """Who speaks. If the last message is the assistant's, the model continues its text."""
    content: Content
    """Text, or a list of blocks; thinking blocks are ignored."""

    @field_validator("content")
    @classmethod
    def _check_blocks(cls, content: Content, info: ValidationInfo) -> Content:
        role = info.data.get("role", "")
        forbidden = _FORBIDDEN_BLOCKS.get(role, ())
        kind = next((block.type for block in content if block.type in forbidden), None)
        if kind:
            raise PydanticCustomError(
                "content_block",
                "a message of the {role} cannot have a {kind} block",
                {"role": role, "kind": kind},
            )
        return content


class ClientTool(BaseModel):
    """A tool that the model may call."""

    model_config = ConfigDict(frozen=True, use_attribute_docstrings=True)

    name: Name
    """Its name."""
    description: str | None = None
    """What the tool does; the model decides by it."""
    input_schema: dict[str, Any]
    """The JSON schema of its arguments."""

    @model_validator(mode="before")
    @classmethod
    def _check_is_custom(cls, tool: Any) -> Any:
        kind = tool.get("type") if isinstance(tool, dict) else None
        if kind not in (None, "custom"):
            raise PydanticCustomError(
                "tool",
                "is of type {kind}, which only Anthropic supports; "
                "offer a tool with an input_schema of your own",
                {"kind": kind},
            )
        return tool


class ToolChoice(BaseModel):
    """Whether the model calls a tool."""

    model_config = ConfigDict(frozen=True, use_attribute_docstrings=True)

    type: Literal["auto", "any", "tool", "none"]
    """auto: the model decides; any: it must call; tool: it must call `name`; none: no call."""
    name: str | None = None
    """The tool that the model must call."""
    disable_parallel_tool_use: bool = False
    """Whether an answer contains at most one call."""


class ConversationBody(BaseModel):
    """The conversation. Unknown fields are ignored."""

    model_config = ConfigDict(frozen=True, allow_inf_nan=False, use_attribute_docstrings=True)

    model: ModelName = ""
    """One of GET /v1/models. Any other name selects the chat model."""
    messages: Annotated[list[InputMessage], Field(min_length=1)]
    """The conversation so far."""
    system: Text = ""
    """A system message in place of copilotd's own: text, or a list of text blocks."""
    tools: list[ClientTool] | None = None
    """The tools that the model may call."""
    tool_choice: ToolChoice | None = None
    """Whether the model calls a tool; without it, the model decides."""

    @field_validator("tool_choice")
    @classmethod
    def _check_choice(cls, choice: ToolChoice | None, info: ValidationInfo) -> ToolChoice | None:
        names = {tool.name for tool in info.data.get("tools") or []}
        if choice and choice.type == "tool" and choice.name not in names:
            raise PydanticCustomError(
                "tool_choice", "no tool is called {name}", {"name": choice.name}
            )
        if choice and choice.type == "any" and not names:
            raise PydanticCustomError("tool_choice", "any needs tools")
        return choice


class MessagesBody(ConversationBody):
    """The conversation, and how to answer it."""

    max_tokens: Annotated[int, Field(ge=1)] | None = None
    """Tokens to generate at most; the default is chat.max_tokens of the settings."""
    stop_sequences: Stops = []
    """The answer ends before the first of these texts."""
    stream: bool = False
    """Send the answer as server-sent events while the model generates it."""
    temperature: Annotated[float, Field(ge=0)] | None = None
    """Randomness; 0 always takes the most probable token."""
    top_p: Annotated[float, Field(ge=0, le=1)] | None = None
    """Sample from the most probable tokens that together reach this probability."""
    top_k: Annotated[int, Field(ge=0)] | None = None
    """Sample from this many most probable tokens; 0 means all."""


StopReason = Literal["end_turn", "max_tokens", "stop_sequence", "tool_use"]

AnswerBlock = TextBlock | ToolUseBlock


class MessageUsage(BaseModel):
    """What the request cost, in tokens."""

    model_config = ConfigDict(frozen=True, use_attribute_docstrings=True)

    input_tokens: int
    """Tokens of the prompt that were not in the KV cache."""
    cache_creation_input_tokens: Literal[0] = 0
    """Always 0: writing to the KV cache costs nothing."""
    cache_read_input_tokens: int
    """Tokens of the prompt that were in the KV cache and cost nothing."""
    output_tokens: int


class MessageAnswer(BaseModel):
    """The answer."""

    model_config = ConfigDict(frozen=True, use_attribute_docstrings=True)

    id: str
    type: Literal["message"] = "message"
    role: Literal["assistant"] = "assistant"
    model: str
    """The name of the model in the request."""
    content: list[AnswerBlock] = []
    """Texts and calls, in the order in which the model generates them."""
    stop_reason: StopReason | None = None
    stop_sequence: str | None = None
    """The text of `stop_sequences` that ended the answer."""
    usage: MessageUsage


class TokenCount(BaseModel):
    """The length of a conversation's prompt."""

    input_tokens: int


_QUESTION = {"role": "user", "content": "What is the weather in Paris?"}
_WEATHER = {
    "name": "weather",
    "description": "The weather of a city, now.",
    "input_schema": {
        "type": "object",
        "properties": {"city": {"type": "string"}},
        "required": ["city"],
    },
}
_CALL = {"type": "tool_use", "id": "call_1", "name": "weather", "input": {"city": "Paris"}}
_RESULT = {"type": "tool_result", "tool_use_id": "call_1", "content": "20 °C, sunny"}
_CONVERSATION = {
    "system": "You are a helpful assistant.",
    "messages": [{"role": "user", "content": "What is the capital of France?"}],
}

EXAMPLES: dict[str, Any] = {
    "question": {"summary": "Ask a question", "value": _CONVERSATION | {"max_tokens": 200}},
    "stream": {
        "summary": "Explain code, as a stream",
        "value": {
            "messages": [
                {"role": "user", "content": "What does `sorted(words, key=len)[-1]` give?"}
            ],
            "max_tokens": 120,
            "temperature": 0,
            "stream": True,
        },
    },
    "tools": {
        "summary": "Let the model call a tool",
        "value": {"messages": [_QUESTION], "max_tokens": 200, "tools": [_WEATHER]},
    },
    "result": {
        "summary": "Continue with the result of a call",
        "value": {
            "messages": [
                _QUESTION,
                {"role": "assistant", "content": [_CALL]},
                {"role": "user", "content": [_RESULT]},
            ],
            "max_tokens": 200,
            "tools": [_WEATHER],
        },
    },
}

COUNT_EXAMPLES: dict[str, Any] = {
    "question": {"summary": "A question", "value": _CONVERSATION},
}
