"""Checks the model: whether it is installed, fits in memory, and answers correctly."""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib.util import find_spec

import psutil

from copilotd.cli.diagnosis.check import Check, failure, note, ok
from copilotd.cli.diagnosis.subject import Subject
from copilotd.cli.views.terminal import format_size
from copilotd.config import ChatSection
from copilotd.engine.types import ModelInfo
from copilotd.errors import CopilotdError
from copilotd.models.provision import Provisioner

ANOTHER_MODEL = "Choose another model: copilotd models list"
FAMILY = "If it can, set upstream.family: the names are in configs/models.toml"
SMALLER_MODEL = "Choose a smaller model: copilotd models list"


@dataclass(frozen=True, slots=True)
class Hole:
    """Code with a hole that any code model can fill, and the beginning of every right answer."""

    name: str
    before: str
    after: str
    right: tuple[str, ...]


HOLES = (
    Hole(
        "sum", "def add(a, b):\n    return ", "\n\n\nprint(add(1, 2))\n", ("a + b", "a+b", "b + a")
    ),
    Hole(
        "loop",
        "words = ['one', 'two']\nfor word in ",
        ":\n    print(word)\n",
        ("words",),
    ),
    Hole(
        "import",
        "import ",
        "\n\ntext = json.dumps({'a': 1})\nback = json.loads(text)\n",
        ("json",),
    ),
)

QUESTION = "What is the capital of France? Answer with one word."
ANSWER = "paris"


def check_file(provision: Provisioner, name: str) -> Check:
    """Check whether the model is installed; `name` is what the report calls it."""
    try:
        installed = provision.find_installed()
    except CopilotdError as error:
        return failure(name, error.message, error.hint)
    if installed is None:
        step = f"copilotd start downloads it; so does copilotd models pull {provision.model_name}"
        return failure(name, f"{provision.model_name} is not on this machine", step)
    return ok(name, f"{installed.name} ({installed.path})")


def check_images(section: ChatSection) -> Iterator[Check]:
    """Check whether images can be decoded, if the chat model sees images."""
    if section.mmproj and find_spec("PIL") is None:
        detail = "chat.mmproj is set, and the package that reads image files is not installed"
        yield failure("images", detail, "pip install 'copilotd[vision]'")


def check_model(subject: Subject) -> Iterator[Check]:
    """Load the models and try them."""
    try:
        info = subject.info()
    except CopilotdError as error:
        yield failure("loading", error.message, error.hint or "copilotd logs")
        return
    took = "" if info.is_upstream else f", in {info.load_ms / 1000:.1f} s"
    drafted = f", {info.draft} drafts for it" if info.draft else ""
    yield ok("loading", f"{info.description}{drafted}{took}")
    if not info.is_upstream:
        yield _check_memory(info)
    yield _check_fim(info)
    if not info.is_upstream:
        yield _check_end_token(info)
    if info.fim.prefix is not None:
        yield from (_try(hole, subject) for hole in HOLES)
    yield from _check_chat(info, subject)


def _check_chat(info: ModelInfo, subject: Subject) -> Iterator[Check]:
    try:
        second = subject.chat_info()
    except CopilotdError as error:
        yield failure("chat loading", error.message, error.hint or "copilotd logs")
        return
    if second is not None:
        yield ok("chat loading", f"{second.description}, in {second.load_ms / 1000:.1f} s")
    yield _check_template(second or info)
    yield _time("self-test chat", lambda: subject.ask(QUESTION), lambda a: ANSWER in a.lower())


def _check_memory(info: ModelInfo) -> Check:
    memory = psutil.virtual_memory()
    detail = f"the model has {format_size(info.size)}, this machine {format_size(memory.total)}"
    if info.size > memory.total:
        return failure("memory", detail, SMALLER_MODEL)
    if info.size > memory.total * 0.6:
        return note("memory", f"{detail}: little is left for other programs", SMALLER_MODEL)
    return ok("memory", f"{detail}, {format_size(memory.available)} of it free")


def _check_fim(info: ModelInfo) -> Check:
    fim = info.fim
    if fim.prefix is None or fim.suffix is None:
        detail = "none: completions see only the text before the cursor"
        return note("FIM tokens", detail, FAMILY if info.is_upstream else ANOTHER_MODEL)
    if info.is_upstream:
        return ok("FIM tokens", "those of its family, or of its own vocabulary")
    middle = "none" if fim.middle is None else fim.middle
    return ok("FIM tokens", f"prefix {fim.prefix}, suffix {fim.suffix}, middle {middle}")


def _check_end_token(info: ModelInfo) -> Check:
    if not info.end_tokens:
        return note("end tokens", "none: answers end only at their limit", ANOTHER_MODEL)
    return ok("end tokens", ", ".join(map(str, info.end_tokens)))


def _check_template(info: ModelInfo) -> Check:
    if info.chat_template is None:
        detail = "none: chat uses a plain one, and may answer badly"
        return note("chat template", detail, 'Choose a model with "instruct" in its name.')
    source = "the server" if info.is_upstream else "the model file"
    return ok("chat template", f"{len(info.chat_template)} characters, from {source}")


def _try(hole: Hole, subject: Subject) -> Check:
    return _time(
        f"self-test {hole.name}",
        lambda: subject.fill(hole.before, hole.after, 12),
        lambda text: text.strip().startswith(hole.right),
    )


def _time(name: str, ask: Callable[[], str], is_right: Callable[[str], bool]) -> Check:
    started = time.perf_counter()
    try:
        answer = ask()
    except CopilotdError as error:
        return failure(name, error.message, error.hint or "copilotd logs")
    seconds = time.perf_counter() - started
    shown = f"{answer.strip().partition(chr(10))[0][:40]!r} in {seconds:.1f} s"
    if is_right(answer):
        return ok(name, shown)
    return failure(name, f"a wrong answer: {shown}", f"Is the file complete? {ANOTHER_MODEL}")
