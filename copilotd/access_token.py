"""The access token: a secret of this user that HTTP clients show where the settings want one.

It lies in a file that only this user can read, and is read anew for every request: a new one
counts at once, and without the file nobody has access. It is never logged.
"""

import hmac
import secrets
from collections.abc import Iterable
from pathlib import Path

from copilotd.errors import AccessFailed
from copilotd.files import write_atomically

_BYTES = 32
_NEXT = "Make the folder writable for you, or point XDG_STATE_HOME elsewhere."


class AccessToken:
    """The token in `file`; nothing is created before `ensure` or `renew`."""

    def __init__(self, file: Path) -> None:
        self.file = file

    def read(self) -> str:
        """The token; empty if there is none, which gives access to nobody."""
        try:
            return self.file.read_text("ascii").strip()
        except (OSError, UnicodeDecodeError):
            return ""

    def ensure(self) -> str:
        """The token, made if there is none. Others are kept from reading its file.

        Raises:
            AccessFailed: the file cannot be written.
        """
        if not (token := self.read()):
            return self.renew()
        try:
            self.file.chmod(0o600)
        except OSError as error:
            raise _failed(self.file, error) from error
        return token

    def renew(self) -> str:
        """A new token in place of the old one, which counts no more.

        Raises:
            AccessFailed: the file cannot be written.
        """
        token = secrets.token_urlsafe(_BYTES)
        self.save(token)
        return token

    def save(self, token: str) -> None:
        """Let `token` be the one from now on.

        Raises:
            AccessFailed: the file cannot be written.
        """
        try:
            self.file.parent.mkdir(parents=True, exist_ok=True)
            write_atomically(self.file, f"{token}\n".encode("ascii"), mode=0o600)
        except OSError as error:
            raise _failed(self.file, error) from error

    def is_among(self, shown: Iterable[bytes]) -> bool:
        """Whether one of what a client `shown` is the token; how long that takes tells nothing."""
        token = self.read().encode()
        return bool(token) and any([hmac.compare_digest(one, token) for one in shown])


def _failed(file: Path, error: OSError) -> AccessFailed:
    return AccessFailed(f"cannot write the access token to {file}: {error.strerror}", _NEXT)
