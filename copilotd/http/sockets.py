"""Listening sockets, who can reach them, and who holds an address that is taken."""

import errno
import os
import socket
from pathlib import Path

import psutil

from copilotd.config import ServerSection
from copilotd.errors import PortInUse, StartFailed
from copilotd.paths import has_unix_sockets

_BACKLOG = 128
_SOMEBODY = "another program"


def check_reach(settings: ServerSection) -> None:
    """Refuse to serve strangers by mistake.

    Raises:
        StartFailed: the network would reach us, and the token is switched off.
    """
    if settings.require_token == "off" and not settings.is_on_loopback:
        raise StartFailed(
            f"server.host is {settings.host}, where anybody on your network could use the model, "
            "and server.require_token is off",
            'Set server.require_token to "on", or to "off-everywhere" if that is what you want.',
        )


def listen_tcp(host: str, port: int) -> socket.socket:
    """A socket on `host`, on its IPv4 address where it has both kinds; port 0 takes a free one.

    Raises:
        PortInUse: with the process that holds the port, where the system tells.
        StartFailed: `host` is no address of this machine, or the port is reserved.
    """
    try:
        family, address = _address(host, port)
        both = address == "::" and socket.has_dualstack_ipv6()
        return socket.create_server(
            (address, port), family=family, backlog=_BACKLOG, dualstack_ipv6=both
        )
    except OSError as error:
        raise _explained(error, host, port) from error


def listen_unix(path: Path) -> socket.socket:
    """A socket that only this user can open; a file that a dead server left there is replaced.

    Raises:
        PortInUse: somebody listens there.
        StartFailed: the file cannot be made.
    """
    if not has_unix_sockets():
        raise StartFailed("there are no unix sockets here", "Leave server.unix_socket empty.")
    if _answers(path):
        raise PortInUse(
            f"somebody else serves HTTP on {path}", "Choose another server.unix_socket."
        )
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        path.unlink(missing_ok=True)
        listener.bind(str(path))
        # Nobody can connect before `listen`, so the file is private from its first moment.
        os.chmod(path, 0o600)
        listener.listen(_BACKLOG)
    except OSError as error:
        listener.close()
        hint = "Correct server.unix_socket, or leave it empty."
        raise StartFailed(
            f"cannot serve HTTP on {path}: {error.strerror or error}", hint
        ) from error
    return listener


def forget_unix(path: Path) -> None:
    """Remove the file of a socket that is closed."""
    path.unlink(missing_ok=True)


def holder_of(port: int) -> str:
    """Who listens on a TCP port, in words; best effort, since some systems do not tell."""
    try:
        found = [c for c in psutil.net_connections("tcp") if c.status == psutil.CONN_LISTEN]
        pid = next((c.pid for c in found if getattr(c.laddr, "port", 0) == port and c.pid), None)
        return f"{psutil.Process(pid).name()} (pid {pid})" if pid else _SOMEBODY
    except psutil.Error:
        return _SOMEBODY


def _address(host: str, port: int) -> tuple[socket.AddressFamily, str]:
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    family, _, _, _, address = min(found, key=lambda entry: entry[0] != socket.AF_INET)
    return family, str(address[0])


def _explained(error: OSError, host: str, port: int) -> PortInUse | StartFailed:
    if error.errno == errno.EADDRINUSE:
        return PortInUse(
            f"port {port} is in use by {holder_of(port)}",
            f"End that program, or choose another port: copilotd start --port {port + 1}.",
        )
    if error.errno == errno.EACCES:
        return StartFailed(f"port {port} is reserved", "Choose a server.port above 1023.")
    return StartFailed(
        f"cannot listen on {host}: {error.strerror}", "Correct server.host; 127.0.0.1 always works."
    )


def _answers(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        try:
            probe.connect(str(path))
        except OSError:
            return False
        return True
