"""Draws `models list` and `models info`."""

from collections.abc import Sequence

from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text

from copilotd.cli.views.terminal import format_size
from copilotd.models.fim import FimTokens
from copilotd.models.progress import format_bytes
from copilotd.models.summary import InstalledDetails, ModelSummary

PLAIN_WIDTH = 300
"""Columns if the output is not a terminal."""


def table_console() -> Console:
    """The console for tables, wide enough for a file or a pager."""
    plain = Console(highlight=False)
    return plain if plain.is_terminal else Console(highlight=False, width=PLAIN_WIDTH)


def build_models_table(models: Sequence[ModelSummary], reason: str) -> RenderableType:
    """All models, the installed ones first, and the reason for the recommended one."""
    table = Table(box=None, pad_edge=False, padding=(0, 1, 0, 0), header_style="dim")
    table.add_column("")
    table.add_column("Model", no_wrap=True)
    table.add_column("Quant.", no_wrap=True)
    table.add_column("Size", justify="right", no_wrap=True)
    table.add_column("FIM", no_wrap=True)
    table.add_column("Chat", no_wrap=True)
    table.add_column("Memory", justify="right", no_wrap=True)
    table.add_column("Licence")
    for model in models:
        table.add_row(*_cells(model))
    return Group(table, Text(), _build_legend(), Text(reason), Text(NEXT, style="dim"))


DEFAULT, INSTALLED, DAMAGED, RECOMMENDED = (
    ("●", "green", "the default"),
    ("○", "green", "installed"),
    ("✗", "red", "damaged"),
    ("★", "yellow", "recommended for this machine"),
)
NEXT = (
    "FIM: fills in the middle, which completion needs. Memory: what the machine should have.\n"
    "Get one: copilotd models pull NAME. More about one: copilotd models info NAME."
)


def _build_legend() -> Text:
    marks = (DEFAULT, INSTALLED, DAMAGED, RECOMMENDED)
    return Text("   ").join(
        Text.assemble((mark, style), f" {meaning}") for mark, style, meaning in marks
    )


def _cells(model: ModelSummary) -> list[Text]:
    return [
        Text("").join(Text(mark, style=style) for mark, style, _ in _marks(model)),
        Text(model.name, style="bold" if model.installed else ""),
        Text(model.quantisation),
        Text(format_bytes(model.size) if model.size else "?"),
        _format_bool(model.fim),
        _format_bool(model.chat),
        Text(f"{model.memory_gib:g} GiB" if model.memory_gib else "?"),
        Text(model.licence or "?"),
    ]


def _format_bool(value: bool) -> Text:
    return Text("yes", style="green") if value else Text("no", style="dim")


def _marks(model: ModelSummary) -> list[tuple[str, str, str]]:
    marks = []
    if model.installed and model.installed.problem:
        marks.append(DAMAGED)
    elif model.installed:
        marks.append(DEFAULT if model.default else INSTALLED)
    if model.recommended:
        marks.append(RECOMMENDED)
    return marks


def _state(model: ModelSummary) -> Text:
    return Text(", ").join(Text(meaning, style=style) for _, style, meaning in _marks(model))


def build_model_sheet(model: ModelSummary) -> RenderableType:
    """The details of one model."""
    table = Table.grid(padding=(0, 2))
    table.add_column(style="dim", no_wrap=True)
    table.add_column(overflow="fold")
    for name, value in _list_facts(model):
        if value:
            table.add_row(name, Text(value))
    return Group(Text.assemble((model.name, "bold"), "  ", _state(model)), table)


def _list_facts(model: ModelSummary) -> list[tuple[str, str]]:
    if model.installed and model.installed.problem:
        return [("problem", model.installed.problem), *_list_place_facts(model.installed)]
    context = f"{model.context:,} tokens" if model.context else ""
    return [
        ("parameters", model.parameters),
        ("quantisation", model.quantisation),
        ("size", f"{format_size(model.size)} ({model.size:,} bytes)" if model.size else ""),
        ("context", context),
        ("fill in the middle", "yes" if model.fim else "no"),
        ("chat", "yes" if model.chat else "no"),
        ("memory wanted", f"{model.memory_gib:g} GiB" if model.memory_gib else ""),
        ("licence", model.licence),
        *(_list_file_facts(model.installed) if model.installed else _list_source_facts(model)),
    ]


def _list_file_facts(details: InstalledDetails) -> list[tuple[str, str]]:
    return [
        ("tools", "yes, by the chat template" if details.tools else "no"),
        ("name in the file", details.own_name),
        ("architecture", details.architecture),
        ("embedding length", str(details.embedding_length or "")),
        ("FIM token ids", _ids(details.fim_tokens)),
        *_list_place_facts(details),
    ]


def _list_place_facts(details: InstalledDetails) -> list[tuple[str, str]]:
    return [
        *(("file", str(path)) for path in details.paths),
        *(("sha256", sha256) for sha256 in details.sha256),
        ("from", details.origin),
        ("added", details.added),
    ]


def _list_source_facts(model: ModelSummary) -> list[tuple[str, str]]:
    return [*(("source", source) for source in model.sources), ("installed", "no")]


def _ids(fim: FimTokens) -> str:
    ids = {field: getattr(fim, field) for field in fim.__struct_fields__}
    return ", ".join(f"{field} {number}" for field, number in ids.items() if number is not None)
