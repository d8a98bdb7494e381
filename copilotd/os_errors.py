"""Says what an error of the operating system means and what to do about it."""

import errno

from copilotd.errors import CopilotdError

_HINTS = {
    errno.ENOSPC: "Free some space on the disk, then try again.",
    errno.EDQUOT: "Free some space in your quota, then try again.",
    errno.EROFS: "The disk is mounted read-only: name other folders in XDG_CONFIG_HOME, "
    "XDG_DATA_HOME, XDG_STATE_HOME and XDG_CACHE_HOME.",
    errno.EACCES: "Check who owns the file and its folder: ls -la.",
    errno.EPERM: "Check who owns the file and its folder: ls -la.",
    errno.ENOTDIR: "A part of the path is a file. Move the file away, or name another folder.",
    errno.ENAMETOOLONG: "Use a shorter path.",
    errno.EMFILE: "Too many files are open: raise the limit with ulimit -n.",
}


def explain_os_error(error: OSError) -> CopilotdError:
    """The error with the file that it concerns, the cause and the next step."""
    reason = (error.strerror or str(error) or type(error).__name__).lower()
    message = f"{error.filename}: {reason}" if error.filename else reason
    return CopilotdError(message, _HINTS.get(error.errno or 0, ""))
