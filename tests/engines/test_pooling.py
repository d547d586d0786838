"""Scores out of vLLM's pooling: those of transformers, asked for with as little as will do.

What pools here is a plain Hugging Face model, behind a real server that may misbehave; vLLM itself
is in `test_pooling_vllm.py`.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from bench.checkpoints.ppm_config import PPMConfig
from bench.checkpoints.reward import QWEN_MATH_PRM, RewardContract
from bench.engines.base import PathScores, RunningScorer
from bench.engines.http_client import Patience
from bench.engines.pooling import PoolingScorer, pooling_overrides
from bench.engines.ppm import PPMScorer
from bench.engines.server_pooling import ServerPool, read_urls, serve_command
from bench.errors import BenchError, CheckpointError, DeadEngineError, EngineError
from bench.prompts import OFFICIAL, START
from tests import tiny
from tests.engines.misbehaving import FAULTS, Behaviour, serve
from tests.scripted import problem

pytest.importorskip("httpx")
needs_torch = pytest.mark.skipif(
    find_spec("torch") is None or find_spec("transformers") is None,
    reason="torch or transformers is not installed: pip install 'rstar-bench[cpu]'",
)
pytestmark = needs_torch

QUICK = Patience(tries=12, first_wait=0.001, longest_wait=0.05, answer=10.0)
STARTED = "vllm serve it"
TOLERANCE = 1e-5
PARTIAL = f"{START}\na = 14 * 6\n<end_of_step>"
SIBLINGS = ["\nb = a - 9\n<end_of_step>", "\nb = a + 9\nc = b\n<end_of_step>", ""]
PATHS = [
    ["\nb = a - 9\n<end_of_step>", "\nprint(b)\n<end_of_code>\n<output>75<end_of_output>\n"],
    ["\nb = a - 9\n<end_of_step>", "\nb = 2 * b\n<end_of_step>", "\nprint(b)\n<end_of_code>"],
    ["\nprint(a)\n<end_of_code>"],
]

Numbers = Callable[[list[int]], list[list[float]]]


@pytest.fixture(scope="module")
def folder(tokenizer_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tiny.ppm(tmp_path_factory.mktemp("ppm"), tokenizer_folder)
    PPMConfig(OFFICIAL.name, OFFICIAL.digest, squash="tanh_fifth", bias=0.3).save(made)
    return made


@pytest.fixture(scope="module")
def plain(folder: Path) -> Iterator[PPMScorer]:
    started = PPMScorer(folder, name="m", dtype="float32")
    yield started
    started.close()


@pytest.fixture(scope="module")
def numbers(folder: Path) -> Numbers:
    """Raw scores of every token, as vLLM's token_classify without activation gives them."""
    import torch
    from transformers import AutoModelForSequenceClassification

    model = AutoModelForSequenceClassification.from_pretrained(folder, dtype=torch.float32)

    def compute(ids: list[int]) -> list[list[float]]:
        with torch.inference_mode():
            hidden = model.base_model(torch.tensor([ids])).last_hidden_state[0]
            return model.score(hidden).tolist()  # type: ignore[no-any-return]

    return compute


@contextmanager
def opened(
    folder: Path, *behaviours: Behaviour, patience: Patience = QUICK
) -> Iterator[PoolingScorer]:
    with _urls(behaviours) as urls:
        pool = ServerPool(urls, name="m", start=STARTED, patience=patience)
        scorer = PoolingScorer(folder, pool, name="m")
        for behaviour in behaviours:
            behaviour.asked.clear()
            behaviour.answered.clear()
        try:
            yield scorer
        finally:
            scorer.close()


@contextmanager
def _urls(behaviours: tuple[Behaviour, ...]) -> Iterator[list[str]]:
    if not behaviours:
        yield []
        return
    first, *rest = behaviours
    with serve(first) as url, _urls(tuple(rest)) as others:
        yield [*read_urls(url), *others]


def score(scorer: RunningScorer, paths: list[list[str]], partial: str = PARTIAL) -> PathScores:
    return asyncio.run(scorer.scoring(problem()).score(partial, paths))


