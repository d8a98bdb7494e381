"""A fake engine without a model, for tests of everything above the engine.

A token is a Unicode code point; control tokens count down from 2,000,000. The answer is a function
of the prompt, so each test decides what the model writes.
"""

import asyncio
import sys
from collections.abc import AsyncGenerator, Callable

from copilotd.engine.image_refs import decode_image_ref
from copilotd.engine.performance import Calibration, CalibrationProgress, Measurement, Setup, Speed
from copilotd.engine.types import (
    Chunk,
    EngineState,
    EngineStats,
    Finished,
    FinishReason,
    GenerateRequest,
    ModelInfo,
    Phase,
    Usage,
)
from copilotd.errors import ContextOverflow, InvalidRequest
from copilotd.models.fim import FimLayout, FimTokens

PREFIX, SUFFIX, MIDDLE, END = 2_000_000, 1_999_999, 1_999_998, 1_999_997
REPOSITORY, SEPARATOR = 1_999_996, 1_999_995
_NAMES = {
    PREFIX: "<PRE>",
    SUFFIX: "<SUF>",
    MIDDLE: "<MID>",
    END: "<END>",
    REPOSITORY: "<REPO>",
    SEPARATOR: "<FILE>",
}

CHATML = (
    "{% for m in messages %}<{{ m.role }}>{{ m.content }}</{{ m.role }}>{% endfor %}"
    "{% if add_generation_prompt %}<assistant>{% endif %}"
)

FAKE_MODEL = ModelInfo(
    path="fake.gguf",
    name="fake",
    architecture="fake",
    description="scripted engine",
    size=0,
    parameters=0,
    n_ctx=4096,
    n_ctx_train=4096,
    n_vocab=2_000_001,
    n_embd=4,
    fim=FimTokens(PREFIX, SUFFIX, MIDDLE, repository=REPOSITORY, separator=SEPARATOR),
    layout=FimLayout(),
    bos=None,
    eos=END,
    add_bos=False,
    end_tokens=[END],
    controls=list(_NAMES.values()),
    chat_template=CHATML,
    can_shift=True,
    gpu_offload=False,
    system="",
    load_ms=0.0,
)

_SETUP = Setup("off", 4, 4, 128)
_ON = Setup("on", 4, 4, 128)
FAKE_CALIBRATION = Calibration(
    default=_SETUP,
    chosen=_SETUP,
    speed=Speed(
        prefill={32: 160.0, 128: 200.0, 512: 200.0},
        decode={100: 20.0, 1000: 25.0},
        batch={2: 1.5, 3: 2.0, 4: 2.4, 6: 3.2, 8: 4.0},
    ),
    measurements=[
        Measurement(_SETUP, 0, 128, 640.0),
        Measurement(_SETUP, 1000, 1, 25.0),
        Measurement(_ON, 0, 128, 640.0),
        Measurement(_ON, 1000, 1, 50.0),
    ],
)


