"""A brief prompt has the lines nearest to the cursor, and lines elsewhere that are like them."""

from copilotd.completion.prompt_store import PromptStore
from copilotd.engine.fake import FakeEngine
from copilotd.engine.types import Lane
from copilotd.prompt.brief import lay_out_brief
from copilotd.prompt.budget import Budget
from copilotd.prompt.builder import Cursor
from copilotd.prompt.similar_lines import find_similar_lines
from tests.cursor import parse_document

FILLER = "".join(f"def function_{n}(value):\n    return value + {n * 37}\n\n\n" for n in range(60))
CASE = 'if kind == "circle":\n    return draw_circle(shape, color)\n'
MARKED = f'{CASE}\n{FILLER}if kind == "triangle":\n    return draw_║\n\n\n{FILLER}'


def find_at_cursor(marked: str, size: int = 200) -> str:
    document, offset = parse_document(marked)
    return find_similar_lines(document.text, offset, offset - 60, offset + 60, size)


def test_a_place_like_the_cursors_is_found() -> None:
    assert "return draw_circle(shape, color)\n" in find_at_cursor(MARKED)


def test_the_lines_have_at_most_the_given_size() -> None:
    for size in range(0, 200, 10):
        assert len(find_at_cursor(MARKED, size)) <= size


def test_a_place_that_is_like_no_other_gets_no_lines() -> None:
    assert find_at_cursor("alpha = 1\n" + "\n" * 80 + "║beta.gamma()\n" + "\n" * 80) == ""


def test_an_empty_document_has_no_similar_lines() -> None:
    assert find_at_cursor("║") == ""


def test_a_line_in_front_of_code_and_a_blank_line_are_places_too() -> None:
    for marked in (MARKED.replace("    return draw_║", "    ║"), MARKED.replace("draw_║", "║x")):
        assert "return draw_circle(shape, color)\n" in find_at_cursor(marked)


def test_the_nearest_lines_come_last_and_the_prompt_has_about_the_given_size() -> None:
    document, offset = parse_document(MARKED)
    brief = lay_out_brief(document, offset, 2, 75, 25)
    before = brief.similar + document.text[brief.layout.start : offset]
    assert before.endswith('if kind == "triangle":\n    return draw_')
    assert "return draw_circle(shape, color)\n" in before
    assert len(before) <= 75 * 4
    assert brief.layout.before == document.text[brief.layout.start : brief.layout.anchor]


async def test_a_keystroke_at_a_new_place_appends_to_the_brief_prompt() -> None:
    prompts = PromptStore(FakeEngine())
    budget = Budget(768, 128, 96, 0, 0, 60)
    document, offset = parse_document(MARKED)
    first = await prompts.prompt_for(Cursor(document, offset), budget, Lane.COMPLETION)
    document, offset = parse_document(MARKED.replace("║", "tri║"))
    second = await prompts.prompt_for(Cursor(document, offset), budget, Lane.COMPLETION)
    assert first.prompt.brief and second.prompt == first.prompt
    assert second.rendered == first.rendered + "tri"
