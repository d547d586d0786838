"""The batch-invariant PPM: a score depends on its path alone, whoever is scored beside it.

Whether it has a backbone of its own or is a head on the policy's states.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterator, Sequence
from importlib.util import find_spec
from typing import Any

import pytest

from bench.checkpoints.checkpoint import (
    EMBEDDED,
    LINEAGE,
    Checkpoint,
    find_checkpoint,
    published_checkpoints,
)
from bench.checkpoints.ppm_config import PPMConfig
from bench.checkpoints.weights import full_weights, openvino_weights
from bench.engines.base import PathScores, RunningScorer
from bench.engines.invariant import InvariantEngine
from bench.engines.invariant_ppm import HeadScorer, InvariantScorer
from bench.engines.memory import BLOCK
from bench.engines.opening import (
    ScorerSettings,
    check_scorer,
    is_head_on,
    open_head,
    open_scorer,
)
from bench.engines.paged_model import PagedModel
from bench.errors import CheckpointError, DeadEngineError, EngineError
from bench.prompts import START, template
from bench.types import Problem
from tests.engines.asking import ask_one, request

pytestmark = pytest.mark.skipif(
    find_spec("openvino_genai") is None or not published_checkpoints("ppm"),
    reason="needs openvino-genai and a published PPM: pip install 'rstar-bench[cpu]'",
)

RSTAR = template("rstar")
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
def head(tmp_path_factory: pytest.TempPathFactory) -> Checkpoint:
    """A PPM of which nothing but the head differs from the embedded model."""
    torch = pytest.importorskip("torch", reason="torch is not installed")
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForSequenceClassification

    folder = tmp_path_factory.mktemp("head")
    base = full_weights(find_checkpoint(EMBEDDED, "policy"))
    model = AutoModelForSequenceClassification.from_pretrained(base, num_labels=1)
    adapted = get_peft_model(model, LoraConfig(r=1, target_modules=["q_proj"], task_type="SEQ_CLS"))
    torch.manual_seed(0)
    with torch.no_grad():
        torch.nn.init.normal_(adapted.base_model.model.score.modules_to_save["default"].weight)
    adapted.save_pretrained(folder)
    PPMConfig("rstar", RSTAR.digest, squash="tanh_fifth", bias=0.5, head_only=True).save(folder)
    lineage = {"name": "head", "kind": "ppm", "parent": EMBEDDED, "template": "rstar"}
    (folder / LINEAGE).write_text(json.dumps(lineage))
    return find_checkpoint(str(folder), "ppm")


@pytest.fixture(scope="module")
def engine(start_invariant: Callable[..., InvariantEngine]) -> Iterator[InvariantEngine]:
    started = start_invariant()
    yield started
    started.close()


@pytest.fixture(scope="module")
def on_policy(head: Checkpoint, engine: InvariantEngine) -> Any:
    policy = find_checkpoint(EMBEDDED, "policy")
    assert is_head_on(policy, "invariant", head, "invariant")
    return open_head(policy, engine, head)


@pytest.fixture(scope="module")
def own(ppm: Checkpoint) -> Iterator[Any]:
    opened = open_scorer(ppm, settings=ScorerSettings("invariant"))
    yield opened
    opened.close()


@pytest.fixture(scope="module", params=["own", "on_policy"])
def scorer(request: pytest.FixtureRequest) -> Any:
    """A PPM with passes of its own, and a head on what the policy's engine computes."""
    return request.getfixturevalue(request.param)


def forget(scorer: Any) -> None:
    """Let it keep no blocks."""
    (scorer._engine._blocks if isinstance(scorer, HeadScorer) else scorer._pool).forget()


def asking(question: str) -> Problem:
    return Problem(question, question, "", "scripted")


def score(scorer: RunningScorer, searches: int) -> list[list[PathScores]]:
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
    forget(scorer)
    assert score(scorer, 1) == together[:1]
    assert score(scorer, 12) == together


def test_a_small_pool_changes_no_score(ppm: Checkpoint, own: Any) -> None:
    small = InvariantScorer(openvino_weights(ppm), full_weights(ppm), name="x", pool_blocks=40)
    try:
        assert score(small, 12) == score(own, 12)
    finally:
        small.close()


