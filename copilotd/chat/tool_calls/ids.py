"""Names of calls."""

import hashlib
import re
import secrets

_NINE = re.compile(r"[A-Za-z0-9]{9}")


def new_id() -> str:
    """A name in the form that OpenAI's clients know."""
    return f"call_{secrets.token_hex(12)}"


def nine(id: str) -> str:
    """A name for `id`, always the same, of nine letters and digits: Mistral's templates ask so."""
    return id if _NINE.fullmatch(id) else hashlib.sha256(id.encode()).hexdigest()[:9]
