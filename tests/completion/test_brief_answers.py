"""An answer to a brief prompt gives way to a better one, but never under the user's eyes."""

from dataclasses import replace

from copilotd.completion.service import CompletionService
from copilotd.completion.types import CompletionRequest, Trigger
from copilotd.config import CompletionSection
from copilotd.config.live import Live
from copilotd.documents import Document
from copilotd.engine.fake import FakeEngine
from copilotd.prompt.builder import Cursor
from tests.cursor import get_completion

FILLER = "".join(f"value_{n} = compute_{n % 7}(first)\n" for n in range(300))
TEXT = f"{FILLER}\nresult = \n\n{FILLER}"
OFFSET = TEXT.index("result = ") + len("result = ")
PLACE = CompletionRequest(Document("file:///a.py", TEXT, "python"), OFFSET, Trigger.AUTOMATIC)
ELSEWHERE = replace(PLACE, offset=TEXT.index("value_20 = ") + len("value_20 = "))
INVOKED = replace(PLACE, trigger=Trigger.INVOKED)


class Editor:
    """Asks for completions; the model writes which kind of prompt it got."""

    def __init__(self) -> None:
        engine = FakeEngine(lambda prompt: "short_answer" if len(prompt) < 700 else "long_answer")
        settings = CompletionSection(debounce_ms=0, target_ms=60_000, anticipate=False)
        self.completions = CompletionService(engine, Live(settings))

    async def ask(self, request: CompletionRequest) -> str:
        return get_completion(await self.completions.complete(request)).text

    async def pause(self) -> None:
        """Let the daemon evaluate the whole prompt."""
        cursor = Cursor(PLACE.document, PLACE.offset)
        await self.completions._prompts.refresh(cursor, self.completions.budget)


async def test_a_text_on_the_screen_stays_when_the_whole_prompt_is_evaluated() -> None:
    editor = Editor()
    assert await editor.ask(PLACE) == "short_answer"
    await editor.pause()
    assert await editor.ask(PLACE) == "short_answer"


async def test_a_user_who_types_along_gets_the_rest() -> None:
    editor = Editor()
    await editor.ask(PLACE)
    await editor.pause()
    typed = replace(PLACE.document, text=f"{TEXT[:OFFSET]}short{TEXT[OFFSET:]}", version=1)
    assert await editor.ask(replace(PLACE, document=typed, offset=OFFSET + 5)) == "_answer"


async def test_a_user_who_comes_back_gets_the_better_answer() -> None:
    editor = Editor()
    await editor.ask(PLACE)
    await editor.pause()
    await editor.completions.complete(ELSEWHERE)
    assert await editor.ask(PLACE) == "long_answer"
    assert await editor.ask(PLACE) == "long_answer"


async def test_a_user_who_asks_with_a_key_gets_the_better_answer() -> None:
    editor = Editor()
    await editor.ask(PLACE)
    await editor.pause()
    assert await editor.ask(INVOKED) == "long_answer"


async def test_without_a_whole_prompt_the_brief_answer_is_remembered() -> None:
    editor = Editor()
    await editor.ask(PLACE)
    await editor.completions.complete(ELSEWHERE)
    assert await editor.ask(PLACE) == "short_answer"
