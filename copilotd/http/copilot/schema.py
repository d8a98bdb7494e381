"""The request and the answer of Copilot's ghost text."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from copilotd.engine.types import FinishReason
from copilotd.http.shared.fields import Stops


class Extra(BaseModel):
    """What the extension knows besides the text."""

    model_config = ConfigDict(frozen=True, use_attribute_docstrings=True)

    language: str = ""
    """The editor's language id. Not used yet."""
    next_indent: Annotated[int, Field(ge=0)] = 0
    """Width of the indentation of the next line that is not blank."""
    trim_by_indentation: bool = False
    """Not used yet: the answer ends where the model ends it, or at `stop`."""
    context: list[str] = []
    """Neighbouring code. Not used yet: on a CPU its tokens cost more than they give."""


class CopilotBody(BaseModel):
    """The text around the cursor. The credentials that come with it are dropped unread."""

    model_config = ConfigDict(frozen=True, allow_inf_nan=False, use_attribute_docstrings=True)

    prompt: str
    """The text before the cursor, without the blanks of a line that has nothing else."""
    suffix: str = ""
    """The text after the cursor."""
    max_tokens: Annotated[int, Field(ge=1)] | None = None
    """Tokens to generate at most; the default is completion.max_tokens of the settings."""
    temperature: Annotated[float, Field(ge=0)] = 0.0
    """Randomness."""
    top_p: Annotated[float, Field(ge=0, le=1)] = 1.0
    """Sample from the most probable tokens that together reach this probability."""
    n: Annotated[int, Field(ge=1, le=128)] = 1
    """Choices to generate; the extension asks for three when its user cycles through them."""
    stop: Stops = []
    """End before the first of these texts."""
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
