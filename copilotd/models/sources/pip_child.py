"""The child that `wheels` starts: pip, with two manners that it does not have by itself.

Its temporary files lie in a folder that the parent names, where their growth can be seen and
nothing is left behind; and it ends when the parent does, however that came about.
"""

import os
import runpy
import sys
import tempfile
import threading


def main() -> None:
    """Run pip. Arguments: the folder for temporary files, then those of pip."""
    _, tempfile.tempdir, *arguments = sys.argv
    threading.Thread(target=_end_with_parent, daemon=True).start()
    sys.argv = ["pip", *arguments]
    runpy.run_module("pip", run_name="__main__", alter_sys=True)


def _end_with_parent() -> None:
    # The parent holds the other end of stdin and never writes: a read that returns is its end.
    # sys.stdin would be locked by the read, and Python could not finish.
    os.read(0, 1)
    os._exit(1)


if __name__ == "__main__":
    main()
