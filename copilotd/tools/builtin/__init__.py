"""The built-in tools, one per file, in the order that the model reads about them."""

from copilotd.tools.builtin.apply_edit import APPLY_EDIT
from copilotd.tools.builtin.diagnostics import DIAGNOSTICS
from copilotd.tools.builtin.git_diff import GIT_DIFF
from copilotd.tools.builtin.git_log import GIT_LOG
from copilotd.tools.builtin.git_status import GIT_STATUS
from copilotd.tools.builtin.list_directory import LIST_DIRECTORY
from copilotd.tools.builtin.read_file import READ_FILE
from copilotd.tools.builtin.run_command import RUN_COMMAND
from copilotd.tools.builtin.search import SEARCH
from copilotd.tools.builtin.symbols import SYMBOLS

BUILTIN = (
    READ_FILE,
    LIST_DIRECTORY,
    SEARCH,
    SYMBOLS,
    DIAGNOSTICS,
    GIT_STATUS,
    GIT_DIFF,
    GIT_LOG,
    APPLY_EDIT,
    RUN_COMMAND,
)