def test_memory_that_runs_out_ends_the_run_and_scores_nothing(
    own: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> object:
        raise RuntimeError("std::bad_alloc")

    monkeypatch.setattr(own._model, "compute", fail)
    with pytest.raises(DeadEngineError, match="ran out of memory"):
        score(own, 1)
    monkeypatch.undo()
    assert len(score(own, 1)) == 1


def test_a_head_on_the_policy_gives_the_scores_of_the_whole_ppm(
    head: Checkpoint, on_policy: Any
) -> None:
    whole = open_scorer(head, settings=ScorerSettings("invariant"))
    try:
        found, wanted = (
            [[each.values for each in search] for search in score(scorer, 12)]
            for scorer in (on_policy, whole)
        )
        assert found == wanted
        asked = ("What is 9 + 75?", PARTIAL, LONGER)
        assert on_policy.values_of(*asked) == whole.values_of(*asked)
        assert dict(on_policy.about) == {**whole.about, "backbone": "the policy's"}
    finally:
        whole.close()


def test_what_was_generated_is_scored_at_a_row_each_and_no_text_is_another(
    start_invariant: Callable[..., InvariantEngine], head: Checkpoint
) -> None:
    engine = start_invariant()
    scorer = open_head(find_checkpoint(EMBEDDED, "policy"), engine, head)
    one = request(RSTAR.render("What is 9 + 75?", PARTIAL), n=4, max_tokens=40)
    scoring = scorer.scoring(asking("What is 9 + 75?"))
    try:
        texts = ask_one(engine, one)
        rows = engine.rows
        paths = [[each.text] for each in texts]
        first = asyncio.run(scoring.score(PARTIAL, paths))
        # A text that is tokenized once more may part from its own tokens near the end.
        assert engine.rows - rows <= 4 * BLOCK / 2
        assert sum(first.by_path) == len({each.text for each in texts})
        rows = engine.rows
        assert asyncio.run(scoring.score(PARTIAL, paths)).values == first.values
        assert engine.rows == rows
        assert ask_one(engine, one) == texts
    finally:
        engine.close()


def test_a_head_on_another_policy_has_passes_of_its_own(head: Checkpoint, ppm: Checkpoint) -> None:
    policy = find_checkpoint(EMBEDDED, "policy")
    other = find_checkpoint([*published_checkpoints("policy")][-1], "policy")
    assert not is_head_on(other, "invariant", head, "invariant")
    assert not is_head_on(policy, "invariant", ppm, "invariant")
    assert not is_head_on(policy, "invariant", head, "transformers")
    assert not is_head_on(policy, "openvino", head, "invariant")


def test_scoring_that_is_given_up_leaves_room_for_what_follows(
    start_invariant: Callable[..., InvariantEngine], head: Checkpoint
) -> None:
    engine = start_invariant(pool_blocks=24, max_sequences=4)
    scorer = open_head(find_checkpoint(EMBEDDED, "policy"), engine, head)

    async def give_up() -> None:
        asked = scorer.scoring(asking("What is 9 + 75?")).score(PARTIAL, SIBLINGS)
        task = asyncio.ensure_future(asked)
        await asyncio.sleep(0)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    try:
        for _ in range(8):
            asyncio.run(give_up())
        score(scorer, 2)
        assert len(engine._blocks._users) == 0
        with pytest.raises(EngineError, match="texts that are scored"):
            wide = [[f"\nx = {i}\n" * 60] for i in range(8)]
            asyncio.run(scorer.scoring(asking("?")).score(PARTIAL, wide))
    finally:
        engine.close()


def test_a_step_has_the_same_value_as_a_part_of_a_longer_path(scorer: Any) -> None:
    siblings, longer = score(scorer, 1)[0]
    assert [path[0] for path in longer.values] == [
        path[0] for path in siblings.values for _ in range(2)
    ]


def test_each_token_of_a_search_counts_once(own: Any) -> None:
    siblings, longer = score(own, 1)[0]
    assert siblings.tokens == sum(siblings.by_path) > longer.tokens == sum(longer.by_path) > 0


def test_each_step_that_a_head_scores_counts_as_a_token(on_policy: Any) -> None:
    siblings, longer = score(on_policy, 1)[0]
    assert siblings.by_path == (1,) * len(SIBLINGS)
    assert longer.by_path == (1,) * len(LONGER)  # their first steps were scored


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
    assert PagedModel(openvino_weights(ppm), precision="f32", blocks=17).treats_rows_alike()


def test_a_ppm_of_another_model_is_refused_before_it_is_loaded(tmp_path: Any) -> None:
    other = Checkpoint("other", "ppm", tmp_path, {})
    with pytest.raises(CheckpointError, match="choose --ppm-engine transformers"):
        check_scorer(other, ScorerSettings("invariant"))
