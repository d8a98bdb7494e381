"""A scripted engine: the same handle with no model behind it, for tests of everything above.

A token is a Unicode code point; control tokens are counted down from 2,000,000. What it answers is
a function of the request, so a test says what the model "would write".
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
    """Answers every request with the text that `script` gives for its rendered prompt.

    `hold` keeps each generation back before its first piece until it is set, so that a test can
    act in the middle of one. `asked` is set by the first request, `requests` records them all,
    `cancelled` counts generations that were closed before their end, and `closed` is set by the
    first of those.
    """

    def __init__(
        self,
        script: Callable[[str], str] | str = "",
        *,
        gate: asyncio.Event | None = None,
        info: ModelInfo = FAKE_MODEL,
    ) -> None:
        self._script = script
        self._hold = gate
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
        """Pretend to change state, and tell the listeners."""
        self.state = state
        for listener in tuple(self._listeners):
            listener(state)

    def subscribe(self, listener: Callable[[EngineState], None]) -> Callable[[], None]:
        """Call `listener` at every `enter`."""
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener)

    async def info(self) -> ModelInfo:
        """The scripted model."""
        return self._info

    async def tokenize(self, text: str, *, special: bool = False) -> list[int]:
        """One token per code point; with `special`, the names of control tokens are read."""
        ids: list[int] = []
        while text:
            control = next((i for i, n in _NAMES.items() if special and text.startswith(n)), None)
            ids.append(ord(text[0]) if control is None else control)
            text = text[1:] if control is None else text[len(_NAMES[control]) :]
        return ids

    async def detokenize(self, tokens: list[int]) -> str:
        """The text of `tokens`. Raises: InvalidRequest for one that is no token."""
        if not all(token in _NAMES or 0 <= token <= sys.maxunicode for token in tokens):
            raise InvalidRequest("a token id is outside the vocabulary")
        return "".join(_NAMES.get(token) or chr(token) for token in tokens)

    async def token_bytes(self, tokens: list[int]) -> list[bytes]:
        """The bytes of each of `tokens`."""
        return [(await self.detokenize([token])).encode() for token in tokens]

    async def cached_prefix_length(self, prompt: list[int]) -> int:
        """As many as `kept` says."""
        return min(self.cached_tokens, len(prompt))

    async def generate(self, request: GenerateRequest) -> AsyncGenerator[Chunk | Finished, None]:
        """Stream the script's answer one code point at a time."""
        self.requests.append(request)
        self.request_received.set()
        if len(request.prompt) >= self._info.n_ctx:
            raise ContextOverflow("the prompt does not fit")
        # An image reads as its file.
        shown = [
            await self.detokenize([token])
            if (image := decode_image_ref(token)) is None
            else request.images[image].decode()
            for token in request.prompt
        ]
        prompt = "".join(shown) + request.tail
        answer = self._script if isinstance(self._script, str) else self._script(prompt)
        finished = False
        try:
            async for event in self._stream(request, answer):
                finished = isinstance(event, Finished)
                yield event
        finally:
            if not finished:
                self.cancelled += 1
                self.generation_cancelled.set()

    async def embed(self, inputs: list[list[int]]) -> list[list[float]]:
        """A unit vector along the axis given by the input's length."""
        size = self._info.n_embd
        return [[float(len(tokens) % size == axis) for axis in range(size)] for tokens in inputs]

    async def calibrate(
        self, requested: Setup, idle_s: float, *, wait_for_idle_cpu: bool
    ) -> AsyncGenerator[CalibrationProgress | Calibration, None]:
        """Half the way, then the scripted result; with `wait_for_idle_cpu` it waits for `calm`."""
        if wait_for_idle_cpu:
            self.waiting_for_idle_cpu.set()
            await self.idle_cpu.wait()
        self.calibrations += 1
        yield CalibrationProgress("measuring speed", 0.5)
        yield FAKE_CALIBRATION

    def stats(self) -> EngineStats:
        """The number of requests."""
        return EngineStats(requests=len(self.requests))

    async def close(self) -> None:
        """Nothing to end."""

    async def _stream(
        self, request: GenerateRequest, answer: str
    ) -> AsyncGenerator[Chunk | Finished, None]:
        if self._hold is not None:
            await self._hold.wait()
        ends = [i for stop in request.stop if (i := answer.find(stop)) >= 0]
        whole = answer[: min(ends)] if ends else answer
        shown = whole[: request.max_tokens]
        for character in shown:
            yield Chunk(character)
            await asyncio.sleep(0)
        reason = FinishReason.STOP if shown == whole else FinishReason.LENGTH
        usage = Usage(prompt_tokens=len(request.prompt), completion_tokens=len(shown))
        stop = next((s for s in request.stop if answer.startswith(s, len(whole))), "")
        yield Finished(reason, usage, stop if shown == whole else "")
