"""The requests of the admin endpoints. Their responses are the daemon's own values as JSON."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, ValidationInfo, field_validator
from pydantic.config import JsonDict
from pydantic_core import PydanticCustomError

from copilotd.completion.types import Trigger

_EXAMPLE: JsonDict = {
    "path": "add.py",
    "text": "def add(a, b):\n    \n\nprint(add(1, 2))\n",
    "offset": 19,
    "language": "python",
}


class CursorBody(BaseModel):
    """A place in a file."""

    model_config = ConfigDict(
        frozen=True,
        use_attribute_docstrings=True,
        json_schema_extra={"examples": [_EXAMPLE]},
    )

    path: str
    """The name of the file, for the prompt."""
    text: str
    """The whole file."""
    offset: Annotated[int, Field(ge=0)]
    """The cursor, in code points from the start of the text."""
    language: str = ""
    """The editor's language id."""
    trigger: Trigger = Trigger.INVOKED
    """Who asks: the user with a key (`invoked`), or an editor while the user types
    (`automatic`)."""

    @field_validator("offset")
    @classmethod
    def _check_in_text(cls, offset: int, info: ValidationInfo) -> int:
        length = len(info.data.get("text", ""))
        if offset > length:
            raise PydanticCustomError(
                "offset", "is after the end of the text ({length})", {"length": length}
            )
        return offset


class Stopping(BaseModel):
    """The daemon has started to stop."""

    status: str = "stopping"
