"""The README and the pages in docs/ keep what they promise."""

import re
import shlex
import tomllib
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import pytest
from typer.core import TyperGroup

from copilotd.config import ServerSection, Settings, list_tables
from copilotd.engine.fake import FakeEngine
from copilotd.http.app import build_app
from tests.http.http_server import build_services
from tests.readme import COMMANDS, ROOT, Command, command_line, with_table

README = (ROOT / "README.md").read_text(encoding="utf-8")
LINKING = [
    "README.md",
    "CONTRIBUTING.md",
    "editors/README.md",
    "editors/vim/README.md",
    "benchmarks/RESULTS.md",
]
"""Pages that surely have links: a check that found none there would check nothing."""
PAGES = sorted(
    {
        *LINKING,
        "CHANGELOG.md",
        *(str(path.relative_to(ROOT)) for path in (ROOT / "docs").glob("*.md")),
        *(str(path.relative_to(ROOT)) for path in (ROOT / "editors").glob("*/README.md")),
    }
)
DOCS = [page for page in PAGES if page.startswith("docs/")]

each_page = pytest.mark.parametrize("page", PAGES)


def test_the_table_of_commands_is_that_of_the_command_line() -> None:
    page = COMMANDS.read_text(encoding="utf-8")
    assert with_table(page) == page


@each_page
def test_every_link_leads_to_a_file_and_a_heading(page: str) -> None:
    path = ROOT / page
    found = links(path)
    assert found or page not in LINKING
    assert [link for link in found if not leads_somewhere(path, link)] == []


def test_the_readme_or_the_page_for_contributors_links_every_page_in_docs() -> None:
    linked = {*links(ROOT / "README.md"), *links(ROOT / "CONTRIBUTING.md")}
    assert [page for page in DOCS if page not in linked] == []


def test_a_source_distribution_has_what_the_readme_links() -> None:
    project = tomllib.loads(text_of("pyproject.toml"))
    included = project["tool"]["hatch"]["build"]["targets"]["sdist"]["include"]
    pages = [link.partition("#")[0] for link in links(ROOT / "README.md")]
    linked = {"/" + page.split("/")[0] for page in pages if page}
    assert linked <= {*included}


def test_the_readme_begins_with_the_picture_of_ghost_text() -> None:
    assert README.startswith("![Ghost text in VS Code](editors/images/ghost-text.png)")


def test_every_settings_example_is_valid() -> None:
    blocks = [block for page in DOCS for block in code_blocks(page, "toml")]
    settings = [Settings(**tomllib.loads(text)) for text in blocks]
    servers = [list(each.tools.mcp) for each in settings if each.tools.mcp]
    assert servers == [["files", "tracker"]]


@each_page
def test_every_setting_that_is_named_exists(page: str) -> None:
    keys = [f"{table}.{key}" for table, kind in list_tables().items() for key in kind.model_fields]
    assert [key for key in named_settings(page) if key not in keys] == []


def test_the_page_of_settings_names_every_table() -> None:
    spans = code_spans("docs/settings.md")
    assert [name for name in list_tables() if f"[{name}]" not in spans] == []


def test_the_page_of_the_api_names_the_paths_that_are_served() -> None:
    rows = re.findall(r"^\|(.+?)\|", text_of("docs/api.md"), re.MULTILINE)
    named = [path for row in rows for path in re.findall(r"`(/[^`]*)`", row)]
    served = build_app(build_services(FakeEngine(), []), ServerSection()).openapi()["paths"]
    assert sorted(named) == sorted(served)


@each_page
def test_every_command_that_is_shown_exists_with_its_options(page: str) -> None:
    assert [line for line in shown_commands(page) if not is_command(shlex.split(line, True))] == []


@each_page
def test_every_python_module_that_is_run_exists(page: str) -> None:
    modules = re.findall(r"python -m ((?:benchmarks|tests)[\w.]*)", text_of(page))
    assert [name for name in modules if find_spec(name) is None] == []


@each_page
def test_every_extra_that_is_installed_exists(page: str) -> None:
    extras = tomllib.loads(text_of("pyproject.toml"))["project"]["optional-dependencies"]
    assert {*re.findall(r"'(?:copilotd|\.)\[(\w+)\]'", text_of(page))} <= {*extras}


def test_these_checks_find_what_they_look_for() -> None:
    assert "server.require_token" in named_settings("docs/security.md")
    assert "server.port" in named_settings("docs/settings.md")
    assert "copilotd restart" in shown_commands("docs/models.md")
    assert not is_command(shlex.split("copilotd start --nothing"))
    assert not is_command(shlex.split("copilotd models nothing"))


def test_there_is_one_command_that_passes_the_tests() -> None:
    assert re.findall(r"^pip install .*pytest.*$", README, re.MULTILINE) == [
        "pip install -e '.[test]' && pytest"
    ]


def text_of(page: str) -> str:
    return (ROOT / page).read_text(encoding="utf-8")


def links(path: Path) -> list[str]:
    """The targets within the project, pictures included."""
    return re.findall(r"\]\((?!https?:)([^)]+)\)", path.read_text(encoding="utf-8"))


def leads_somewhere(page: Path, link: str) -> bool:
    name, _, anchor = link.partition("#")
    target = page.parent / name if name else page
    return target.exists() and (not anchor or anchor in anchors(target))


def anchors(page: Path) -> list[str]:
    """The headings as GitHub writes them in links."""
    headings = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return [re.sub(r"[^\w -]", "", heading).lower().replace(" ", "-") for heading in headings]


def code_blocks(page: str, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", text_of(page), re.DOTALL | re.MULTILINE)


def code_spans(page: str) -> list[str]:
    """The `code` in sentences, with line breaks as spaces."""
    prose = re.sub(r"^```.*?^```", "", text_of(page), flags=re.DOTALL | re.MULTILINE)
    return [" ".join(span.split()) for span in re.findall(r"`([^`]+)`", prose)]


def named_settings(page: str) -> Iterator[str]:
    """What stands in `code` as table.key, as table.key = value, or as an environment variable."""
    pattern = re.compile(rf"((?:{'|'.join(list_tables())})\.[a-z_]+)(?: = .*)?")
    for span in code_spans(page):
        if (found := pattern.fullmatch(span)) and span != "tools.jsonl":
            yield found[1]
    for variable in re.findall(r"COPILOTD_[A-Z]+__[A-Z_]+", text_of(page)):
        yield variable.removeprefix("COPILOTD_").replace("__", ".").lower()


def shown_commands(page: str) -> list[str]:
    lines = "\n".join(code_blocks(page, "sh")).splitlines()
    return [line for line in (*lines, *code_spans(page)) if line.startswith("copilotd ")]


def is_command(words: list[str]) -> bool:
    """Whether the command line has this command, with these options (their values are not read)."""
    command: Command = command_line()
    for word in words[1:]:
        if isinstance(command, TyperGroup) and word in command.commands:
            found = command.commands[word]
            assert isinstance(found, Command)
            command = found
        elif isinstance(command, TyperGroup) and not word.startswith("-"):
            return False
        elif word.startswith("-") and word not in options(command):
            return False
    return True


def options(command: Command) -> set[str]:
    return {"--help", *(name for parameter in command.params for name in parameter.opts)}