def assert_equal(found: PathScores, wanted: PathScores) -> None:
    assert (found.tokens, found.by_path) == (wanted.tokens, wanted.by_path)
    for got, expected in zip(found.values, wanted.values, strict=True):
        assert got == pytest.approx(expected, abs=TOLERANCE)


# Values.


def test_scores_and_their_cost_are_those_of_transformers(
    folder: Path, plain: PPMScorer, numbers: Numbers
) -> None:
    with opened(folder, Behaviour(pool=numbers)) as scorer:
        for paths in ([[step] for step in SIBLINGS], PATHS):
            wanted = score(plain, paths)
            assert len({value for path in wanted.values for value in path}) > 2
            assert_equal(score(scorer, paths), wanted)
        question = problem().question
        assert scorer.values_of(question, PARTIAL, PATHS)[1] == pytest.approx(
            plain.values_of(question, PARTIAL, PATHS)[1], abs=TOLERANCE
        )
        assert score(scorer, []) == PathScores([], 0)
        assert scorer.aggregate == plain.aggregate
        assert scorer.about == {"engine": "server", "dtype": "the server's", "batched": True}


def test_a_text_that_another_goes_on_from_is_not_asked_for(folder: Path, numbers: Numbers) -> None:
    behaviour = Behaviour(pool=numbers)

    async def grow(scorer: PoolingScorer) -> list[int]:
        scoring = scorer.scoring(problem())
        counts = []
        for paths in (PATHS, PATHS[:2], [PATHS[1][:2]], [[*PATHS[1], SIBLINGS[0]]]):
            before = len(behaviour.asked)
            await scoring.score(PARTIAL, paths)
            counts.append(len(behaviour.asked) - before)
        scoring.close()
        return counts

    with opened(folder, behaviour) as scorer:
        # Three ends; nothing that is known already; and one step more.
        assert asyncio.run(grow(scorer)) == [3, 0, 0, 1]
    assert {path for path, _ in behaviour.asked} == {"/pooling"}
    _, asked = behaviour.asked[0]
    assert asked["model"] == "m" and asked["task"] == "token_classify"
    assert asked["use_activation"] is False


class PlainPool:
    """A pool that computes in this process, and remembers what it was asked for."""

    about: Mapping[str, Any] = {"engine": "plain"}

    def __init__(self, numbers: Numbers) -> None:
        self._numbers = numbers
        self.asked: list[tuple[int, bool]] = []

    async def open(self) -> None:
        pass

    async def compute(self, ids: list[int], *, last: bool, order: int) -> list[list[float]]:
        self.asked.append((len(ids), last))
        rows = self._numbers(ids)
        return rows[-1:] if last else rows

    async def close(self) -> None:
        pass


def test_the_last_score_of_a_text_is_asked_for_alone(
    folder: Path, plain: PPMScorer, numbers: Numbers
) -> None:
    pool = PlainPool(numbers)
    scorer = PoolingScorer(folder, pool, name="m")
    found = score(scorer, [[step] for step in SIBLINGS])
    whole = score(scorer, [PATHS[1]])
    scorer.close()
    assert_equal(found, score(plain, [[step] for step in SIBLINGS]))
    assert_equal(whole, score(plain, [PATHS[1]]))
    # The empty sibling ends where the others begin, and so comes with one of them.
    assert sorted(last for _, last in pool.asked) == [False, False, True]


@pytest.mark.parametrize("head", ["classes", "vocabulary"])
def test_two_numbers_are_read_as_those_of_a_wrong_and_a_right_step(
    head: str, folder: Path, tmp_path: Path
) -> None:
    for file in folder.iterdir():
        if file.name != "reward.json":
            (tmp_path / file.name).write_bytes(file.read_bytes())
    told = {"layout": "plain", "head": head, "squash": "softmax", "marker": "!"}
    right, wrong = (2, 0) if head == "classes" else ("+", "-")
    (tmp_path / "reward.json").write_text(json.dumps({**told, "good": right, "bad": wrong}))
    rows = [[0.0, 5.0, 1.0] if head == "classes" else [0.0, 1.0]]
    scorer = PoolingScorer(tmp_path, PlainPool(lambda ids: rows * len(ids)), name="m")
    ((value,),) = score(scorer, [["a = 1"]]).values
    scorer.close()
    assert (value + 1) / 2 == pytest.approx(1 / (1 + 2.718281828**-1), abs=1e-6)


