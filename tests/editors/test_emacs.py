"""Emacs, with eglot and with lsp-mode, inserts the completions of copilotd."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from benchmarks.servers.daemon import RunningDaemon, run_daemon
from tests.real.conftest import model_path

__all__ = ["model_path"]  # a fixture
EMACS = Path(__file__).parents[2] / "editors/emacs"
PATIENCE_S = 120
pytestmark = pytest.mark.model

_EGLOT = """
(load "{folder}/copilotd-eglot.el")
(find-file "{file}")
(apply #'eglot--connect (eglot--guess-contact))
"""
_LSP_MODE = """
(setq lsp-restart 'ignore lsp-warn-no-matched-clients nil lsp-auto-guess-root t
      lsp-session-file "{home}/session" lsp-enable-snippet nil lsp-completion-provider :none)
(load "{folder}/copilotd-lsp-mode.el")
(find-file "{file}")
(lsp-workspace-folders-add "{home}")
(lsp)
(with-timeout (60 (error "no server")) (while (not (lsp-workspaces)) (sit-for 0.05)))
(with-timeout (60 (error "not initialised"))
  (while (not (eq 'initialized (lsp--workspace-status (car (lsp-workspaces))))) (sit-for 0.05)))
(lsp-completion-mode 1)
"""
_COMPLETE = """
(goto-char (point-max))
(with-timeout ({patience} (error "no completion"))
  (while (string-suffix-p "return " (buffer-string))
    (ignore-errors (completion-at-point))
    (sit-for 0.2)))
(write-region nil nil "{file}.out")
(kill-emacs 0)
"""


def skip_without(package: str) -> None:
    if not shutil.which("emacs"):
        pytest.skip("no emacs on PATH")
    command = ["emacs", "-q", "--batch", "--eval", f"(require '{package})"]
    if subprocess.run(command, capture_output=True).returncode:
        pytest.skip(f"Emacs has no {package}")


@pytest.fixture(scope="module")
def daemon(model_path: Path) -> Iterator[RunningDaemon]:
    with run_daemon(model_path) as running:
        yield running


@pytest.mark.parametrize(("package", "connect"), [("eglot", _EGLOT), ("lsp-mode", _LSP_MODE)])
def test_completion_at_point_inserts_the_completion_of_the_model(
    package: str, connect: str, daemon: RunningDaemon, tmp_path: Path
) -> None:
    skip_without(package)
    file = tmp_path / "sums.py"
    file.write_text("def add(a, b):\n    return ")
    subprocess.run(["git", "init", "-q", str(tmp_path)], check=True)
    script = tmp_path / "script.el"
    names = {"folder": EMACS, "file": file, "home": tmp_path, "patience": PATIENCE_S}
    setting = "(make-directory user-emacs-directory t) (setq make-backup-files nil)\n"
    script.write_text(setting + (connect + _COMPLETE).format(**names))
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    command = ["emacs", "-q", "--batch", "--load", str(script)]
    ran = subprocess.run(
        command,
        env={**daemon.env, "PATH": path},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=2 * PATIENCE_S,
    )
    out = Path(f"{file}.out")
    assert out.exists(), ran.stdout + ran.stderr
    assert out.read_text() == "def add(a, b):\n    return a + b"
