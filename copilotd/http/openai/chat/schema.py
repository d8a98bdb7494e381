"""The request and the answer of /v1/chat/completions."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationInfo, field_validator
from pydantic_core import PydanticCustomError

from copilotd.http.fields import Unsupported
from copilotd.http.openai.schema import GenerationBody, Usage
from copilotd.types import FinishReason


class TextPart(BaseModel):
    """A part of a message's content."""

    type: Literal["text"]
    text: str


def _joined(content: Any) -> Any:
    """Text parts as one string; anything else as it is."""
    if not isinstance(content, list):
        return content
    return "".join(_part_text(part) for part in content)


def _part_text(part: Any) -> str:
    kind = part.get("type") if isinstance(part, dict) else None
    if kind != "text":
        raise PydanticCustomError(
            "content_part", "takes text parts only, not {kind}", {"kind": kind}
        )
    text = part.get("text")
    if not isinstance(text, str):
        raise PydanticCustomError("content_part", "has a text part without text")
    return text


class ChatMessage(BaseModel):
    """One turn of the conversation."""

    model_config = ConfigDict(frozen=True, use_attribute_docstrings=True)

    role: Literal["system", "developer", "user", "assistant"]
    """Who speaks; developer is another word for system."""
    content: Annotated[str, BeforeValidator(_joined, json_schema_input_type=str | list[TextPart])]
    """What is said: text, or a list of text parts."""
    tool_calls: Unsupported = None
    """Not supported yet."""


class ChatBody(GenerationBody):
    """The conversation, and how to answer it."""

    messages: Annotated[list[ChatMessage], Field(min_length=1)]
    """The conversation so far. Without a system message, copilotd's own is put before it."""
    max_completion_tokens: Annotated[int, Field(ge=1)] | None = None
    """Tokens to generate at most; the default is chat.max_tokens of the settings."""
    max_tokens: Annotated[int, Field(ge=-1)] | None = None
    """The older name of the same; 0 and -1 mean the default."""
    logprobs: bool | None = None
    """Report each token's log probability."""
    top_logprobs: Annotated[int, Field(ge=0, le=20)] | None = None
    """Report those of this many alternatives too; needs `logprobs`."""
    tools: Unsupported = None
    """Not supported yet; an empty list is accepted."""
    tool_choice: Unsupported = None
    """Not supported yet; none and auto are accepted."""
    functions: Unsupported = None
    """Not supported yet."""
    function_call: Unsupported = None
    """Not supported yet."""
    audio: Unsupported = None
    """Not supported."""

    @field_validator("top_logprobs")
    @classmethod
    def _needs_logprobs(cls, top: int | None, info: ValidationInfo) -> int | None:
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
    """One entry per token; natural logarithms."""

    content: list[ChatTokenLogprob]


class AnswerMessage(BaseModel):
    """The answer."""

    role: Literal["assistant"]
    content: str


class ChatChoice(BaseModel):
    """One answer."""

    index: int
    message: AnswerMessage
    logprobs: ChatLogprobs | None
    finish_reason: FinishReason


class ChatCompletion(BaseModel):
    """The whole answer."""

    id: str
    object: Literal["chat.completion"]
    created: int
    model: str
    choices: list[ChatChoice]
    usage: Usage


class Delta(BaseModel):
    """What a chunk adds to the message."""

    role: Literal["assistant"] = "assistant"
    content: str = ""


class ChunkChoice(BaseModel):
    """A piece of one answer."""

    index: int
    delta: Delta
    logprobs: ChatLogprobs | None
    finish_reason: FinishReason | None


class ChatChunk(BaseModel):
    """A piece of the answer."""

    id: str
    object: Literal["chat.completion.chunk"]
    created: int
    model: str
    choices: list[ChunkChoice]
    usage: Usage | None = None


EXAMPLES: dict[str, Any] = {
    "question": {
        "summary": "Ask a question",
        "value": {
            "messages": [
                {"role": "system", "content": "You are a helpful assistant."},
                {"role": "user", "content": "What is the capital of France?"},
            ]
        },
    },
    "stream": {
        "summary": "Explain code, as a stream",
        "value": {
            "messages": [
                {"role": "user", "content": "What does `sorted(words, key=len)[-1]` give?"}
            ],
            "max_completion_tokens": 120,
            "temperature": 0,
            "stream": True,
        },
    },
    "log probabilities": {
        "summary": "See how sure the model is",
        "value": {
            "messages": [{"role": "user", "content": "Is 91 a prime number? Answer yes or no."}],
            "max_completion_tokens": 2,
            "logprobs": True,
            "top_logprobs": 3,
        },
    },
}
