"""The request of /chat/completions."""

from typing import Any

from pydantic import BaseModel, ConfigDict, model_validator
from pydantic_core import PydanticCustomError

from copilotd.http.openai.chat.schema import ChatBody


class LlamaChatBody(ChatBody):
    """OpenAI's, and what llama.cpp's server takes besides.

    Where the last message is the assistant's, the answer goes on from it.
    """

    verbose: bool = False
    """Add the prompt to the answer, under `__verbose`."""

    add_generation_prompt: bool | None = None
    """false has the answer go on from the assistant's last message, which it does anyway."""
    continue_final_message: bool = False
    """The same the other way round."""

    @model_validator(mode="after")
    def _continues_or_begins(self) -> "LlamaChatBody":
        if self.add_generation_prompt and self.continue_final_message:
            raise PydanticCustomError(
                "messages", "add_generation_prompt and continue_final_message exclude each other"
            )
        return self

    @model_validator(mode="after")
    def _has_one_beginning(self) -> "LlamaChatBody":
        if [message.role for message in self.messages[-2:]] == ["assistant", "assistant"]:
            raise PydanticCustomError("messages", "two of the assistant's end the list")
        return self


class Counted(BaseModel):
    """The tokens of a conversation."""

    model_config = ConfigDict(use_attribute_docstrings=True)

    input_tokens: int
    """Of the whole prompt."""


Answer = dict[str, Any]
"""An answer of OpenAI's, with `timings`."""
