"""Read the golden cases of the filters from `golden/*.txt`, one file for each filter.

A case has this form, with `║` for the cursor, and ends at the next `===`:

    === what the user should see, as a sentence
    language: python
    mode: line
    by: one line, auto-closed
    --- document
    print(║)
    --- model
    "hello")
    --- expected
    print("hello")

`by` names the filters that end generation or change the text, in order, or is `nothing`.
`expected` is the whole document afterwards, or `(nothing)` if there is no suggestion. Further
keys: `path` of the file; `max_lines`; `invoked: yes` if the user asked with a key; `unfinished:
yes` if the token limit ended the text; `crlf: yes` or `cr: yes` for a document with CR LF or CR;
`escapes: yes` if the model's text is written with Python's escapes. `language` may be left out.
"""

from dataclasses import dataclass
from pathlib import Path

from copilotd.documents import Document
from copilotd.postprocess.context import Candidate, CursorContext, Mode
from copilotd.postprocess.pipeline import apply_final_filters, truncate_at
from copilotd.syntax.trees import SyntaxTrees

CURSOR = "║"
NOTHING = "(nothing)"
FOLDER = Path(__file__).parent / "golden"


@dataclass(frozen=True)
class Case:
    """One golden case; `filter` is the filter under test."""

    filter: str
    name: str
    options: dict[str, str]
    document: str
    model: str
    expected: str

    @property
    def context(self) -> CursorContext:
        text = self._with_line_ends(self.document)
        language, path = self.options.get("language", ""), self.options.get("path", "")
        document = Document("file:///case", text.replace(CURSOR, ""), language, path=path)
        mode = Mode(self.options["mode"])
        return CursorContext(
            document,
            text.index(CURSOR),
            mode,
            int(self.options.get("max_lines", "8")),
            tree=SyntaxTrees().tree_of(document),
            invoked="invoked" in self.options,
        )

    @property
    def model_text(self) -> str:
        if "escapes" in self.options:
            return self.model.encode("ascii", "backslashreplace").decode("unicode_escape")
        return self.model

    @property
    def expected_document(self) -> str:
        return self._with_line_ends(self.expected)

    @property
    def expected_filters(self) -> list[str]:
        by = self.options["by"]
        return [] if by == "nothing" else by.split(", ")

    def _with_line_ends(self, text: str) -> str:
        if "cr" in self.options:
            return text.replace("\n", "\r")
        return text.replace("\n", "\r\n") if "crlf" in self.options else text


@dataclass(frozen=True)
class Result:
    """The document after the pipeline ran, and the filters that acted, in order."""

    document: str
    filters: list[str]


def run(case: Case) -> Result:
    """Stream the model's text character by character through the whole pipeline."""
    context, text, filters = case.context, "", list[str]()
    for character in case.model_text:
        text += character
        if stopped := truncate_at(context, text):
            name, length = stopped
            filters.append(name)
            text = text[:length]
            break
    unfinished = "unfinished" in case.options and not filters
    candidate, steps = apply_final_filters(context, Candidate(text, unfinished=unfinished))
    filters += [step.name for step in steps]
    if not candidate.text:
        return Result(NOTHING, filters)
    document, end = context.document.text, context.offset + candidate.overwrites
    return Result(document[: context.offset] + candidate.text + document[end:], filters)


def read_cases() -> list[Case]:
    """Return the cases of all files, in order."""
    return [case for file in sorted(FOLDER.glob("*.txt")) for case in _read_file(file)]


def _read_file(file: Path) -> list[Case]:
    text = file.read_text(encoding="utf-8")
    parts = ("\n" + text).split("\n=== ")[1:]
    return [_read_case(file.stem.replace("_", " "), part) for part in parts]


def _read_case(filter: str, part: str) -> Case:
    head, rest = part.split("\n--- document\n")
    document, rest = rest.split("\n--- model\n")
    model, expected = rest.split("\n--- expected\n")
    name, *options = head.split("\n")
    # One blank line separates a case from the next.
    expected = expected.removesuffix("\n")
    return Case(filter, name, dict(o.split(": ", 1) for o in options), document, model, expected)
