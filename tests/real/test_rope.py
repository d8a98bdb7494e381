"""Our rotation of the keys of the real model gives the same result as llama.cpp."""

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
    """The model with a text in sequence 0. `rope` rotates its keys; without it, llama.cpp does."""

    def __init__(self, path: Path, rope: Rope | None) -> None:
        self.interrupt = Interrupt()
        with pytest.MonkeyPatch.context() as monkeypatch:
            monkeypatch.setattr(Rope, "from_metadata", lambda *_: rope)
            spec = WorkerSpec(str(path), path.stem, n_ctx=512, n_seq=2)
            self.model = Model(spec, self.interrupt)
        text = "def add(a, b):\n    return a + b\n" * 8
        tokens = self.model.vocabulary.tokenize(text, False)[:END]
        entries = [BatchEntry(token, i, 0, i == END - 1) for i, token in enumerate(tokens)]
        assert self.model.decode(entries) is DecodeResult.DONE
        self.text = self.model.export_range(0, START, END)

    def move(self, shift: int) -> bool:
        """Insert the text into sequence 1, moved by `shift` positions."""
        self.model.trim(1, 0)
        return self.model.insert(1, self.text, shift)

    def export_moved(self, shift: int) -> SequenceState:
        """Move the text; return the state of the moved range."""
        assert self.move(shift)
        return self.model.export_range(1, START + shift, END + shift)


@pytest.fixture(scope="module")
def llama_cpp(model_path: Path) -> Mover:
    return Mover(model_path, None)


@pytest.fixture(scope="module", params=[QWEN, OTHER, NEIGHBOURS], ids=["right", "base", "pairs"])
def ours(request: pytest.FixtureRequest, model_path: Path) -> Mover:
    return Mover(model_path, request.param)


def test_the_rope_of_the_model_is_read_from_its_metadata(
    model_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ropes: list[Rope | None] = []
    from_metadata = Rope.from_metadata
    monkeypatch.setattr(Rope, "from_metadata", lambda *args: ropes.append(from_metadata(*args)))
    Model(WorkerSpec(str(model_path), "m", n_ctx=512), Interrupt())
    assert ropes == [QWEN]


@pytest.mark.parametrize("shift", [-3, 1, 40, 2000])
def test_moved_keys_equal_llama_cpps_even_with_a_wrong_rope(
    ours: Mover, llama_cpp: Mover, shift: int
) -> None:
    assert has_same_keys(ours.export_moved(shift), llama_cpp.export_moved(shift), QWEN)


@pytest.mark.parametrize(("rope", "is_right"), [(QWEN, True), (OTHER, False), (NEIGHBOURS, False)])
def test_keys_rotated_with_another_rope_are_not_the_same(
    llama_cpp: Mover, rope: Rope, is_right: bool
) -> None:
    rotated = rope.rotate(llama_cpp.text, 40)
    assert rotated is not None
    assert has_same_keys(rotated, llama_cpp.export_moved(40), QWEN) is is_right


def test_our_rotation_of_keys_is_never_interrupted_halfway(
    model_path: Path, llama_cpp: Mover
) -> None:
    mover = Mover(model_path, QWEN)
    mover.interrupt.stop()
    assert not mover.move(1)
    mover.interrupt.end_batch()
    assert mover.move(1)
    mover.interrupt.stop()
    assert has_same_keys(mover.export_moved(7), llama_cpp.export_moved(7), QWEN)
