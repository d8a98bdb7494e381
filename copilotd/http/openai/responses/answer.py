"""The response of /v1/responses."""

import time
from typing import Any, Literal
from uuid import uuid4

from pydantic import BaseModel, ConfigDict, Field

from copilotd.http.openai.responses.schema import FunctionChoice, FunctionTool, TextSettings

ItemStatus = Literal["in_progress", "completed", "incomplete"]


def _new_id(prefix: str) -> Any:
    """A field with a new random id in each object."""
    return Field(default_factory=lambda: f"{prefix}_{uuid4().hex}")


class OutputText(BaseModel):
    """Text of the model."""

    model_config = ConfigDict(frozen=True)

    type: Literal["output_text"] = "output_text"
    text: str
    annotations: list[Any] = []
    logprobs: list[Any] = []


class OutputMessage(BaseModel):
    """A message of the model."""

    model_config = ConfigDict(frozen=True)

    id: str = _new_id("msg")
    type: Literal["message"] = "message"
    status: ItemStatus
    role: Literal["assistant"] = "assistant"
    content: list[OutputText] = []


class OutputCall(BaseModel):
    """A call that the model makes; its result must name `call_id`."""

    model_config = ConfigDict(frozen=True)

    id: str = _new_id("fc")
    type: Literal["function_call"] = "function_call"
    status: ItemStatus
    call_id: str
    name: str
    arguments: str


OutputItem = OutputMessage | OutputCall


class InputTokensDetails(BaseModel):
    """How much of the prompt was cached."""

    model_config = ConfigDict(use_attribute_docstrings=True)

    cached_tokens: int
    """Tokens that were already in the KV cache and cost nothing."""
    cache_write_tokens: Literal[0] = 0
    """Always 0: writing to the KV cache costs nothing."""


class OutputTokensDetails(BaseModel):
    """How the output tokens divide."""

    reasoning_tokens: Literal[0] = 0


class ResponseUsage(BaseModel):
    """The cost of the request, in tokens."""

    input_tokens: int
    input_tokens_details: InputTokensDetails
    output_tokens: int
    output_tokens_details: OutputTokensDetails = OutputTokensDetails()
    total_tokens: int


class ResponseFailure(BaseModel):
    """Why the response failed."""

    code: str
    message: str


class IncompleteDetails(BaseModel):
    """Why the answer is incomplete."""

    reason: Literal["max_output_tokens"] = "max_output_tokens"


class ResponseObject(BaseModel):
    """The response, with the settings of the request as copilotd parsed them."""

    model_config = ConfigDict(frozen=True, use_attribute_docstrings=True)

    id: str = _new_id("resp")
    object: Literal["response"] = "response"
    created_at: int = Field(default_factory=lambda: int(time.time()))
    """Seconds since 1970."""
    status: ItemStatus | Literal["failed"] = "in_progress"
    error: ResponseFailure | None = None
    incomplete_details: IncompleteDetails | None = None
    model: str
    output: list[OutputItem] = []
    """Messages and calls, in the order in which the model generated them."""
    usage: ResponseUsage | None = None
    instructions: str | None
    metadata: dict[str, str]
    parallel_tool_calls: bool
    temperature: float
    top_p: float
    max_output_tokens: int | None
    text: TextSettings
    tools: list[FunctionTool]
    """The tools of the request without the ignored ones."""
    tool_choice: Literal["none", "auto", "required"] | FunctionChoice
    previous_response_id: None = None
    store: Literal[False] = False
