"""Files that no tool may read, and files that a tool may change only with the user's approval."""

import unicodedata
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path

_FOLDERS = (
    ".git", ".hg", ".svn", ".ssh", ".gnupg", ".aws", ".azure", ".gcloud", ".kube", ".docker",
    ".password-store", ".terraform",
)  # fmt: skip
_FILES = (
    ".env", ".env.*", "*.env", ".envrc", ".netrc", "_netrc", ".npmrc", ".yarnrc.yml", ".pypirc",
    ".git-credentials", ".pgpass", ".my.cnf", ".htpasswd", ".dockercfg", "kubeconfig",
    "*.pem", "*.key", "*.p12", "*.pfx", "*.jks", "*.keystore", "*.kdbx", "*.ppk", "*.ovpn",
    "id_rsa*", "id_dsa*", "id_ecdsa*", "id_ed25519*", "credentials", "credentials.*",
    "secrets.*", "secret.*", "client_secret*.json", "service-account*.json", "*.tfstate",
    "*.tfstate.*", "*.tfvars",
)  # fmt: skip
_EXCEPTIONS = ("*.example", "*.sample", "*.template", "*.dist", "*.pub", "*.py", "*.pyi", "*.md",
             "*.js", "*.ts", "*.tsx", "*.go", "*.rs", "*.java", "*.kt", "*.cs", "*.rb", "*.php",
             "*.c", "*.h", "*.cpp", "*.hpp", "*.swift")  # fmt: skip
"""Samples of such files, and programs that work with them. Tools may read these."""

_CONTROL_FILES = (
    ".vscode", ".idea", ".github", ".gitlab-ci.yml", ".circleci", ".husky",
    ".pre-commit-config.yaml", ".copilotd.toml", ".nvim.lua", ".exrc", ".vimrc", ".dir-locals.el",
    ".devcontainer",
    ".gitattributes", ".gitmodules", ".editorconfig",
)  # fmt: skip
"""A change of such a file can make an editor, a hook or a build server run a program."""


@dataclass(frozen=True)
class SecretFiles:
    """The files that tools must not touch. `patterns` are file names that the user adds."""

    patterns: tuple[str, ...] = ()

    def contains(self, path: Path) -> bool:
        """Whether tools must not touch a file because of its own name or a folder above it."""
        *folders, file = [_normalize(part) for part in path.parts] or [""]
        if any(folder in _FOLDERS for folder in (*folders, file)):
            return True
        added = tuple(pattern.casefold() for pattern in self.patterns)
        if any(_matches_any(name, added) for name in (*folders, file)):
            return True
        return _matches_any(file, _FILES) and not _matches_any(file, _EXCEPTIONS)

    @staticmethod
    def controls_programs(path: Path) -> bool:
        """Whether a change of the file can make another program act."""
        return any(_normalize(part) in _CONTROL_FILES for part in path.parts)

    def to_git_pathspecs(self) -> list[str]:
        """Pathspecs that make git leave these files out."""
        names = (*_FILES, *self.patterns)
        return [f":(exclude,icase,glob)**/{name}" for name in names]


def _matches_any(name: str, patterns: tuple[str, ...]) -> bool:
    return any(fnmatchcase(name, pattern) for pattern in patterns)


def _normalize(name: str) -> str:
    """The name as the most tolerant file system reads it.

    Without case, invisible characters, a stream name after a colon, and dots or spaces at the end.
    """
    visible = (c for c in unicodedata.normalize("NFKC", name) if unicodedata.category(c) != "Cf")
    return "".join(visible).partition(":")[0].rstrip(". ").casefold()
