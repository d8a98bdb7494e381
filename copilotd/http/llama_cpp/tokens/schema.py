"""The requests and answers about tokens."""

from typing import Any

from pydantic import BaseModel, ConfigDict

from copilotd.http.llama_cpp.prompts import Prompt
from copilotd.http.openai.chat.schema import ChatMessage
from copilotd.http.openai.chat.tools import ToolFields


class TokenizeBody(BaseModel):
    """A text to take apart."""

    model_config = ConfigDict(frozen=True, use_attribute_docstrings=True)

    content: Prompt = ""
    """A text, or a list of texts and token ids."""
    add_special: bool = False
    """Begin with the token that the model begins all texts with, if it has one."""
    parse_special: bool = True
    """Read control tokens out of the text."""
    with_pieces: bool = False
    """Tell the text of each token."""


class TokenPiece(BaseModel):
    """A token and its text, or its bytes where they are only a part of a character."""

    id: int
    piece: str | list[int]


class Tokenized(BaseModel):
    """The tokens of a text."""

    tokens: list[int] | list[TokenPiece]


class DetokenizeBody(BaseModel):
    """Token ids to put together."""

    tokens: list[int] = []


class Detokenized(BaseModel):
    """Their text, control tokens shown as their names."""

    content: str


class TemplateBody(ToolFields):
    """A conversation to write out."""

    messages: list[ChatMessage]
    """As for a chat. Without a system message, copilotd's own is put before it."""


class Template(BaseModel):
    """The conversation as the model reads it."""

    prompt: str


TEXT: dict[str, Any] = {
    "pieces": {
        "summary": "The tokens and their texts",
        "value": {"content": "def add(a, b):", "add_special": True, "with_pieces": True},
    },
}
TOKENS: dict[str, Any] = {
    "ids": {"summary": "Three tokens", "value": {"tokens": [72, 105, 33]}},
}
CONVERSATION: dict[str, Any] = {
    "question": {
        "summary": "A question",
        "value": {"messages": [{"role": "user", "content": "What is the capital of France?"}]},
    },
}
