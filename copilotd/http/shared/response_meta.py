"""The fields that every object of one response repeats, in OpenAI's format."""

import time
from dataclasses import dataclass
from uuid import uuid4

import copilotd


@dataclass(frozen=True, slots=True)
class ResponseMeta:
    """The id of the response, its start (seconds since 1970), and the model that answers.

    `system_fingerprint` distinguishes versions of the server, in llama.cpp's form.
    """

    id: str
    created: int
    model: str
    system_fingerprint: str = f"b{copilotd.__version__}-copilotd"

    @classmethod
    def create(cls, prefix: str, model: str) -> "ResponseMeta":
        """The fields of a new response; its id is `prefix` and a random number."""
        return cls(f"{prefix}-{uuid4().hex}", int(time.time()), model)
