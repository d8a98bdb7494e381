"""Which files no tool reads, and which no setting lets a tool change unasked."""

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
_HARMLESS = ("*.example", "*.sample", "*.template", "*.dist", "*.pub", "*.py", "*.pyi", "*.md",
             "*.js", "*.ts", "*.tsx", "*.go", "*.rs", "*.java", "*.kt", "*.cs", "*.rb", "*.php",
             "*.c", "*.h", "*.cpp", "*.hpp", "*.swift")  # fmt: skip
"""Models of such files, and programs about them."""

_INSTRUCTIONS = (
    ".vscode", ".idea", ".github", ".gitlab-ci.yml", ".circleci", ".husky",
    ".pre-commit-config.yaml", ".copilotd.toml", ".nvim.lua", ".exrc", ".vimrc", ".dir-locals.el",
    ".devcontainer",
    ".gitattributes", ".gitmodules", ".editorconfig",
)  # fmt: skip
"""What an editor, a hook or a build server does by itself when it changes."""


@dataclass(frozen=True)
class SecretFiles:
    """`patterns` are file names of the user's own beside those that everybody has."""

    patterns: tuple[str, ...] = ()

    def contains(self, path: Path) -> bool:
        """Whether a file, or a folder it is in, is one that tools must not touch."""
        *folders, file = [_plain(part) for part in path.parts] or [""]
        if any(folder in _FOLDERS for folder in (*folders, file)):
            return True
        own = tuple(pattern.casefold() for pattern in self.patterns)
        if any(_is_any(name, own) for name in (*folders, file)):
            return True
        return _is_any(file, _FILES) and not _is_any(file, _HARMLESS)

    @staticmethod
    def controls_programs(path: Path) -> bool:
        """Whether changing the file may make some program act."""
        return any(_plain(part) in _INSTRUCTIONS for part in path.parts)

    def to_git_pathspecs(self) -> list[str]:
        """The same as pathspecs that leave such files out."""
        names = (*_FILES, *self.patterns)
        return [f":(exclude,icase,glob)**/{name}" for name in names]


def _is_any(name: str, patterns: tuple[str, ...]) -> bool:
    return any(fnmatchcase(name, pattern) for pattern in patterns)


def _plain(name: str) -> str:
    """A name as the most forgiving file system takes it: no case, no marks, nothing at the end."""
    visible = (c for c in unicodedata.normalize("NFKC", name) if unicodedata.category(c) != "Cf")
    return "".join(visible).partition(":")[0].rstrip(". ").casefold()
