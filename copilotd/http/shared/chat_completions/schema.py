"""The request and the response of chat completions."""

from typing import Annotated, Any, Literal

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    PlainValidator,
    ValidationInfo,
    field_validator,
    model_validator,
)
from pydantic_core import PydanticCustomError

from copilotd.engine.types import FinishReason
from copilotd.http.shared.chat_completions.response_format import ResponseFormat
from copilotd.http.shared.chat_completions.tools import ToolCall, ToolFields
from copilotd.http.shared.fields import MessageContent, Unsupported, parse_content
from copilotd.http.shared.generation import GenerationBody
from copilotd.http.shared.usage import Usage


class TextPart(BaseModel):
    """A part of a message's content."""

    type: Literal["text"]
    text: str


class ImageAddress(BaseModel):
    """Where an image is."""

    url: str
    """A data: URL that holds it in base64; http(s) only if chat.fetch_images is on."""


class ImagePart(BaseModel):
    """An image in a message's content."""

    type: Literal["image_url"]
    image_url: ImageAddress


def _parse_content(content: Any) -> MessageContent:
    return parse_content(content, "image_url")


class ChatMessage(BaseModel):
    """One turn of the conversation."""

    model_config = ConfigDict(frozen=True, use_attribute_docstrings=True)

    role: Literal["system", "developer", "user", "assistant", "tool"]
    """Who speaks; developer means the same as system, and tool gives the result of a call."""
    content: Annotated[
        MessageContent,
        PlainValidator(
            _parse_content, json_schema_input_type=str | list[TextPart | ImagePart] | None
        ),
    ] = MessageContent("")
    """Text, or a list of text parts and, from a user, image parts; may be left out beside
    `tool_calls`."""
    tool_calls: list[ToolCall] | None = None
    """The calls that the assistant made."""
    tool_call_id: str | None = None
    """The id of the call whose result this is."""
    name: str | None = None
    """The name of the function whose result this is."""

    @model_validator(mode="after")
    def _check_content(self) -> "ChatMessage":
        if "content" not in self.model_fields_set and not self.tool_calls:
            raise PydanticCustomError("content", "a message needs content, or tool calls")
        if self.content.images and self.role != "user":
            raise PydanticCustomError("content", "images belong in messages of the user")
        return self


class ChatBody(GenerationBody, ToolFields):
    """The conversation, and how to answer it."""

    messages: Annotated[list[ChatMessage], Field(min_length=1)]
    """The conversation so far. copilotd adds its own system message if there is none."""
    max_completion_tokens: Annotated[int, Field(ge=1)] | None = None
    """Tokens to generate at most; the default is chat.max_tokens of the settings."""
    max_tokens: Annotated[int, Field(ge=-1)] | None = None
    """The older name of `max_completion_tokens`; 0 and -1 mean the default."""
    logprobs: bool | None = None
    """Report each token's log probability."""
    top_logprobs: Annotated[int, Field(ge=0, le=20)] | None = None
    """Report the log probabilities of this many alternatives too; needs `logprobs`."""
    response_format: ResponseFormat | None = None
    """Any text, a JSON object, or JSON that conforms to a schema."""
    functions: Unsupported = None
    """OpenAI's older way of function calling is not supported; use `tools`."""
    function_call: Unsupported = None
    """Not supported; use `tool_choice`."""
    audio: Unsupported = None
    """Not supported."""

    @field_validator("top_logprobs")
    @classmethod
    def _check_logprobs(cls, top: int | None, info: ValidationInfo) -> int | None:
        if top is not None and not info.data.get("logprobs"):
            raise PydanticCustomError("top_logprobs", "needs logprobs to be true")
        return top


class ChatCandidate(BaseModel):
    """A token that could have stood here."""

    token: str
    logprob: float
    bytes: list[int]


class ChatTokenLogprob(ChatCandidate):
    """A token of the answer."""

    top_logprobs: list[ChatCandidate]


class ChatLogprobs(BaseModel):
    """One entry for each token; natural logarithms."""

    content: list[ChatTokenLogprob]


class AnswerMessage(BaseModel):
    """The answer."""

    role: Literal["assistant"]
    content: str | None
    tool_calls: list[ToolCall] | None = None


class ChatChoice(BaseModel):
    """One answer."""

    index: int
    message: AnswerMessage
    logprobs: ChatLogprobs | None
    finish_reason: FinishReason


class ChatCompletion(BaseModel):
    """The whole response."""

    id: str
    object: Literal["chat.completion"]
    created: int
    model: str
    system_fingerprint: str
    choices: list[ChatChoice]
    usage: Usage


class CallDelta(ToolCall):
    """A whole call: calls are not split into pieces. `index` counts the calls of a choice."""

    index: int


class Delta(BaseModel):
    """What a chunk adds to the message."""

    role: Literal["assistant"] = "assistant"
    content: str = ""
    tool_calls: list[CallDelta] | None = None


class ChunkChoice(BaseModel):
    """A piece of one answer."""

    index: int
    delta: Delta
    logprobs: ChatLogprobs | None
    finish_reason: FinishReason | None


class ChatChunk(BaseModel):
    """A piece of the response."""

    id: str
    object: Literal["chat.completion.chunk"]
    created: int
    model: str
    system_fingerprint: str
    choices: list[ChunkChoice]
    usage: Usage | None = None
