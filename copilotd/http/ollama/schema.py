"""What Ollama's clients send (docs/api.md of Ollama).

Answers are written as plain objects in `convert.py`: their fields come and go from line to line.
"""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, PlainValidator, StringConstraints
from pydantic_core import PydanticCustomError

from copilotd.http.openai.chat.tools import ToolEntry
from copilotd.http.shared.fields import ModelName, Said, Stops
from copilotd.http.shared.images import of_base64
from copilotd.prompt.messages import IMAGE


def _images(value: Any) -> Said:
    if not isinstance(value, list | None):
        raise PydanticCustomError("images", "should be a list of files in base64")
    images = tuple(map(of_base64, value or ()))
    return Said(IMAGE * len(images), images)


Images = Annotated[Said, PlainValidator(_images, json_schema_input_type=list[str] | None)]
"""Files in base64, which say nothing else."""

Form = Literal["", "json"] | dict[str, Any]
"""Any text, a JSON object, or JSON that keeps to this schema."""


class Named(BaseModel):
    """A request that names its model, under either of two names."""

    model_config = ConfigDict(
        frozen=True, allow_inf_nan=False, use_attribute_docstrings=True, populate_by_name=True
    )

    model: ModelName = ""
    """One of GET /api/tags; with any other name, the model that is for such requests answers."""
    name: str = ""
    """The older name of the same."""

    @property
    def called(self) -> str:
        """What the client calls the model, without the tag that Ollama's clients add."""
        return (self.model or self.name).removesuffix(":latest")


class Options(BaseModel):
    """How tokens are drawn, and how many; options for loading a model are ignored."""

    model_config = ConfigDict(frozen=True, allow_inf_nan=False, use_attribute_docstrings=True)

    num_predict: Annotated[int, Field(ge=-2)] | None = None
    """Tokens to generate at most; 0 and less mean the default."""
    temperature: Annotated[float, Field(ge=0)] | None = None
    top_k: Annotated[int, Field(ge=-1)] | None = None
    top_p: Annotated[float, Field(ge=0, le=1)] | None = None
    min_p: Annotated[float, Field(ge=0, le=1)] | None = None
    repeat_penalty: Annotated[float, Field(gt=0)] | None = None
    presence_penalty: Annotated[float, Field(ge=-2, le=2)] | None = None
    frequency_penalty: Annotated[float, Field(ge=-2, le=2)] | None = None
    seed: int | None = None
    stop: Stops = []


class Generating(Named):
    """What chat and generate have in common."""

    stream: bool = True
    """A line of JSON for each piece; else one for the whole."""
    format: Form = ""
    """`json`, or a JSON schema that the answer keeps to."""
    options: Options = Options()
    keep_alive: Any = None
    """Ignored: engine.idle_minutes of the settings says when a model is unloaded."""


class GenerateBody(Generating):
    """A text to go on from."""

    images: Images = Said("")
    """Image files in base64, for a prompt that is answered."""

    prompt: str = ""
    """What to answer; with `raw` or a `suffix`, the text itself to continue."""
    suffix: str = ""
    """The text after the place to write at: the model fills in the middle."""
    system: str = ""
    """A system message in place of copilotd's own."""
    raw: bool = False
    """Continue the prompt as it is, without a chat template."""


class CalledFunction(BaseModel):
    """What was called, with what."""

    name: str
    arguments: dict[str, Any] = {}


class ToolCall(BaseModel):
    """A call that the model made."""

    function: CalledFunction


class ChatMessage(BaseModel):
    """One turn of the conversation."""

    model_config = ConfigDict(frozen=True, use_attribute_docstrings=True)

    role: Literal["system", "user", "assistant", "tool"]
    content: str | None = ""
    tool_calls: list[ToolCall] | None = None
    """What an assistant called."""
    tool_name: str = ""
    """The function whose result this is."""
    images: Images = Said("")
    """Image files in base64, of a user."""


class ChatBody(Generating):
    """A conversation."""

    messages: list[ChatMessage] = []
    """Without any, the model is only loaded."""
    tools: list[ToolEntry] | None = None
    """What the model may call."""


class EmbedBody(Named):
    """Texts to embed."""

    input: Annotated[list[str], Field(max_length=2048)] | str = []
    truncate: bool = True
    """Ignored: a text that is too long is an error."""
    dimensions: Annotated[int, Field(ge=1)] | None = None
    """Accepted if it is the model's own number."""


class OldEmbedBody(Named):
    """A text to embed, the older way."""

    prompt: Annotated[str, StringConstraints(min_length=1)]


class ShowBody(Named):
    """A model to tell of."""


class PullBody(Named):
    """A model that should be there."""

    stream: bool = True
