"""A daemon process with a scripted engine, which tests launch in place of `copilotd serve`."""

import asyncio
import sys
from collections.abc import AsyncGenerator
from functools import partial

from msgspec.structs import replace

from copilotd import daemon, lifecycle, logs
from copilotd.cli.options import parse_arguments, to_arguments, to_settings
from copilotd.cli.views.terminal import show_error
from copilotd.config import load
from copilotd.engine.fake import FAKE_MODEL, FakeEngine
from copilotd.engine.types import Chunk, EngineState, Finished, GenerateRequest, ModelInfo, Phase
from copilotd.errors import CopilotdError
from copilotd.paths import Paths
from copilotd.serving.engines import EnginePool


def answer(prompt: str) -> str:
    """Return `a + b` for a FIM prompt, the question itself for "repeat", or a greeting."""
    if "<MID>" in prompt:
        return "a + b"
    question = prompt.rpartition("<user>")[2].partition("</user>")[0]
    return question if "repeat" in question else "Hello."


class CannedEngine(FakeEngine):
    """Completes with `a + b`. Answers "wait" with a first piece and never ends."""

    def __init__(self, name: str = "fake", phase: Phase = Phase.READY) -> None:
        super().__init__(answer, info=replace(FAKE_MODEL, name=name))
        self.set_state(EngineState(phase))

    async def info(self) -> ModelInfo:
        if self.state.phase is not Phase.READY:
            self.set_state(EngineState(Phase.READY))
        return await super().info()

    async def generate(self, request: GenerateRequest) -> AsyncGenerator[Chunk | Finished, None]:
        if "wait" in await self.detokenize(request.prompt):
            yield Chunk("Let me think")
            await asyncio.Event().wait()
        async for event in super().generate(request):
            yield event


def main() -> None:
    paths, options = Paths.of_user(), parse_arguments(sys.argv[1:])
    read = partial(load, paths.user_settings, None, to_settings(options))
    lifecycle.create_folders(paths)
    logs.configure(paths.log, read().log.level)
    origin = daemon.LaunchOptions(read, (paths.user_settings,), to_arguments(options))
    talker = CannedEngine("talker", Phase.STOPPED) if read().chat.model else None
    daemon.serve(daemon.Daemon(paths, read(), EnginePool(CannedEngine(), talker), origin))


if __name__ == "__main__":
    try:
        main()
    except CopilotdError as error:
        show_error(error)
        sys.exit(1)
