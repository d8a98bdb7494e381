"""Places that get no ghost text at all, whoever asks, and places that get none automatically.

Editors name a document that is no file by the scheme of its URI. Schemes that are not listed here
may belong to files that the user edits, such as those on another machine.
"""

from copilotd.completion.types import CompletionRequest, Trigger
from copilotd.documents import Document
from copilotd.syntax.languages import detect_language
from copilotd.syntax.merge_conflicts import find_conflict

_OLD_VERSION = "this side of the diff is an old version, which cannot be edited"
_LIBRARY = "the source of a library cannot be edited"
_OUTPUT = "the output of a program is no text that you write"
_SEARCH = "the results of a search are no text that you write"
_SCHEMES = {
    **dict.fromkeys(("git", "gitfs", "gitlens", "gitsigns", "fugitive", "diffview"), _OLD_VERSION),
    **dict.fromkeys(("review", "pr", "githubpr", "hg", "svn", "jj"), _OLD_VERSION),
    **dict.fromkeys(("vscode-local-history", "conflictresolution"), _OLD_VERSION),
    **dict.fromkeys(("jdt", "deno", "zip", "zipfile"), _LIBRARY),
    **dict.fromkeys(("output", "log", "term", "vscode-terminal", "debug"), _OUTPUT),
    **dict.fromkeys(("vscode-notebook-cell-output", "vscode-notebook-cell-metadata"), _OUTPUT),
    **dict.fromkeys(("search-editor", "search-result", "quickfix"), _SEARCH),
    **dict.fromkeys(("copilotd", "copilotd-edit"), "copilotd itself wrote this page"),
}
_LANGUAGES = {
    "scminput": "the box for a commit message has its own command",
    "search-result": _SEARCH,
    "log": _OUTPUT,
    "output": _OUTPUT,
}
_COMMENT = "#"


def find_unsuitable_document(document: Document) -> str | None:
    """Why no ghost text belongs anywhere in the document; None if it does."""
    return _SCHEMES.get(document.uri.partition(":")[0].lower())


def find_unsuitable_place(request: CompletionRequest) -> str | None:
    """Why no ghost text belongs at the cursor; None if it does."""
    document = request.document
    if reason := find_unsuitable_document(document):
        return reason
    conflict = find_conflict(document.text, request.offset)
    if conflict is not None and conflict.on_marker:
        return "the cursor is on a marker of a merge conflict"
    if request.trigger is Trigger.INVOKED:
        return None
    if detect_language(document) == "git-commit":
        return _check_commit_message(document.text, request.offset)
    return _LANGUAGES.get(document.language.lower())


def _check_commit_message(text: str, offset: int) -> str | None:
    """Silence before the first word of the message, and in git's own comments."""
    line = text.rfind("\n", 0, offset) + 1
    if text.startswith(_COMMENT, line):
        return "git drops this line of the commit message"
    lines = text[:offset].split("\n")
    if not any(line.strip() and not line.startswith(_COMMENT) for line in lines):
        return "the commit message is empty; there is a command that writes one"
    return None