# What servers do.


@pytest.mark.parametrize("count", [150, pytest.param(1000, marks=pytest.mark.slow)])
def test_all_texts_of_a_misbehaving_server_are_scored_once_each(count: int, folder: Path) -> None:
    def by_length(ids: list[int]) -> list[list[float]]:
        return [[(hash(tuple(ids)) % 1000) / 1000] for _ in ids]

    behaviour = Behaviour(pool=by_length)

    async def all_at_once(scorer: PoolingScorer) -> list[PathScores]:
        searches = [
            scorer.scoring(replace(problem(), question=f"Question {i}")) for i in range(count)
        ]
        return await asyncio.gather(*(each.score(START, [["x"]]) for each in searches))

    with opened(folder, behaviour) as scorer:
        wanted = asyncio.run(all_at_once(scorer))
        behaviour.answered.clear()
        behaviour.share = 0.3
        found = asyncio.run(all_at_once(scorer))
    assert found == wanted
    assert len({each.values[0][0] for each in found}) > count / 3
    assert set(behaviour.faulted) == set(FAULTS)
    del behaviour.answered["cut"]
    assert len(behaviour.answered) == count and set(behaviour.answered.values()) == {1}


def test_where_no_server_is_left_the_run_ends(folder: Path, numbers: Numbers) -> None:
    patience = Patience(tries=3, first_wait=0.001)
    with opened(folder, Behaviour(pool=numbers), patience=patience) as scorer:
        scorer._pool._servers.each[0].url = "http://127.0.0.1:9"  # type: ignore[attr-defined]
        with pytest.raises(DeadEngineError, match="start the server again and repeat the command"):
            score(scorer, PATHS)


def test_a_server_that_is_gone_is_replaced_by_another(
    folder: Path, plain: PPMScorer, numbers: Numbers
) -> None:
    with opened(folder, Behaviour(pool=numbers), Behaviour(pool=numbers)) as scorer:
        scorer._pool._servers.each[0].url = "http://127.0.0.1:9"  # type: ignore[attr-defined]
        assert_equal(score(scorer, PATHS), score(plain, PATHS))


def test_a_refusal_fails_its_search_with_what_the_server_said(
    folder: Path, numbers: Numbers
) -> None:
    behaviour = Behaviour(pool=numbers)
    with opened(folder, behaviour) as scorer:
        behaviour.refuse = "["
        with pytest.raises(EngineError, match="refused to score: 400 .*started with: vllm serve"):
            score(scorer, PATHS)


@pytest.mark.parametrize(
    ("pool", "said"),
    [
        (lambda ids: [[0.1]], "does not score every token .*it gave 1 scores for 2.*vllm serve it"),
        (lambda ids: [], "answered none of 12 tries: an answer with other numbers"),
        (lambda ids: [0.5 for _ in ids], "answered none of 12 tries: an answer without what was"),
    ],
    ids=["the last token alone", "nothing", "one number"],
)
def test_a_server_that_was_started_for_something_else_is_refused(
    pool: Any, said: str, folder: Path
) -> None:
    with pytest.raises(EngineError, match=said), opened(folder, Behaviour(pool=pool)):
        pass


@pytest.mark.parametrize(
    ("row", "said"),
    [([float("nan")], "without the 1 finite"), ([], "without the 1 finite")],
    ids=["no number", "no column"],
)
def test_what_is_no_score_is_no_value(row: list[float], said: str, folder: Path) -> None:
    scorer = PoolingScorer(folder, PlainPool(lambda ids: [row for _ in ids]), name="m")
    with pytest.raises(EngineError, match=said):
        score(scorer, PATHS)
    scorer.close()


