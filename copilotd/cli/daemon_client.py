"""The command line's side of the daemon's HTTP API; nothing else in `cli` speaks HTTP."""

import json
from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType

import httpx2
import msgspec

from copilotd.access_token import AccessToken
from copilotd.completion.types import Outcome, OutcomeRecord, Trigger
from copilotd.engine.performance import CalibrationProgress, Tuning
from copilotd.errors import EngineError, NotRunning
from copilotd.lifecycle import RunningDaemon
from copilotd.prompt.messages import Message
from copilotd.serving.status import DaemonStatus

LONGEST_ANSWER_S = 600.0
"""A big model on a small machine may need minutes."""

LONGEST_LOOK_S = 10.0
"""A daemon that is alive answers requests without a model at once."""


class DaemonClient:
    """One running daemon.

    Raises (all methods): NotRunning if it has ended, EngineError for an error that it answers.
    """

    def __init__(self, running: RunningDaemon) -> None:
        timeout = httpx2.Timeout(LONGEST_ANSWER_S, connect=LONGEST_LOOK_S)
        # A proxy from the environment cannot reach the loopback of this machine.
        self._client = httpx2.Client(
            base_url=running.url, headers=_credentials(running), timeout=timeout, trust_env=False
        )

    def __enter__(self) -> "DaemonClient":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._client.close()

    def status(self) -> DaemonStatus:
        """A snapshot of the whole daemon."""
        return msgspec.json.decode(self._get("/admin/status"), type=DaemonStatus)

    def stop(self) -> None:
        """Ask the daemon to end."""
        self._post("/admin/stop", {})

    def complete(
        self, path: Path, text: str, offset: int, trigger: Trigger = Trigger.INVOKED
    ) -> Outcome:
        """Ghost text for `text`, the contents of `path`, at `offset` code points."""
        body = {"path": str(path), "text": text, "offset": offset, "trigger": trigger}
        return msgspec.json.decode(self._post("/admin/complete", body), type=OutcomeRecord).outcome

    def load(self, model: str) -> None:
        """Load `model`, if it is not loaded."""
        self._post("/v1/completions", {"model": model, "prompt": "a", "max_tokens": 1})

    def tune(self) -> Generator[CalibrationProgress | Tuning, None, None]:
        """Measure the model: stream progress, then the result. Closing the iterator stops it."""
        with _translate_errors(), self._client.stream("POST", "/admin/tune") as reply:
            if reply.is_error:
                raise _refusal(reply.status_code, reply.read())
            for line in reply.iter_lines():
                if data := line.removeprefix("data: "):
                    yield _step(data)

    def fill(self, before: str, after: str, max_tokens: int) -> str:
        """The model's unfiltered text between `before` and `after`."""
        body = {"prompt": before, "suffix": after, "max_tokens": max_tokens, "temperature": 0}
        answer = json.loads(self._post("/v1/completions", body))
        return str(answer["choices"][0]["text"])

    def answer(self, messages: Sequence[Message]) -> Generator[str, None, None]:
        """Stream the answer to a conversation; closing the iterator stops the model."""
        turns = [{"role": m.role, "content": m.content} for m in messages]
        body = {"messages": turns, "stream": True}
        with (
            _translate_errors(),
            self._client.stream("POST", "/v1/chat/completions", json=body) as reply,
        ):
            if reply.is_error:
                raise _refusal(reply.status_code, reply.read())
            for line in reply.iter_lines():
                if text := _delta(line):
                    yield text

    def _get(self, path: str) -> bytes:
        with _translate_errors():
            return _body(self._client.get(path, timeout=LONGEST_LOOK_S))

    def _post(self, path: str, body: dict[str, object]) -> bytes:
        with _translate_errors():
            return _body(self._client.post(path, json=body))


def _credentials(running: RunningDaemon) -> dict[str, str]:
    token = AccessToken(Path(running.token_file)).read() if running.token_file else ""
    return {"Authorization": f"Bearer {token}"} if token else {}


@contextmanager
def _translate_errors() -> Iterator[None]:
    try:
        yield
    except httpx2.HTTPError as error:
        raise NotRunning(f"the daemon does not answer: {error}", "copilotd restart.") from error


def _body(reply: httpx2.Response) -> bytes:
    if reply.is_error:
        raise _refusal(reply.status_code, reply.content)
    return reply.content


def _refusal(status: int, body: bytes) -> EngineError:
    try:
        error = json.loads(body)["error"]
        return EngineError(str(error["message"]), str(error.get("hint") or "copilotd logs."))
    except (ValueError, KeyError, TypeError, AttributeError):
        return EngineError(f"the daemon answered with HTTP status {status}", "copilotd logs.")


def _delta(line: str) -> str:
    data = line.removeprefix("data: ")
    if data == line or data == "[DONE]":
        return ""
    event = json.loads(data)
    if "error" in event:
        raise EngineError(str(event["error"]["message"]), "copilotd logs.")
    choices = event.get("choices") or [{}]
    return str(choices[0].get("delta", {}).get("content") or "")


def _step(data: str) -> CalibrationProgress | Tuning:
    event = json.loads(data)
    if "error" in event:
        raise EngineError(str(event["error"]["message"]), "copilotd logs.")
    if "measuring" in event:
        return msgspec.convert(event["measuring"], CalibrationProgress)
    return msgspec.convert(event["tuning"], Tuning, strict=False)
