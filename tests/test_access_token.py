import stat
import sys
from pathlib import Path

import pytest

from copilotd.access_token import AccessToken
from copilotd.errors import AccessFailed

posix = pytest.mark.skipif(sys.platform == "win32", reason="needs file modes")


def test_a_token_is_made_on_first_need_and_stays(tmp_path: Path) -> None:
    file = tmp_path / "state" / "token"
    before, made = AccessToken(file).read(), AccessToken(file).ensure()

    assert before == ""
    assert len(made) == 43
    assert (AccessToken(file).ensure(), AccessToken(file).read()) == (made, made)
    assert [entry.name for entry in file.parent.iterdir()] == ["token"]


def test_a_new_token_is_another_one(tmp_path: Path) -> None:
    access = AccessToken(tmp_path / "token")

    assert access.ensure() != access.renew() == access.read()


@posix
def test_only_the_user_can_read_it(tmp_path: Path) -> None:
    access = AccessToken(tmp_path / "token")
    access.ensure()
    made = stat.S_IMODE(access.file.stat().st_mode)
    access.file.chmod(0o644)
    access.ensure()
    mended = stat.S_IMODE(access.file.stat().st_mode)
    access.file.chmod(0o644)
    access.renew()
    renewed = stat.S_IMODE(access.file.stat().st_mode)

    assert (made, mended, renewed) == (0o600, 0o600, 0o600)


def test_it_recognises_itself_and_nothing_else(tmp_path: Path) -> None:
    access = AccessToken(tmp_path / "token")
    token = access.ensure().encode()

    assert access.is_among([b"", b"x", token])
    assert not access.is_among([b"", token[:-1], token + b"x", "tök".encode()])
    assert not access.is_among([])


@pytest.mark.parametrize("content", [b"", b"\n", b"\xff\xfe"])
def test_a_file_without_a_token_gives_access_to_nobody(tmp_path: Path, content: bytes) -> None:
    access = AccessToken(tmp_path / "token")
    access.file.write_bytes(content)

    assert not access.is_among([b"", content, content.strip()])


def test_a_file_that_cannot_be_written_is_named_with_the_next_step(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    access = AccessToken(tmp_path / "file" / "token")
    with pytest.raises(AccessFailed) as caught:
        access.ensure()

    assert caught.value.message.startswith(f"cannot write the access token to {access.file}: ")
    assert caught.value.hint