def test_a_model_that_is_not_served_and_a_server_that_is_not_there_are_refused(
    folder: Path, numbers: Numbers
) -> None:
    with pytest.raises(EngineError, match="does not serve 'm'; it serves a. Give --served-model"):
        with opened(folder, Behaviour(models=("a",), pool=numbers)):
            pass
    pool = ServerPool(["http://127.0.0.1:9"], name="m", start=STARTED, patience=QUICK)
    with pytest.raises(EngineError, match=r"no server answers at .*e\.g\. `vllm serve it`"):
        PoolingScorer(folder, pool, name="m")


async def test_what_is_being_scored_ends_when_the_scorer_is_closed(
    folder: Path, numbers: Numbers
) -> None:
    behaviour = Behaviour(pool=numbers, faults=("503",))
    with opened(folder, behaviour, patience=Patience(first_wait=30.0)) as scorer:
        behaviour.share = 1.0
        waiting = asyncio.create_task(scorer.scoring(problem()).score(PARTIAL, PATHS))
        while not behaviour.asked:
            await asyncio.sleep(0.01)
        await asyncio.to_thread(scorer.close)
        with pytest.raises(EngineError, match="closed before it answered"):
            await waiting
        with pytest.raises(EngineError, match="scores nothing any more"):
            await scorer.scoring(problem()).score(PARTIAL, PATHS)


def test_urls_come_from_the_option_or_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RSTAR_BENCH_PPM_URL", "http://a, https://b/v1/")
    assert read_urls() == ("http://a", "https://b")
    assert read_urls("http://c:1/v1") == ("http://c:1",)
    monkeypatch.delenv("RSTAR_BENCH_PPM_URL")
    with pytest.raises(BenchError, match="--ppm-engine server needs the URL of a server"):
        read_urls()
    with pytest.raises(BenchError, match="'localhost:8001' is no URL"):
        read_urls("localhost:8001")


# Which conventions can be served.


def described(folder: Path, architecture: str, contract: RewardContract | None) -> Path:
    (folder / "config.json").write_text(json.dumps({"architectures": [architecture]}))
    if contract is not None:
        told = {name: getattr(contract, name) for name in contract.__slots__}
        (folder / "reward.json").write_text(json.dumps(told))
    return folder


def test_a_ppm_of_ours_and_qwens_are_served_as_they_are(folder: Path, tmp_path: Path) -> None:
    assert pooling_overrides(folder, "m") == {}
    assert pooling_overrides(described(tmp_path, "Qwen2ForProcessRewardModel", None), "m") == {}


def test_two_words_of_a_vocabulary_are_served_as_a_classifier(
    tokenizer_folder: Path, tmp_path: Path
) -> None:
    tiny.policy(tmp_path, tokenizer_folder)
    name = "RLHFlow/Llama3.1-8B-PRM-Deepseek-Data"
    overrides = pooling_overrides(tmp_path, name)
    assert overrides == {
        "architectures": ["LlamaForSequenceClassification"],
        "classifier_from_token": ["-", "+"],
        "method": "no_post_processing",
    }
    command = serve_command(tmp_path, name, overrides)
    assert "--served-model-name RLHFlow/Llama3.1-8B-PRM-Deepseek-Data --runner pooling" in command
    assert """'{"task": "token_classify", "tok_pooling_type": "ALL"}' --hf-overrides""" in command


@pytest.mark.parametrize(
    ("architecture", "contract", "said"),
    [
        ("Qwen2ForPrmModel", None, "its scores come of a v_head, which vLLM has not"),
        ("New", QWEN_MATH_PRM, "its architecture New is no classifier"),
        (
            "T5ForConditionalGeneration",
            RewardContract("plain", "vocabulary", "softmax", marker="!", good="+", bad="-"),
            "its words' logits are read of T5ForConditionalGeneration",
        ),
    ],
)
def test_a_head_that_vllm_has_not_is_refused_in_one_sentence(
    architecture: str, contract: RewardContract | None, said: str, tmp_path: Path
) -> None:
    with pytest.raises(CheckpointError, match=f"{said}. Leave --ppm-engine out"):
        pooling_overrides(described(tmp_path, architecture, contract), "m")
