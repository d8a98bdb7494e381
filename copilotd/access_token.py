"""The access token: a secret that HTTP clients send if the settings require it.

It is in a file that only this user can read. The file is read for every request, so a new token is
valid at once. If the file is missing, nobody has access. The token is never logged.
"""

import hmac
import secrets
from collections.abc import Iterable
from pathlib import Path

from copilotd.errors import AccessFailed
from copilotd.files import write_atomically

_TOKEN_BYTES = 32
_NEXT_STEP = "Make the folder writable for you, or point XDG_STATE_HOME elsewhere."


class AccessToken:
    """The token in `file`; nothing is created before `ensure` or `renew`."""

    def __init__(self, file: Path) -> None:
        self.file = file

    def read(self) -> str:
        """Return the token; empty if there is none, and then nobody has access."""
        try:
            return self.file.read_text("ascii").strip()
        except (OSError, UnicodeDecodeError):
            return ""

    def ensure(self) -> str:
        """Return the token; create it if there is none. Makes the file private again.

        Raises:
            AccessFailed: the file cannot be written.
        """
        if not (token := self.read()):
            return self.renew()
        try:
            self.file.chmod(0o600)
        except OSError as error:
            raise _write_failed(self.file, error) from error
        return token

    def renew(self) -> str:
        """Replace the token by a new one and return it; the old one is no longer valid.

        Raises:
            AccessFailed: the file cannot be written.
        """
        token = secrets.token_urlsafe(_TOKEN_BYTES)
        self.save(token)
        return token

    def save(self, token: str) -> None:
        """Replace the token by `token`.

        Raises:
            AccessFailed: the file cannot be written.
        """
        try:
            self.file.parent.mkdir(parents=True, exist_ok=True)
            write_atomically(self.file, f"{token}\n".encode("ascii"), mode=0o600)
        except OSError as error:
            raise _write_failed(self.file, error) from error

    def is_among(self, candidates: Iterable[bytes]) -> bool:
        """Whether one of `candidates` is the token; compares in constant time."""
        token = self.read().encode()
        return bool(token) and any(
            [hmac.compare_digest(candidate, token) for candidate in candidates]
        )


def _write_failed(file: Path, error: OSError) -> AccessFailed:
    return AccessFailed(f"cannot write the access token to {file}: {error.strerror}", _NEXT_STEP)
