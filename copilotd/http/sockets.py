"""Listening sockets: who can reach them, and which program already uses an address."""

import errno
import os
import socket
from pathlib import Path

import psutil

from copilotd.config import ServerSection
from copilotd.errors import PortInUse, StartFailed
from copilotd.paths import has_unix_sockets

_BACKLOG = 128
_UNKNOWN_PROGRAM = "another program"


def check_reach(settings: ServerSection) -> None:
    """Refuse to serve the whole network by mistake.

    Raises:
        StartFailed: other machines could reach the server, and the token is off.
    """
    if settings.require_token == "off" and not settings.is_on_loopback:
        raise StartFailed(
            f"server.host is {settings.host}, where anybody on your network could use the model, "
            "and server.require_token is off",
            'Set server.require_token to "on", or to "off-everywhere" if that is what you want.',
        )


def listen_tcp(host: str, port: int) -> socket.socket:
    """A socket that listens on `host`: on its IPv4 address if it has both IPv4 and IPv6.

    Port 0 takes a free port.

    Raises:
        PortInUse: the message names the process that uses the port, if the system tells it.
        StartFailed: `host` is not an address of this machine, or the port is reserved.
    """
    try:
        family, address = _resolve(host, port)
        both = address == "::" and socket.has_dualstack_ipv6()
        return socket.create_server(
            (address, port), family=family, backlog=_BACKLOG, dualstack_ipv6=both
        )
    except OSError as error:
        raise _to_daemon_error(error, host, port) from error


def listen_unix(path: Path) -> socket.socket:
    """A socket that only this user can open; it replaces the file of a server that crashed.

    Raises:
        PortInUse: another server listens there.
        StartFailed: the file cannot be created.
    """
    if not has_unix_sockets():
        raise StartFailed("this system has no unix sockets", "Leave server.unix_socket empty.")
    if _accepts_connections(path):
        raise PortInUse(
            f"another program serves HTTP on {path}", "Choose another server.unix_socket."
        )
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        path.unlink(missing_ok=True)
        listener.bind(str(path))
        # Nobody can connect before `listen`, so the socket is never open to other users.
        os.chmod(path, 0o600)
        listener.listen(_BACKLOG)
    except OSError as error:
        listener.close()
        hint = "Correct server.unix_socket, or leave it empty."
        raise StartFailed(
            f"cannot serve HTTP on {path}: {error.strerror or error}", hint
        ) from error
    return listener


def remove_socket_file(path: Path) -> None:
    """Remove the file of a closed unix socket."""
    path.unlink(missing_ok=True)


def find_port_user(port: int) -> str:
    """The program that listens on a TCP port, in words; some systems do not reveal it."""
    try:
        sockets = [c for c in psutil.net_connections("tcp") if c.status == psutil.CONN_LISTEN]
        pid = next((c.pid for c in sockets if getattr(c.laddr, "port", 0) == port and c.pid), None)
        return f"{psutil.Process(pid).name()} (pid {pid})" if pid else _UNKNOWN_PROGRAM
    except psutil.Error:
        return _UNKNOWN_PROGRAM


def _resolve(host: str, port: int) -> tuple[socket.AddressFamily, str]:
    entries = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    family, _, _, _, address = min(entries, key=lambda entry: entry[0] != socket.AF_INET)
    return family, str(address[0])


def _to_daemon_error(error: OSError, host: str, port: int) -> PortInUse | StartFailed:
    if error.errno == errno.EADDRINUSE:
        return PortInUse(
            f"port {port} is in use by {find_port_user(port)}",
            f"End that program, or choose another port: copilotd start --port {port + 1}.",
        )
    if error.errno == errno.EACCES:
        return StartFailed(f"port {port} is reserved", "Choose a server.port above 1023.")
    return StartFailed(
        f"cannot listen on {host}: {error.strerror}", "Correct server.host; 127.0.0.1 always works."
    )


def _accepts_connections(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        try:
            probe.connect(str(path))
        except OSError:
            return False
        return True
