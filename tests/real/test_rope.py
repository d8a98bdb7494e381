"""Keys of the real model: turned here, they are those that llama.cpp turns."""

from pathlib import Path

import pytest

from copilotd.engine.protocol import WorkerSpec
from copilotd.engine.worker.interrupt import Interrupt
from copilotd.engine.worker.kv.state_file import SequenceState
from copilotd.engine.worker.llama.batch import BatchEntry, DecodeResult
from copilotd.engine.worker.llama.model import Model
from copilotd.engine.worker.llama.rope import Rope, has_same_keys

pytestmark = pytest.mark.model

QWEN = Rope(n_head=64, n_rot=64, base=1e6, scale=1.0, is_neox=True)
OTHER = Rope(n_head=64, n_rot=64, base=1e4, scale=1.0, is_neox=True)
NEIGHBOURS = Rope(n_head=64, n_rot=64, base=1e6, scale=1.0, is_neox=False)
START, END = 5, 45


class Mover:
    """The model with a text in sequence 0; by `rope` it turns keys, or llama.cpp does."""

    def __init__(self, path: Path, rope: Rope | None) -> None:
        self.interrupt = Interrupt()
        with pytest.MonkeyPatch.context() as monkeypatch:
            monkeypatch.setattr(Rope, "of", lambda *_: rope)
            spec = WorkerSpec(str(path), path.stem, n_ctx=512, n_seq=2)
            self.model = Model(spec, self.interrupt)
        text = "def add(a, b):\n    return a + b\n" * 8
        tokens = self.model.vocabulary.tokenize(text, False)[:END]
        entries = [BatchEntry(token, i, 0, i == END - 1) for i, token in enumerate(tokens)]
        assert self.model.decode(entries) is DecodeResult.DONE
        self.text = self.model.export_range(0, START, END)

    def move(self, shift: int) -> bool:
        """Put the text into sequence 1, `shift` positions on."""
        self.model.trim(1, 0)
        return self.model.insert(1, self.text, shift)

    def moved(self, shift: int) -> SequenceState:
        """What stands there then."""
        assert self.move(shift)
        return self.model.export_range(1, START + shift, END + shift)


@pytest.fixture(scope="module")
def llama_cpp(model_path: Path) -> Mover:
    return Mover(model_path, None)


@pytest.fixture(scope="module", params=[QWEN, OTHER, NEIGHBOURS], ids=["right", "base", "pairs"])
def ours(request: pytest.FixtureRequest, model_path: Path) -> Mover:
    return Mover(model_path, request.param)


def test_the_models_own_rope_is_found(model_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found: list[Rope | None] = []
    of = Rope.from_metadata
    monkeypatch.setattr(Rope, "of", lambda *told: found.append(of(*told)))
    Model(WorkerSpec(str(model_path), "m", n_ctx=512), Interrupt())
    assert found == [QWEN]


@pytest.mark.parametrize("shift", [-3, 1, 40, 2000])
def test_moved_keys_are_llama_cpps_whatever_is_thought_of_the_model(
    ours: Mover, llama_cpp: Mover, shift: int
) -> None:
    assert has_same_keys(ours.moved(shift), llama_cpp.moved(shift), QWEN)


@pytest.mark.parametrize(("rope", "is_right"), [(QWEN, True), (OTHER, False), (NEIGHBOURS, False)])
def test_keys_that_were_turned_otherwise_are_told_apart(
    llama_cpp: Mover, rope: Rope, is_right: bool
) -> None:
    turned = rope.rotate(llama_cpp.text, 40)
    assert turned is not None
    assert has_same_keys(turned, llama_cpp.moved(40), QWEN) is is_right


def test_what_is_turned_here_cannot_be_interrupted(model_path: Path, llama_cpp: Mover) -> None:
    mover = Mover(model_path, QWEN)
    mover.interrupt.stop()
    assert not mover.move(1)
    mover.interrupt.end_batch()
    assert mover.move(1)
    mover.interrupt.stop()
    assert has_same_keys(mover.moved(7), llama_cpp.moved(7), QWEN)
