"""The latest predictions of the model are kept, within bounds."""

import numpy as np

from copilotd.engine.worker.scheduling.prediction_cache import PredictionCache


def test_a_prediction_is_found_by_its_tokens() -> None:
    cache = PredictionCache()
    logits = np.array([1.0, 2.0], dtype=np.float32)
    cache.store([1, 2, 3], logits)
    logits[:] = 0.0
    prediction = cache.find([1, 2, 3])
    assert prediction is not None and prediction.logits.tolist() == [1.0, 2.0]
    assert cache.find([1, 2]) is None


def test_the_oldest_predictions_go_first_unless_they_were_used() -> None:
    cache = PredictionCache()
    for token in range(24):
        cache.store([token], np.zeros(2, dtype=np.float32))
    cache.find([0])
    cache.store([99], np.zeros(2, dtype=np.float32))
    assert [cache.find([token]) is None for token in (0, 1, 99)] == [False, True, False]
