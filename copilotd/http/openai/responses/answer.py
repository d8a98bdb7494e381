"""The answer of /v1/responses."""

import time
from typing import Any, Literal
from uuid import uuid4

from pydantic import BaseModel, ConfigDict, Field

from copilotd.http.openai.responses.schema import FunctionChoice, FunctionTool, TextSettings

ItemStatus = Literal["in_progress", "completed", "incomplete"]


def _named(prefix: str) -> Any:
    """A field for an id that differs each time."""
    return Field(default_factory=lambda: f"{prefix}_{uuid4().hex}")


class OutputText(BaseModel):
    """Text of the answer."""

    model_config = ConfigDict(frozen=True)

    type: Literal["output_text"] = "output_text"
    text: str
    annotations: list[Any] = []
    logprobs: list[Any] = []


class OutputMessage(BaseModel):
    """What the model says."""

    model_config = ConfigDict(frozen=True)

    id: str = _named("msg")
    type: Literal["message"] = "message"
    status: ItemStatus
    role: Literal["assistant"] = "assistant"
    content: list[OutputText] = []


class OutputCall(BaseModel):
    """A call that the model makes; `call_id` is what its result has to name."""

    model_config = ConfigDict(frozen=True)

    id: str = _named("fc")
    type: Literal["function_call"] = "function_call"
    status: ItemStatus
    call_id: str
    name: str
    arguments: str


OutputItem = OutputMessage | OutputCall


class InputTokensDetails(BaseModel):
    """What became of the prompt."""

    model_config = ConfigDict(use_attribute_docstrings=True)

    cached_tokens: int
    """Tokens that were in the KV cache already and cost nothing."""
    cache_write_tokens: Literal[0] = 0
    """Nothing is charged for what is kept."""


class OutputTokensDetails(BaseModel):
    """What became of the answer."""

    reasoning_tokens: Literal[0] = 0


class ResponseUsage(BaseModel):
    """What the request cost, in tokens."""

    input_tokens: int
    input_tokens_details: InputTokensDetails
    output_tokens: int
    output_tokens_details: OutputTokensDetails = OutputTokensDetails()
    total_tokens: int


class ResponseFailure(BaseModel):
    """Why there is no answer, or only a part of it."""

    code: str
    message: str


class IncompleteDetails(BaseModel):
    """Why the answer ends before its end."""

    reason: Literal["max_output_tokens"] = "max_output_tokens"


class ResponseObject(BaseModel):
    """The answer, and the request's settings as they were understood."""

    model_config = ConfigDict(frozen=True, use_attribute_docstrings=True)

    id: str = _named("resp")
    object: Literal["response"] = "response"
    created_at: int = Field(default_factory=lambda: int(time.time()))
    """Seconds since 1970."""
    status: ItemStatus | Literal["failed"] = "in_progress"
    error: ResponseFailure | None = None
    incomplete_details: IncompleteDetails | None = None
    model: str
    output: list[OutputItem] = []
    """Messages and calls, in the order in which the model made them."""
    usage: ResponseUsage | None = None
    instructions: str | None
    metadata: dict[str, str]
    parallel_tool_calls: bool
    temperature: float
    top_p: float
    max_output_tokens: int | None
    text: TextSettings
    tools: list[FunctionTool]
    """Without those that were ignored."""
    tool_choice: Literal["none", "auto", "required"] | FunctionChoice
    previous_response_id: None = None
    store: Literal[False] = False
