"""A pytest plugin for llama.cpp's tests: use our model and its expectations, record outcomes."""

import copy
import json
import os
import tomllib
from pathlib import Path
from typing import Any

import pytest
import utils  # type: ignore[import-not-found]  # llama.cpp's, beside the copy of this file

_EXPECTATIONS = tomllib.loads(Path("llama_server_tests.toml").read_text(encoding="utf-8"))
_outcomes: dict[str, list[str]] = {}

_start, _stop, _match = utils.ServerProcess.start, utils.ServerProcess.stop, utils.match_regex


_IRRELEVANT = frozenset(
    {
        *("process", "ready", "_log", "offline", "no_ui", "jinja", "pooling", "chat_template"),
        *("n_batch", "n_ubatch", "server_embeddings", "server_continuous_batching", "kv_unified"),
    }
)
"""Attributes that change nothing about our server."""


class _KeptServer:
    """The server of the previous test, for the next test that needs the same one."""

    server: Any = None
    key: Any = None
    is_new: bool = False
    """Whether the current test needs a server that has evaluated nothing yet."""

    def start(self, server: Any, *args: Any, **kwargs: Any) -> None:
        server.model_hf_repo = server.model_hf_file = server.model_url = None
        server.model_file = os.environ["LLAMA_SERVER_MODEL"]
        key = sorted(
            (name, repr(value)) for name, value in vars(server).items() if name not in _IRRELEVANT
        )
        if (
            key != self.key
            or self.needs_new_server(server)
            or self.server.process.poll() is not None
        ):
            self.end()
            _start(server, *args, **kwargs)
            self.server, self.key = copy.copy(server), key
        server.process, server.ready = self.server.process, True
        utils.server_instances.add(server)

    def needs_new_server(self, server: Any) -> bool:
        """Return whether the test checks what the server has evaluated since its start."""
        return self.is_new or bool(server.server_metrics)

    def end(self) -> None:
        if self.server is not None:
            # `stop` would close the log, which belongs to pytest.
            vars(self.server).pop("_log", None)
            _stop(self.server)
        self.server = self.key = None


_kept = _KeptServer()


def _detach(server: Any) -> None:
    server.process = None
    utils.server_instances.discard(server)


def _matches(pattern: str, text: str) -> bool:
    """Match a regex; where the tests expect a story of the tiny model, any text matches."""
    return len(text) > 0 if pattern in _EXPECTATIONS["tales"] else _match(pattern, text)


utils.ServerProcess.start = lambda server, *args, **kwargs: _kept.start(server, *args, **kwargs)
utils.ServerProcess.stop = _detach
utils.ServerPreset.load_all = staticmethod(lambda: None)
utils.match_regex = _matches


def pytest_collection_modifyitems(items: list[Any]) -> None:
    """Replace the numbers of the tiny model with those of our model."""
    for item in items:
        if numbers := _EXPECTATIONS["numbers"].get(item.nodeid):
            item.callspec.params.update(numbers)


def pytest_runtest_setup(item: Any) -> None:
    """Give a test that counts prompt tokens a new server, with an empty cache."""
    _kept.is_new = item.nodeid in _EXPECTATIONS["numbers"]


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item: Any, call: Any) -> Any:
    """Record the worst outcome of each test, and the first line of its error."""
    report = (yield).get_result()
    reason = ""
    if report.failed:
        reason = str(call.excinfo.value).splitlines()[0][:200] if str(call.excinfo.value) else ""
        reason = f"{call.excinfo.typename}: {reason}"
    if report.when == "call" or not report.passed:
        _outcomes[item.nodeid] = [report.outcome, reason]
        text = json.dumps(_outcomes, indent=1)
        Path(os.environ["LLAMA_SERVER_OUTCOMES"]).write_text(text, encoding="utf-8")


def pytest_sessionfinish() -> None:
    """End the last server."""
    _kept.end()
