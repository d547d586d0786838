"""The batch-invariant PPM: a score depends on its path alone, whoever is scored beside it."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from importlib.util import find_spec
from typing import Any

import pytest

from bench.checkpoints.checkpoint import Checkpoint, find_checkpoint, published_checkpoints
from bench.engines.base import PathScores
from bench.engines.invariant_ppm import InvariantScorer
from bench.engines.opening import ScorerSettings, check_scorer, open_scorer
from bench.engines.paged_model import PagedModel
from bench.errors import CheckpointError, EngineError
from bench.prompts import START
from bench.types import Problem

pytestmark = pytest.mark.skipif(
    find_spec("openvino_genai") is None or not published_checkpoints("ppm"),
    reason="needs openvino-genai and a published PPM: pip install 'rstar-bench[cpu]'",
)

BOUND = 1e-3
"""In fp32, between two ways of computing a PPM whose weights one of them keeps in F16."""
PARTIAL = f"{START}\na = 14 * 6\n<end_of_step>"
SIBLINGS = [
    ["\nb = a - 9\n<end_of_step>"],
    ["\nb = a + 9\nc = b\n<end_of_step>"],
    ["\nprint(a)\n<end_of_code>\n<output>84<end_of_output>\n"],
]
LONGER = [[*path, f"\nd = {i}\n<end_of_step>"] for path in SIBLINGS for i in range(2)]


@pytest.fixture(scope="module")
def ppm() -> Checkpoint:
    return find_checkpoint([*published_checkpoints("ppm")][-1], "ppm")


@pytest.fixture(scope="module")
def scorer(ppm: Checkpoint) -> Iterator[Any]:
    opened = open_scorer(ppm, settings=ScorerSettings("invariant"))
    yield opened
    opened.close()


def asking(question: str) -> Problem:
    return Problem(question, question, "", "scripted")


def score(scorer: InvariantScorer, searches: int) -> list[list[PathScores]]:
    """Score the siblings of several searches, and then their children, all at the same time."""

    async def search(number: int) -> list[PathScores]:
        scoring = scorer.scoring(asking(f"What is {number} + 75?"))
        found = [await scoring.score(PARTIAL, paths) for paths in (SIBLINGS, LONGER)]
        scoring.close()
        return found

    async def gathered() -> list[list[PathScores]]:
        return await asyncio.gather(*map(search, range(searches)))

    return asyncio.run(gathered())


def test_a_score_is_the_same_alone_and_in_company_and_whatever_is_kept(scorer: Any) -> None:
    together = score(scorer, 12)
    assert score(scorer, 12) == together
    scorer._pool.forget()
    assert score(scorer, 1) == together[:1]
    assert score(scorer, 12) == together


def test_a_small_pool_changes_no_score(ppm: Checkpoint, scorer: Any) -> None:
    from bench.checkpoints.weights import full_weights, openvino_weights

    small = InvariantScorer(openvino_weights(ppm), full_weights(ppm), name="x", pool_blocks=40)
    try:
        assert score(small, 12) == score(scorer, 12)
    finally:
        small.close()


def test_a_step_has_the_same_value_as_a_part_of_a_longer_path(scorer: Any) -> None:
    siblings, longer = score(scorer, 1)[0]
    assert [path[0] for path in longer.values] == [
        path[0] for path in siblings.values for _ in range(2)
    ]


def test_each_token_of_a_search_counts_once(scorer: Any) -> None:
    siblings, longer = score(scorer, 1)[0]
    assert siblings.tokens == sum(siblings.by_path) > longer.tokens == sum(longer.by_path) > 0


def test_values_are_those_of_transformers(ppm: Checkpoint) -> None:
    values = []
    for engine in ("invariant", "transformers"):
        opened = open_scorer(ppm, settings=ScorerSettings(engine, dtype="float32"))
        try:
            values.append(opened.values_of("What is 9 + 75?", PARTIAL, LONGER))
        finally:
            opened.close()
    for one, other in zip(*values, strict=True):
        assert one == pytest.approx(other, abs=BOUND)


def test_what_a_search_asks_in_vain_is_its_own_error(
    scorer: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = scorer.reading.place

    def fail(question: str, partial: str, paths: Sequence[Sequence[str]]) -> Any:
        if question == "bad":
            raise RuntimeError("no such token")
        return place(question, partial, paths)

    monkeypatch.setattr(scorer.reading, "place", fail)

    async def both() -> list[PathScores | BaseException]:
        asked = [
            scorer.scoring(asking(each)).score(PARTIAL, SIBLINGS)
            for each in ("bad", "What is 9 + 75?")
        ]
        return await asyncio.gather(*asked, return_exceptions=True)

    failed, scored = asyncio.run(both())
    assert isinstance(failed, EngineError) and "no such token" in str(failed)
    assert isinstance(scored, PathScores)


@pytest.mark.parametrize("alike", [True, False])
def test_where_rows_are_not_alike_scores_are_computed_in_fp32(
    ppm: Checkpoint, alike: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bench.engines.invariant_ppm.fastest_precision", lambda: "bf16")
    monkeypatch.setattr(PagedModel, "treats_rows_alike", lambda model: alike)
    opened = open_scorer(ppm, settings=ScorerSettings("invariant"))
    assert opened.about["dtype"] == ("bfloat16" if alike else "float32")
    opened.close()


def test_rows_are_alike_in_fp32(ppm: Checkpoint) -> None:
    from bench.checkpoints.weights import openvino_weights

    assert PagedModel(openvino_weights(ppm), precision="f32", blocks=5).treats_rows_alike()


def test_a_ppm_of_another_model_is_refused_before_it_is_loaded(tmp_path: Any) -> None:
    other = Checkpoint("other", "ppm", tmp_path, {})
    with pytest.raises(CheckpointError, match="choose --ppm-engine transformers"):
        check_scorer(other, ScorerSettings("invariant"))
