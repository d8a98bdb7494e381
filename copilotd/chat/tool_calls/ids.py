"""The ids of calls. A result refers to its call by this id."""

import hashlib
import re
import secrets

_SHORT = re.compile(r"[A-Za-z0-9]{9}")


def create_call_id() -> str:
    """Return a new id in OpenAI's form."""
    return f"call_{secrets.token_hex(12)}"


def shorten_id(id: str) -> str:
    """Return nine letters and digits for `id`, always the same: Mistral's templates require it."""
    return id if _SHORT.fullmatch(id) else hashlib.sha256(id.encode()).hexdigest()[:9]
