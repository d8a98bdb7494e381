"""The requests and responses of Tabby's API that its editor plug-ins use."""

from typing import Any

from pydantic import BaseModel, ConfigDict


class Segments(BaseModel):
    """The text around the cursor. Snippets of other files are ignored."""

    model_config = ConfigDict(frozen=True, use_attribute_docstrings=True)

    prefix: str
    """The text before the cursor."""
    suffix: str | None = None
    """The text after it."""
    filepath: str | None = None
    """The file's path in its repository."""


class TabbyBody(BaseModel):
    """Where to complete."""

    model_config = ConfigDict(frozen=True, use_attribute_docstrings=True)

    language: str | None = None
    """The editor's language id."""
    segments: Segments


class TabbyChoice(BaseModel):
    """The text to insert at the cursor."""

    index: int
    text: str


class TabbyCompletion(BaseModel):
    """The response; without choices if there is nothing to show."""

    id: str
    choices: list[TabbyChoice]


class Version(BaseModel):
    """Tabby's agent compares `git_describe` with the versions that it knows."""

    build_date: str = ""
    build_timestamp: str = ""
    git_sha: str = ""
    git_describe: str = "v0.30.0"


class TabbyHealth(BaseModel):
    """What the plug-ins show about their server; llama-server's clients read `status`."""

    status: str
    model: str
    chat_model: str
    device: str
    arch: str
    cpu_info: str
    cpu_count: int
    version: Version = Version()


class ServerSetting(BaseModel):
    """Settings for the plug-ins."""

    disable_client_side_telemetry: bool = True


class TabbyEvent(BaseModel):
    """What the user did with a completion."""

    model_config = ConfigDict(
        frozen=True,
        use_attribute_docstrings=True,
        json_schema_extra={"examples": [{"type": "select", "completion_id": "1"}]},
    )

    type: str
    """view, select or dismiss; others are ignored."""
    completion_id: str = ""
    choice_index: int = 0


EXAMPLES: dict[str, Any] = {
    "Tabby": {
        "summary": "What Tabby's plug-ins send at a cursor",
        "value": {
            "language": "python",
            "segments": {"prefix": "def add(a, b):\n    ", "suffix": "\n", "filepath": "add.py"},
        },
    },
}
