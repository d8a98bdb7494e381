"""What every object of one answer repeats, in OpenAI's dialect and in those made after it."""

import time
from dataclasses import dataclass
from uuid import uuid4

import copilotd


@dataclass(frozen=True, slots=True)
class Envelope:
    """The id of the answer, when it began (seconds since 1970), and who answers.

    `system_fingerprint` tells versions of the server apart, in llama.cpp's form.
    """

    id: str
    created: int
    model: str
    system_fingerprint: str = f"b{copilotd.__version__}-copilotd"

    @classmethod
    def of(cls, prefix: str, model: str) -> "Envelope":
        """A new one, with an id of its own."""
        return cls(f"{prefix}-{uuid4().hex}", int(time.time()), model)
