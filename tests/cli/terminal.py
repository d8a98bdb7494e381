"""A terminal for one command: type keys and read the screen."""

import os
import pty
import select
import signal
import subprocess
import sys
import time


class Terminal:
    """Runs `copilotd` with a terminal as its standard input, output and error."""

    def __init__(self, *arguments: str) -> None:
        self._ours, theirs = pty.openpty()
        self._process = subprocess.Popen(
            [sys.executable, "-m", "copilotd", *arguments],
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
        )
        os.close(theirs)
        self._unread = ""

    def type(self, keys: str) -> None:
        """Type keys. A line ends with a line feed, and Ctrl-D is "\\x04"."""
        os.write(self._ours, keys.encode())

    def interrupt(self) -> None:
        """Press Ctrl-C."""
        self._process.send_signal(signal.SIGINT)

    def interrupt_to(self, text: str, times: int = 20) -> str:
        """Press Ctrl-C each second until `text` appears.

        Python handles a Ctrl-C between the prompt and the wait for keys only after the next key.
        """
        for _ in range(times):
            self.interrupt()
            if self.wait_for_text(text, within_s=1.0):
                break
        return self.read_to(text)

    def read_to(self, text: str, within_s: float = 60.0) -> str:
        """Return what has appeared since the last call, up to and including `text`."""
        assert self.wait_for_text(text, within_s), f"{text!r} did not appear, but {self._unread!r}"
        seen, _, self._unread = self._unread.partition(text)
        return seen + text

    def wait_for_text(self, text: str, within_s: float) -> bool:
        deadline = time.monotonic() + within_s
        while text not in self._unread:
            left = max(0.0, deadline - time.monotonic())
            if not select.select([self._ours], [], [], left)[0]:
                return False
            self._unread += os.read(self._ours, 4096).decode().replace("\r\n", "\n")
        return True

    def wait_for_exit(self) -> int:
        """Wait until the command ends; return its exit code."""
        return self._process.wait(60)

    def close(self) -> None:
        """Kill the command and close the terminal."""
        self._process.kill()
        self._process.wait()
        os.close(self._ours)
