"""The requests and answers of Tabby's API, as far as its editor plug-ins use it."""

from typing import Any

from pydantic import BaseModel, ConfigDict


class Segments(BaseModel):
    """The text around the cursor. Tabby's agent sends snippets of other files too: not used."""

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
    """What to put at the cursor."""

    index: int
    text: str


class TabbyCompletion(BaseModel):
    """The answer; no choice where there is nothing to suggest."""

    id: str
    choices: list[TabbyChoice]


class Version(BaseModel):
    """Tabby's agent compares `git_describe` with the versions that it knows."""

    build_date: str = ""
    build_timestamp: str = ""
    git_sha: str = ""
    git_describe: str = "v0.30.0"


class TabbyHealth(BaseModel):
    """What the plug-ins show of their server; `status` is what llama-server's clients look for."""

    status: str
    model: str
    chat_model: str
    device: str
    arch: str
    cpu_info: str
    cpu_count: int
    version: Version = Version()


class ServerSetting(BaseModel):
    """Nothing is reported to anybody."""

    disable_client_side_telemetry: bool = True


class TabbyEvent(BaseModel):
    """What became of a suggestion."""

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
