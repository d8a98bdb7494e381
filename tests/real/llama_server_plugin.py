"""For pytest inside the copy of llama.cpp's tests: our model, our expectations of it, a record."""

import copy
import json
import os
import tomllib
from pathlib import Path
from typing import Any

import pytest
import utils  # type: ignore[import-not-found]  # llama.cpp's, beside the copy of this file

_LISTED = tomllib.loads(Path("llama_server_tests.toml").read_text(encoding="utf-8"))
_outcomes: dict[str, list[str]] = {}

_start, _stop, _match = utils.ServerProcess.start, utils.ServerProcess.stop, utils.match_regex


_PASSING = frozenset(
    {
        *("process", "ready", "_log", "offline", "no_ui", "jinja", "pooling", "chat_template"),
        *("n_batch", "n_ubatch", "server_embeddings", "server_continuous_batching", "kv_unified"),
    }
)
"""Attributes that change nothing of a server of ours."""


class _Kept:
    """The server of the test before, for the next one that asks for the same."""

    server: Any = None
    key: Any = None
    is_new: bool = False
    """Whether the test that runs needs a server that has read nothing yet."""

    def start(self, server: Any, *args: Any, **kwargs: Any) -> None:
        server.model_hf_repo = server.model_hf_file = server.model_url = None
        server.model_file = os.environ["LLAMA_SERVER_MODEL"]
        key = sorted(
            (name, repr(value)) for name, value in vars(server).items() if name not in _PASSING
        )
        if key != self.key or self.counts(server) or self.server.process.poll() is not None:
            self.end()
            _start(server, *args, **kwargs)
            self.server, self.key = copy.copy(server), key
        server.process, server.ready = self.server.process, True
        utils.server_instances.add(server)

    def counts(self, server: Any) -> bool:
        """Whether the test looks at what was read since the server's start."""
        return self.is_new or bool(server.server_metrics)

    def end(self) -> None:
        if self.server is not None:
            # It would be closed, and is pytest's own.
            vars(self.server).pop("_log", None)
            _stop(self.server)
        self.server = self.key = None


_kept = _Kept()


def _let_go(server: Any) -> None:
    server.process = None
    utils.server_instances.discard(server)


def _matches(pattern: str, text: str) -> bool:
    """What the tiny model would tell is any text here."""
    return len(text) > 0 if pattern in _LISTED["tales"] else _match(pattern, text)


utils.ServerProcess.start = lambda server, *args, **kwargs: _kept.start(server, *args, **kwargs)
utils.ServerProcess.stop = _let_go
utils.ServerPreset.load_all = staticmethod(lambda: None)
utils.match_regex = _matches


def pytest_collection_modifyitems(items: list[Any]) -> None:
    """Put our model's numbers in the place of the tiny one's."""
    for item in items:
        if numbers := _LISTED["numbers"].get(item.nodeid):
            item.callspec.params.update(numbers)


def pytest_runtest_setup(item: Any) -> None:
    """A test that counts tokens of the prompt does not want them in the cache."""
    _kept.is_new = item.nodeid in _LISTED["numbers"]


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item: Any, call: Any) -> Any:
    """Keep the worst outcome of each test and, of a failure, its last line."""
    report = (yield).get_result()
    said = ""
    if report.failed:
        said = str(call.excinfo.value).splitlines()[0][:200] if str(call.excinfo.value) else ""
        said = f"{call.excinfo.typename}: {said}"
    if report.when == "call" or not report.passed:
        _outcomes[item.nodeid] = [report.outcome, said]
        text = json.dumps(_outcomes, indent=1)
        Path(os.environ["LLAMA_SERVER_OUTCOMES"]).write_text(text, encoding="utf-8")


def pytest_sessionfinish() -> None:
    """End the last server."""
    _kept.end()
