"""What the model predicted lately is remembered, within bounds."""

import numpy as np

from copilotd.engine.worker.scheduling.prediction_cache import Trail


def test_what_was_kept_is_found_by_its_tokens() -> None:
    trail = Trail()
    logits = np.array([1.0, 2.0], dtype=np.float32)
    trail.keep([1, 2, 3], logits)
    logits[:] = 0.0
    found = trail.find([1, 2, 3])
    assert found is not None and found.logits.tolist() == [1.0, 2.0]
    assert trail.find([1, 2]) is None


def test_the_oldest_predictions_go_first_unless_they_were_used() -> None:
    trail = Trail()
    for token in range(24):
        trail.keep([token], np.zeros(2, dtype=np.float32))
    trail.find([0])
    trail.keep([99], np.zeros(2, dtype=np.float32))
    assert [trail.find([token]) is None for token in (0, 1, 99)] == [False, True, False]
