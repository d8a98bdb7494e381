"""The language ids of files, as VS Code names them."""

from pathlib import PurePosixPath

_BY_ENDING = {
    ".c": "c",
    ".cpp": "cpp",
    ".cs": "csharp",
    ".go": "go",
    ".java": "java",
    ".js": "javascript",
    ".json": "json",
    ".md": "markdown",
    ".mjs": "javascript",
    ".py": "python",
    ".rs": "rust",
    ".sh": "shellscript",
    ".ts": "typescript",
    ".tsx": "typescriptreact",
    ".yml": "yaml",
}


def find_language(path: str) -> str:
    """The language id of a file by the ending of its name."""
    return _BY_ENDING.get(PurePosixPath(path).suffix, "plaintext")
