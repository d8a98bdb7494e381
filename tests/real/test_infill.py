"""The endpoint /infill with the real model, as llama.vim and llama.vscode use it."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest

from benchmarks.servers.daemon import RunningDaemon, run_daemon

pytestmark = [pytest.mark.model, pytest.mark.timeout(300)]

UPSTREAM_ARCHITECTURE = [
    {
        "filename": "greeting.py",
        "text": "def greet_politely(name, title):\n    return f'Good day, {title} {name}.'\n",
    }
]
HOLE: dict[str, Any] = {
    "input_prefix": "from greeting import greet_politely\n\nfor who in guests:\n",
    "prompt": "    print(greet_politely(who.name, ",
    "input_suffix": "\n\nprint('That is all.')\n",
}


@pytest.fixture(scope="module")
def daemon(model_path: Path) -> Iterator[RunningDaemon]:
    with run_daemon(model_path, MODEL__AUTO_TUNE="false") as running:
        yield running


def fill_in(daemon: RunningDaemon, body: dict[str, Any]) -> str:
    answer = httpx2.post(f"{daemon.url}/infill", json=body, timeout=120, trust_env=False)
    assert answer.status_code == 200, answer.text
    return str(answer.json()["content"])


def test_the_model_uses_the_text_of_other_files(daemon: RunningDaemon) -> None:
    assert fill_in(daemon, HOLE | {"input_extra": UPSTREAM_ARCHITECTURE}) == "who.title))"
