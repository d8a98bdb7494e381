"""The requests and answers about tokens."""

from typing import Any

from pydantic import BaseModel, ConfigDict

from copilotd.http.llama_cpp.prompts import Prompt
from copilotd.http.shared.chat_completions.schema import ChatMessage
from copilotd.http.shared.chat_completions.tools import ToolFields


class TokenizeBody(BaseModel):
    """A text to tokenize."""

    model_config = ConfigDict(frozen=True, use_attribute_docstrings=True)

    content: Prompt = ""
    """A text, or a list of texts and token ids."""
    add_special: bool = False
    """Add the model's BOS token at the start, if it has one."""
    parse_special: bool = True
    """Parse control tokens in the text as tokens."""
    with_pieces: bool = False
    """Report the text of each token."""


class TokenPiece(BaseModel):
    """A token and its text, or its bytes if they are only part of a character."""

    id: int
    piece: str | list[int]


class Tokenized(BaseModel):
    """The tokens of a text."""

    tokens: list[int] | list[TokenPiece]


class DetokenizeBody(BaseModel):
    """Token ids to detokenize."""

    tokens: list[int] = []


class Detokenized(BaseModel):
    """The text of the tokens; control tokens appear as their names."""

    content: str


class TemplateBody(ToolFields):
    """A conversation to render."""

    messages: list[ChatMessage]
    """The messages, as for a chat. copilotd adds its own system message if there is none."""


class Template(BaseModel):
    """The conversation as a prompt."""

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
