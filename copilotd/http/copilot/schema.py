"""The request and the response of Copilot's ghost text."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from copilotd.engine.types import FinishReason
from copilotd.http.shared.fields import Stops


class Extra(BaseModel):
    """What the extension sends besides the text."""

    model_config = ConfigDict(frozen=True, use_attribute_docstrings=True)

    language: str = ""
    """The editor's language id."""
    next_indent: Annotated[int, Field(ge=0)] = 0
    """The width of the indentation of the next line that is not blank."""
    trim_by_indentation: bool = False
    """Not used: the filters end the text with its block."""
    context: list[str] = []
    """The path of the file, then neighbouring code, which is not used: on a CPU its tokens cost
    more than they give."""


class CopilotBody(BaseModel):
    """The text around the cursor. The credentials of the request are dropped unread."""

    model_config = ConfigDict(frozen=True, allow_inf_nan=False, use_attribute_docstrings=True)

    prompt: str
    """The text before the cursor, without the blanks of a blank line."""
    suffix: str = ""
    """The text after the cursor."""
    max_tokens: Annotated[int, Field(ge=1)] | None = None
    """Tokens to generate at most; the default is completion.max_tokens of the settings."""
    temperature: Annotated[float, Field(ge=0)] = 0.0
    """Randomness of the choices after the first one."""
    top_p: Annotated[float, Field(ge=0, le=1)] = 1.0
    """The choices after the first one are sampled from the most probable tokens that together reach
    this probability."""
    n: Annotated[int, Field(ge=1, le=128)] = 1
    """Choices to generate; the extension asks for three when its user cycles through them."""
    stop: Stops = []
    """The completion ends before the first of these texts."""
    stream: Literal[True] = True
    """The extension always streams."""
    extra: Extra = Extra()


class CopilotChoice(BaseModel):
    """A piece of one choice."""

    index: int
    text: str
    finish_reason: FinishReason | None


class CopilotChunk(BaseModel):
    """A piece of the answer."""

    id: str
    created: int
    model: str
    choices: list[CopilotChoice]


EXAMPLES: dict[str, Any] = {
    "ghost text": {
        "summary": "What the extension sends at a cursor",
        "value": {
            "prompt": "def add(a, b):\n",
            "suffix": "\n\nprint(add(1, 2))\n",
            "max_tokens": 64,
            "temperature": 0,
            "top_p": 1,
            "n": 1,
            "stop": ["\n"],
            "stream": True,
            "extra": {"language": "python", "next_indent": 0},
        },
    },
}
