"""The request and the answer of `/infill`."""

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from copilotd.http.llama_cpp.timings import Timings


class Chunk(BaseModel):
    """Code from another file."""

    filename: str = ""
    text: str


class InfillBody(BaseModel):
    """The text around the cursor.

    Fields for samplers and time limits are ignored: the daemon's own settings apply.
    """

    model_config = ConfigDict(frozen=True, use_attribute_docstrings=True)

    input_prefix: str
    """The lines above the cursor's line."""
    prompt: str = ""
    """The cursor's line up to the cursor."""
    input_suffix: str = ""
    """The text after the cursor."""
    input_extra: list[Chunk] = []
    """Code from other files, oldest first.

    The daemon evaluates it while you pause, and then puts it at the start of the prompts: the
    newest chunks, as much as this machine evaluates in three seconds.
    """
    n_predict: Annotated[int, Field(ge=-1)] = -1
    """0 only evaluates the prompt, which makes the next request faster."""
    response_fields: list[str] = []
    """The fields of the response; all without it. `timings/prompt_n` names one inside another."""


class Infill(BaseModel):
    """The response."""

    content: str
    stop: bool = True
    model: str
    tokens_evaluated: int
    tokens_predicted: int
    tokens_cached: int
    truncated: bool = False
    timings: Timings


EXAMPLES: dict[str, Any] = {
    "a line": {
        "summary": "What llama.vim sends at a cursor",
        "value": {
            "input_prefix": "def add(a, b):\n",
            "prompt": "    return ",
            "input_suffix": "\n\nprint(add(1, 2))\n",
            "input_extra": [],
            "n_predict": 128,
            "response_fields": ["content", "timings/prompt_n"],
        },
    },
}
