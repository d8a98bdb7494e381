"""The base of all tables of the settings."""

from pydantic import BaseModel, ConfigDict


class Section(BaseModel):
    """A table of the settings file. It is frozen, and a misspelt key is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)
