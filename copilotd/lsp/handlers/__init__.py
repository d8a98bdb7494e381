"""The handlers, one LSP method a file. Each translates, delegates and translates back."""

from lsprotocol import types

from copilotd.lsp.handlers.accept import accept
from copilotd.lsp.handlers.chat import chat
from copilotd.lsp.handlers.commit_message import commit_message
from copilotd.lsp.handlers.did_change import did_change
from copilotd.lsp.handlers.did_close import did_close
from copilotd.lsp.handlers.did_focus import did_focus
from copilotd.lsp.handlers.did_open import did_open
from copilotd.lsp.handlers.did_partially_accept import did_partially_accept
from copilotd.lsp.handlers.did_show import did_show
from copilotd.lsp.handlers.edit import edit
from copilotd.lsp.handlers.initialize import initialize
from copilotd.lsp.handlers.initialized import initialized
from copilotd.lsp.handlers.inline_completion import inline_completion
from copilotd.lsp.handlers.last_completion import last_completion
from copilotd.lsp.handlers.reject import reject
from copilotd.lsp.handlers.status import status
from copilotd.lsp.handlers.undo_edit import undo_edit
from copilotd.lsp.offered_items import ACCEPT
from copilotd.lsp.server import EditorServer


def register(ls: EditorServer) -> None:
    """Give `ls` all handlers; `initialize` adds the one that depends on the client."""
    ls.feature(types.INITIALIZE)(initialize)
    ls.feature(types.INITIALIZED)(initialized)
    ls.feature(types.TEXT_DOCUMENT_DID_OPEN)(did_open)
    ls.feature(types.TEXT_DOCUMENT_DID_CHANGE)(did_change)
    ls.feature(types.TEXT_DOCUMENT_DID_CLOSE)(did_close)
    # Some editors use it without declaring that they can, so it is always announced.
    options = types.InlineCompletionOptions()
    ls.feature(types.TEXT_DOCUMENT_INLINE_COMPLETION, options)(inline_completion)
    ls.feature("textDocument/didShowCompletion")(did_show)
    ls.feature("textDocument/didPartiallyAcceptCompletion")(did_partially_accept)
    ls.feature("textDocument/didFocus")(did_focus)
    ls.feature("copilotd/chat")(chat)
    ls.feature("copilotd/undoEdit")(undo_edit)
    ls.feature("copilotd/edit")(edit)
    ls.feature("copilotd/commitMessage")(commit_message)
    ls.command(ACCEPT)(accept)
    ls.command("copilotd.reject")(reject)
    ls.command("copilotd.status")(status)
    ls.command("copilotd.lastCompletion")(last_completion)