class FakeEngine:
    """Answers each request with the text that `script` gives for its rendered prompt.

    With a `gate`, each generation waits before its first chunk until the gate is set, so that a
    test can act in the middle of a generation.

    - `requests`: all generation requests so far; `request_received` is set by the first.
    - `cancelled`: number of generations closed before their end; `generation_cancelled` is set by
      the first.
    - `cached_tokens`: the most that `cached_prefix_length` returns.
    - `calibrations`: number of calibrations. One with `wait_for_idle_cpu` sets
      `waiting_for_idle_cpu` and waits for `idle_cpu`.
    """

    def __init__(
        self,
        script: Callable[[str], str] | str = "",
        *,
        gate: asyncio.Event | None = None,
        info: ModelInfo = FAKE_MODEL,
    ) -> None:
        self._script = script
        self._gate = gate
        self._info = info
        self._listeners: list[Callable[[EngineState], None]] = []
        self.state = EngineState(Phase.READY)
        self.requests: list[GenerateRequest] = []
        self.cancelled = 0
        self.cached_tokens = 0
        self.calibrations = 0
        self.idle_cpu = asyncio.Event()
        self.waiting_for_idle_cpu = asyncio.Event()
        self.request_received = asyncio.Event()
        self.generation_cancelled = asyncio.Event()

    def set_state(self, state: EngineState) -> None:
        """Change the state and notify the listeners."""
        self.state = state
        for listener in tuple(self._listeners):
            listener(state)

    def subscribe(self, listener: Callable[[EngineState], None]) -> Callable[[], None]:
        """Call `listener` at every `set_state`; the returned function unsubscribes it."""
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener)

    async def info(self) -> ModelInfo:
        """The scripted model."""
        return self._info

    async def tokenize(self, text: str, *, special: bool = False) -> list[int]:
        """One token per code point; `special` parses the names of control tokens."""
        ids: list[int] = []
        while text:
            control = next((i for i, n in _NAMES.items() if special and text.startswith(n)), None)
            ids.append(ord(text[0]) if control is None else control)
            text = text[1:] if control is None else text[len(_NAMES[control]) :]
        return ids

    async def detokenize(self, tokens: list[int]) -> str:
        """The text of `tokens`. Raises: InvalidRequest if one is outside the vocabulary."""
        if not all(token in _NAMES or 0 <= token <= sys.maxunicode for token in tokens):
            raise InvalidRequest("a token id is outside the vocabulary")
        return "".join(_NAMES.get(token) or chr(token) for token in tokens)

    async def token_bytes(self, tokens: list[int]) -> list[bytes]:
        """The bytes of each of `tokens`."""
        return [(await self.detokenize([token])).encode() for token in tokens]

    async def cached_prefix_length(self, prompt: list[int]) -> int:
        """`cached_tokens`, but no more than the prompt has."""
        return min(self.cached_tokens, len(prompt))

    async def generate(self, request: GenerateRequest) -> AsyncGenerator[Chunk | Finished, None]:
        """Stream the script's answer one code point at a time."""
        self.requests.append(request)
        self.request_received.set()
        if len(request.prompt) >= self._info.n_ctx:
            raise ContextOverflow("the prompt does not fit")
        # The text of an image is the content of its file.
        texts = [
            await self.detokenize([token])
            if (image := decode_image_ref(token)) is None
            else request.images[image].decode()
            for token in request.prompt
        ]
        prompt = "".join(texts) + request.tail
        answer = self._script if isinstance(self._script, str) else self._script(prompt)
        is_finished = False
        try:
            async for event in self._stream(request, answer):
                is_finished = isinstance(event, Finished)
                yield event
        finally:
            if not is_finished:
                self.cancelled += 1
                self.generation_cancelled.set()

    async def embed(self, inputs: list[list[int]]) -> list[list[float]]:
        """A unit vector along the axis given by the input's length."""
        size = self._info.n_embd
        return [[float(len(tokens) % size == axis) for axis in range(size)] for tokens in inputs]

    async def calibrate(
        self, requested: Setup, idle_s: float, *, wait_for_idle_cpu: bool
    ) -> AsyncGenerator[CalibrationProgress | Calibration, None]:
        """One progress event, then the scripted result."""
        if wait_for_idle_cpu:
            self.waiting_for_idle_cpu.set()
            await self.idle_cpu.wait()
        self.calibrations += 1
        yield CalibrationProgress("measuring speed", 0.5)
        yield FAKE_CALIBRATION

    def stats(self) -> EngineStats:
        """The number of requests; all other counts are 0."""
        return EngineStats(requests=len(self.requests))

    async def close(self) -> None:
        """Do nothing: there is no worker."""

    async def _stream(
        self, request: GenerateRequest, answer: str
    ) -> AsyncGenerator[Chunk | Finished, None]:
        if self._gate is not None:
            await self._gate.wait()
        ends = [i for stop in request.stop if (i := answer.find(stop)) >= 0]
        text = answer[: min(ends)] if ends else answer
        output = text[: request.max_tokens]
        for character in output:
            yield Chunk(character)
            await asyncio.sleep(0)
        reason = FinishReason.STOP if output == text else FinishReason.LENGTH
        usage = Usage(prompt_tokens=len(request.prompt), completion_tokens=len(output))
        stop = next((s for s in request.stop if answer.startswith(s, len(text))), "")
        yield Finished(reason, usage, stop if output == text else "")
