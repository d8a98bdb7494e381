"""The requests of Ollama's clients (docs/api.md of Ollama).

Responses have no models here: `convert.py` writes plain objects, because their fields differ from
line to line.
"""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, PlainValidator, StringConstraints
from pydantic_core import PydanticCustomError

from copilotd.http.shared.chat_completions.tools import ToolEntry
from copilotd.http.shared.fields import MessageContent, ModelName, Stops
from copilotd.http.shared.images import parse_image_base64
from copilotd.prompt.messages import IMAGE_PLACEHOLDER


def _parse_images(value: Any) -> MessageContent:
    if not isinstance(value, list | None):
        raise PydanticCustomError("images", "should be a list of files in base64")
    images = tuple(map(parse_image_base64, value or ()))
    return MessageContent(IMAGE_PLACEHOLDER * len(images), images)


Images = Annotated[
    MessageContent, PlainValidator(_parse_images, json_schema_input_type=list[str] | None)
]
"""Image files in base64."""

Form = Literal["", "json"] | dict[str, Any]
"""Any text, a JSON object, or JSON that conforms to this schema."""


class Named(BaseModel):
    """A request that names its model in one of two fields."""

    model_config = ConfigDict(
        frozen=True, allow_inf_nan=False, use_attribute_docstrings=True, populate_by_name=True
    )

    model: ModelName = ""
    """One of GET /api/tags. Any other name selects the default model for such requests."""
    name: str = ""
    """The older name of `model`."""

    @property
    def model_name(self) -> str:
        """The client's name for the model, without the tag that Ollama's clients add."""
        return (self.model or self.name).removesuffix(":latest")


class Options(BaseModel):
    """The sampling and the number of tokens; options for loading a model are ignored."""

    model_config = ConfigDict(frozen=True, allow_inf_nan=False, use_attribute_docstrings=True)

    num_predict: Annotated[int, Field(ge=-2)] | None = None
    """Tokens to generate at most; 0 and below mean the default."""
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
    """The fields that chat and generate share."""

    stream: bool = True
    """true: a line of JSON for each piece; false: one object for the whole response."""
    format: Form = ""
    """`json`, or a JSON schema that the answer conforms to."""
    options: Options = Options()
    keep_alive: Any = None
    """Ignored: the setting engine.idle_minutes says when copilotd unloads a model."""


class GenerateBody(Generating):
    """A prompt to answer or to continue."""

    images: Images = MessageContent("")
    """Image files in base64, for a prompt to answer."""

    prompt: str = ""
    """The question to answer; with `raw` or a `suffix`, the text to continue."""
    suffix: str = ""
    """The text after the gap: the model fills in the middle."""
    system: str = ""
    """A system message in place of copilotd's own."""
    raw: bool = False
    """Continue the prompt as it is, without a chat template."""


class CalledFunction(BaseModel):
    """The called function and its arguments."""

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
    """The calls that the assistant made."""
    tool_name: str = ""
    """The name of the function whose result this is."""
    images: Images = MessageContent("")
    """Image files in base64, from a user."""


class ChatBody(Generating):
    """A conversation."""

    messages: list[ChatMessage] = []
    """Without messages, copilotd only loads the model."""
    tools: list[ToolEntry] | None = None
    """The tools that the model may call."""


class EmbedBody(Named):
    """Texts to embed."""

    input: Annotated[list[str], Field(max_length=2048)] | str = []
    truncate: bool = True
    """Ignored: too long a text is an error."""
    dimensions: Annotated[int, Field(ge=1)] | None = None
    """Must be the model's own number."""


class OldEmbedBody(Named):
    """A text to embed, the older way."""

    prompt: Annotated[str, StringConstraints(min_length=1)]


class ShowBody(Named):
    """A model to describe."""


class PullBody(Named):
    """A model that should be here."""

    stream: bool = True
