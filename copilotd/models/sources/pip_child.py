"""The child process that `wheels` starts: pip with two changes.

Its temporary files are in a folder that the parent names, so the parent can watch their size and
remove them. It ends when the parent ends, even if the parent is killed.
"""

import os
import runpy
import sys
import tempfile
import threading


def main() -> None:
    """Run pip. The arguments are the folder for temporary files, then pip's own arguments."""
    _, tempfile.tempdir, *arguments = sys.argv
    threading.Thread(target=_end_with_parent, daemon=True).start()
    sys.argv = ["pip", *arguments]
    runpy.run_module("pip", run_name="__main__", alter_sys=True)


def _end_with_parent() -> None:
    # The parent never writes to our stdin, so a read returns only when the parent has ended.
    # `os.read`, because a read of sys.stdin takes its lock and Python could not exit.
    os.read(0, 1)
    os._exit(1)


if __name__ == "__main__":
    main()
