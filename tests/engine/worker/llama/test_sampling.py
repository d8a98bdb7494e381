import numpy as np

from copilotd.engine.types import Sampling
from copilotd.engine.worker.llama.sampling import Sampler, compute_logprobs, pick_alternatives

LOGITS = np.array([0.0, 3.0, 1.0, 2.0], np.float32)


def test_more_alternatives_than_tokens_are_all_tokens() -> None:
    alternatives = pick_alternatives(compute_logprobs(LOGITS), 10**9, lambda token: b"%d" % token)
    assert [alternative.id for alternative in alternatives] == [1, 3, 2, 0]


def test_a_penalty_over_more_tokens_than_memory_holds_is_over_all() -> None:
    sampling = Sampling(temperature=0.0, repeat_penalty=1.1, repeat_last_n=2**31 - 1)
    assert Sampler(sampling, len(LOGITS)).choose(LOGITS) == 1
