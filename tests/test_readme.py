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
from tests.readme import COMMANDS, ROOT, Command, build_command_line, update_table

README = (ROOT / "README.md").read_text(encoding="utf-8")
LINKING = [
    "README.md",
    "CONTRIBUTING.md",
    "editors/README.md",
    "editors/vim/README.md",
    "benchmarks/RESULTS.md",
]
"""Pages that have links. If a check finds none on them, the check is broken."""
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


def test_the_table_of_commands_matches_the_command_line() -> None:
    page = COMMANDS.read_text(encoding="utf-8")
    assert update_table(page) == page


@each_page
def test_every_link_has_an_existing_file_and_heading(page: str) -> None:
    path = ROOT / page
    found = find_links(path)
    assert found or page not in LINKING
    assert [link for link in found if not has_target(path, link)] == []


def test_readme_or_contributing_links_every_page_in_docs() -> None:
    linked = {*find_links(ROOT / "README.md"), *find_links(ROOT / "CONTRIBUTING.md")}
    assert [page for page in DOCS if page not in linked] == []


def test_a_source_distribution_has_every_file_that_the_readme_links() -> None:
    project = tomllib.loads(read_page("pyproject.toml"))
    included = project["tool"]["hatch"]["build"]["targets"]["sdist"]["include"]
    pages = [link.partition("#")[0] for link in find_links(ROOT / "README.md")]
    linked = {"/" + page.split("/")[0] for page in pages if page}
    assert linked <= {*included}


def test_the_readme_begins_with_a_picture_of_ghost_text() -> None:
    assert README.startswith("![Ghost text in VS Code](editors/images/ghost-text.png)")


def test_every_settings_example_is_valid() -> None:
    blocks = [block for page in DOCS for block in find_code_blocks(page, "toml")]
    settings = [Settings(**tomllib.loads(text)) for text in blocks]
    servers = [list(each.tools.mcp) for each in settings if each.tools.mcp]
    assert servers == [["files", "tracker"]]


@each_page
def test_every_setting_on_a_page_exists(page: str) -> None:
    keys = [f"{table}.{key}" for table, kind in list_tables().items() for key in kind.model_fields]
    assert [key for key in find_named_settings(page) if key not in keys] == []


def test_the_settings_page_names_every_table() -> None:
    spans = find_code_spans("docs/settings.md")
    assert [name for name in list_tables() if f"[{name}]" not in spans] == []


def test_the_api_page_names_every_path_of_the_api() -> None:
    rows = re.findall(r"^\|(.+?)\|", read_page("docs/api.md"), re.MULTILINE)
    named = [path for row in rows for path in re.findall(r"`(/[^`]*)`", row)]
    served = build_app(build_services(FakeEngine(), []), ServerSection()).openapi()["paths"]
    assert sorted(named) == sorted(served)


@each_page
def test_every_command_on_a_page_exists_with_its_options(page: str) -> None:
    assert [line for line in find_commands(page) if not is_command(shlex.split(line, True))] == []


@each_page
def test_every_python_module_on_a_page_exists(page: str) -> None:
    modules = re.findall(r"python -m ((?:benchmarks|tests)[\w.]*)", read_page(page))
    assert [name for name in modules if find_spec(name) is None] == []


@each_page
def test_every_extra_on_a_page_exists(page: str) -> None:
    extras = tomllib.loads(read_page("pyproject.toml"))["project"]["optional-dependencies"]
    assert {*re.findall(r"'(?:copilotd|\.)\[(\w+)\]'", read_page(page))} <= {*extras}


def test_the_checks_of_pages_find_settings_and_commands() -> None:
    assert "server.require_token" in find_named_settings("docs/security.md")
    assert "server.port" in find_named_settings("docs/settings.md")
    assert "copilotd restart" in find_commands("docs/models.md")
    assert not is_command(shlex.split("copilotd start --nothing"))
    assert not is_command(shlex.split("copilotd models nothing"))


def test_the_readme_has_one_command_that_runs_the_tests() -> None:
    assert re.findall(r"^pip install .*pytest.*$", README, re.MULTILINE) == [
        "pip install -e '.[test]' && pytest"
    ]


def read_page(page: str) -> str:
    return (ROOT / page).read_text(encoding="utf-8")


def find_links(path: Path) -> list[str]:
    """Find the link targets within the project, including pictures."""
    return re.findall(r"\]\((?!https?:)([^)]+)\)", path.read_text(encoding="utf-8"))


def has_target(page: Path, link: str) -> bool:
    name, _, anchor = link.partition("#")
    target = page.parent / name if name else page
    return target.exists() and (not anchor or anchor in list_anchors(target))


def list_anchors(page: Path) -> list[str]:
    """List the headings of a page as GitHub writes them in links."""
    headings = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return [re.sub(r"[^\w -]", "", heading).lower().replace(" ", "-") for heading in headings]


def find_code_blocks(page: str, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", read_page(page), re.DOTALL | re.MULTILINE)


def find_code_spans(page: str) -> list[str]:
    """Find the inline `code` of a page, with line breaks as spaces."""
    prose = re.sub(r"^```.*?^```", "", read_page(page), flags=re.DOTALL | re.MULTILINE)
    return [" ".join(span.split()) for span in re.findall(r"`([^`]+)`", prose)]


def find_named_settings(page: str) -> Iterator[str]:
    """Find each setting in `code`: table.key, table.key = value, or an environment variable."""
    pattern = re.compile(rf"((?:{'|'.join(list_tables())})\.[a-z_]+)(?: = .*)?")
    for span in find_code_spans(page):
        if (found := pattern.fullmatch(span)) and span != "tools.jsonl":
            yield found[1]
    for variable in re.findall(r"COPILOTD_[A-Z]+__[A-Z_]+", read_page(page)):
        yield variable.removeprefix("COPILOTD_").replace("__", ".").lower()


def find_commands(page: str) -> list[str]:
    lines = "\n".join(find_code_blocks(page, "sh")).splitlines()
    return [line for line in (*lines, *find_code_spans(page)) if line.startswith("copilotd ")]


def is_command(words: list[str]) -> bool:
    """Return whether the command line has this command and its options; ignore their values."""
    command: Command = build_command_line()
    for word in words[1:]:
        if isinstance(command, TyperGroup) and word in command.commands:
            found = command.commands[word]
            assert isinstance(found, Command)
            command = found
        elif isinstance(command, TyperGroup) and not word.startswith("-"):
            return False
        elif word.startswith("-") and word not in list_options(command):
            return False
    return True


def list_options(command: Command) -> set[str]:
    return {"--help", *(name for parameter in command.params for name in parameter.opts)}
