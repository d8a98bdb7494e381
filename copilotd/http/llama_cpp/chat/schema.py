"""The request of /chat/completions."""

from typing import Any

from pydantic import BaseModel, ConfigDict, model_validator
from pydantic_core import PydanticCustomError

from copilotd.http.shared.chat_completions.schema import ChatBody


class LlamaChatBody(ChatBody):
    """OpenAI's request with the fields that llama.cpp's server adds.

    If the last message is the assistant's, the answer continues it.
    """

    verbose: bool = False
    """Add the prompt to the response, under `__verbose`."""

    add_generation_prompt: bool | None = None
    """false: the answer continues the assistant's last message. That is also the default."""
    continue_final_message: bool = False
    """true means the same as `add_generation_prompt` false."""

    @model_validator(mode="after")
    def _check_not_both_flags(self) -> "LlamaChatBody":
        if self.add_generation_prompt and self.continue_final_message:
            raise PydanticCustomError(
                "messages", "add_generation_prompt and continue_final_message exclude each other"
            )
        return self

    @model_validator(mode="after")
    def _check_one_last_answer(self) -> "LlamaChatBody":
        if [message.role for message in self.messages[-2:]] == ["assistant", "assistant"]:
            raise PydanticCustomError("messages", "the last two messages are both the assistant's")
        return self


class Counted(BaseModel):
    """The tokens of a conversation."""

    model_config = ConfigDict(use_attribute_docstrings=True)

    input_tokens: int
    """The length of the whole prompt."""


TimedResponse = dict[str, Any]
"""A response or chunk in OpenAI's format, with `timings`."""
