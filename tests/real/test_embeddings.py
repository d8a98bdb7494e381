"""Embeddings of a dedicated model that is loaded besides the one for completions."""

import json
from collections.abc import Iterator
from itertools import starmap
from operator import mul
from pathlib import Path

import httpx2
import pytest

from benchmarks.servers.daemon import RunningDaemon, run_copilotd, run_daemon
from tests.real.minilm import minilm_path

__all__ = ["minilm_path"]  # a fixture
pytestmark = pytest.mark.model

HAPPY = "That is a happy person"
OTHERS = {
    "That is a happy dog": 0.695,
    "That is a very happy person": 0.943,
    "Today is a sunny day": 0.257,
}
"""Similarities to HAPPY that the model's own page gives."""


@pytest.fixture(scope="module")
def daemon(model_path: Path, minilm_path: Path) -> Iterator[RunningDaemon]:
    with run_daemon(model_path, EMBEDDING__MODEL=str(minilm_path)) as running:
        yield running


@pytest.fixture
def client(daemon: RunningDaemon) -> Iterator[httpx2.Client]:
    with httpx2.Client(base_url=daemon.url, timeout=120, trust_env=False) as client:
        yield client


def embed(client: httpx2.Client, texts: list[str], **more: object) -> list[list[float]]:
    answer = client.post("/v1/embeddings", json={"input": texts} | more).json()
    return [entry["embedding"] for entry in answer["data"]]


def compute_similarity(one: list[float], other: list[float]) -> float:
    return float(sum(starmap(mul, zip(one, other, strict=True))))


def test_the_dedicated_model_makes_the_embeddings(client: httpx2.Client) -> None:
    first, *others = embed(client, [HAPPY, *OTHERS])
    assert len(first) == 384
    assert compute_similarity(first, first) == pytest.approx(1, abs=1e-5)
    for text, other in zip(OTHERS, others, strict=True):
        assert compute_similarity(first, other) == pytest.approx(OTHERS[text], abs=0.01), text


def test_every_api_uses_the_same_embedding_model(client: httpx2.Client) -> None:
    (own,) = embed(client, [HAPPY])
    ollama = client.post("/api/embed", json={"model": "any", "input": [HAPPY]}).json()
    llama = client.post("/embedding", json={"content": HAPPY}).json()
    for vector in (ollama["embeddings"][0], llama[0]["embedding"][0]):
        assert compute_similarity(own, vector) == pytest.approx(1, abs=1e-5)


def test_the_embedding_model_has_its_own_token_limit(client: httpx2.Client) -> None:
    response = client.post("/v1/embeddings", json={"input": "happy " * 600})
    assert response.status_code == 400
    assert "602 tokens is too large; the limit is 512" in response.json()["error"]["message"]


def test_the_completion_model_keeps_working_besides_the_embedding_model(
    daemon: RunningDaemon, client: httpx2.Client
) -> None:
    embed(client, [HAPPY])
    hole = {"prompt": "def add(a, b):\n    return ", "suffix": "\n", "max_tokens": 6}
    written = client.post("/v1/completions", json=hole | {"temperature": 0}).json()
    assert written["choices"][0]["text"].startswith("a + b")
    status = json.loads(run_copilotd(daemon.env, "status", "--json"))
    assert status["embedding"]["model"]["architecture"] == "bert"
    assert status["embedding"]["engine"]["pid"] != status["engine"]["pid"]
    assert "embeddings" in run_copilotd(daemon.env, "status")


def test_the_embedding_model_is_never_used_for_text(client: httpx2.Client) -> None:
    names = [entry["id"] for entry in client.get("/v1/models").json()["data"]]
    assert names[-1] == "minilm"
    response = client.post("/v1/completions", json={"model": "minilm", "prompt": "a"})
    assert response.status_code == 400
    assert "makes embeddings and writes no text" in response.json()["error"]["message"]
    assert len(embed(client, [HAPPY])[0]) == 384
