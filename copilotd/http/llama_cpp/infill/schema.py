"""The request and the answer of `/infill`."""

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from copilotd.http.llama_cpp.timings import Timings


class Chunk(BaseModel):
    """Code from another place."""

    filename: str = ""
    text: str


class InfillBody(BaseModel):
    """The text around the cursor.

    Fields that set samplers and times are accepted and not used: what is written follows the
    daemon's own settings.
    """

    model_config = ConfigDict(frozen=True, use_attribute_docstrings=True)

    input_prefix: str
    """The lines above the cursor's."""
    prompt: str = ""
    """The cursor's line up to the cursor."""
    input_suffix: str = ""
    """What follows the cursor."""
    input_extra: list[Chunk] = []
    """Code from other files, oldest first.

    It is read in the pauses, and put in front of the prompts from then on: the newest in the size
    that this machine reads in three seconds.
    """
    n_predict: Annotated[int, Field(ge=-1)] = -1
    """0 only has the text read, so that the next request is answered sooner."""
    response_fields: list[str] = []
    """The fields to answer, `timings/prompt_n` being one inside another; all without it."""


class Infill(BaseModel):
    """The answer."""

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
