"""The PPM on a tiny random classifier: packing changes the work, not the values.

Most tests run it in fp32, where equality is sharp; one runs it in bf16, as users do.
"""

from __future__ import annotations

import asyncio
import json
import math
from collections.abc import Iterator, Sequence
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from bench.checkpoints.checkpoint import find_checkpoint, published_checkpoints
from bench.checkpoints.ppm_config import PPMConfig
from bench.checkpoints.reward import find_reading
from bench.checkpoints.weights import full_weights
from bench.engines.base import PathScores
from bench.engines.ppm import Pass, PPMScorer
from bench.engines.scored_tree import Chunk, Network, ScoredTree, compute, share_passes
from bench.engines.token_trie import Placed
from bench.engines.turns import Turns
from bench.errors import CheckpointError, DeadEngineError, EngineError, UnknownNameError
from bench.prompts import OFFICIAL, START
from tests import tiny
from tests.scripted import problem

needs_torch = pytest.mark.skipif(
    find_spec("torch") is None or find_spec("transformers") is None,
    reason="torch or transformers is not installed: pip install 'rstar-bench[cpu]'",
)

CONFIG = PPMConfig(OFFICIAL.name, OFFICIAL.digest)
TOLERANCE = 1e-5
"""In fp32: two orders of summation."""
TOLERANCE_BF16 = 0.1
"""bf16 has 8 bits of mantissa, and these random weights are wide; 0.06 was seen."""

BF16_BOUND = 0.05
"""Of a trained PPM, by where a pass ends and what is beside it; 0.013 was seen."""

PARTIAL = f"{START}\na = 14 * 6\n<end_of_step>"
SIBLINGS = [
    "\nb = a - 9\n<end_of_step>",
    "\nb = a + 9\nc = b\n<end_of_step>",
    "\nprint(a)\n<end_of_code>\n<output>84<end_of_output>\n",
    "<answer>\\boxed{84}<end_of_answer>",
]
PATHS = [
    ["\nb = a - 9\n<end_of_step>", "\nprint(b)\n<end_of_code>\n<output>75<end_of_output>\n"],
    ["\nb = a - 9\n<end_of_step>", "\nb = 2 * b\n<end_of_step>", "\nprint(b)\n<end_of_code>"],
    ["\nprint(a)\n<end_of_code>"],
]


@pytest.fixture(scope="module")
def folder(tokenizer_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tiny.ppm(tmp_path_factory.mktemp("ppm"), tokenizer_folder)
    CONFIG.save(made)
    return made


@pytest.fixture(scope="module")
def scorer(folder: Path) -> Iterator[PPMScorer]:
    started = PPMScorer(folder, name="tiny")
    started.backbone.float()
    yield started
    started.close()


@pytest.fixture(scope="module")
def tokenizer(folder: Path) -> Any:
    from transformers import AutoTokenizer

    return AutoTokenizer.from_pretrained(folder)


def score_paths(scorer: PPMScorer, paths: list[list[str]], partial: str = PARTIAL) -> PathScores:
    return asyncio.run(scorer.scoring(problem()).score(partial, paths))


def score(scorer: PPMScorer, steps: list[str], partial: str = PARTIAL) -> list[float]:
    return [value for (value,) in score_paths(scorer, [[step] for step in steps], partial).values]


def length(tokenizer: Any, text: str) -> int:
    return len(tokenizer(text, add_special_tokens=False)["input_ids"])


@needs_torch
def test_memory_that_runs_out_ends_the_run(
    scorer: PPMScorer, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> object:
        raise MemoryError("std::bad_alloc")

    monkeypatch.setattr(scorer.backbone, "forward", fail)
    with pytest.raises(DeadEngineError, match="the PPM tiny ran out of memory"):
        score(scorer, SIBLINGS)
    monkeypatch.undo()
    assert len(score(scorer, SIBLINGS)) == len(SIBLINGS)


# Values.


@pytest.fixture(scope="module")
def expected(folder: Path, tokenizer: Any) -> list[float]:
    """The siblings' values, each alone in the plain Hugging Face model."""
    import torch
    from transformers import AutoModelForSequenceClassification

    plain = AutoModelForSequenceClassification.from_pretrained(folder, dtype=torch.float32)
    values = []
    for sibling in SIBLINGS:
        text = OFFICIAL.render(problem().question, PARTIAL + sibling)
        ids = tokenizer(text, add_special_tokens=False, return_tensors="pt")["input_ids"]
        with torch.inference_mode():
            values.append(math.tanh(float(plain(ids).logits)))
    return values


@needs_torch
def test_packed_siblings_score_as_each_does_alone_in_the_plain_model(
    scorer: PPMScorer, expected: list[float]
) -> None:
    gaps = [abs(a - b) for i, a in enumerate(expected) for b in expected[:i]]
    assert min(gaps) > 1000 * TOLERANCE  # else equality would say little
    assert score(scorer, SIBLINGS) == pytest.approx(expected, abs=TOLERANCE)


@needs_torch
def test_half_precision_moves_the_values_by_its_rounding_only(
    folder: Path, expected: list[float]
) -> None:
    scorer = PPMScorer(folder, name="tiny")
    assert score(scorer, SIBLINGS) == pytest.approx(expected, abs=TOLERANCE_BF16)
    scorer.close()


@needs_torch
def test_a_steps_value_does_not_depend_on_its_siblings(scorer: PPMScorer) -> None:
    together = score(scorer, SIBLINGS)
    alone = [score(scorer, [sibling])[0] for sibling in SIBLINGS]
    assert together == pytest.approx(alone, abs=TOLERANCE)
    assert score(scorer, SIBLINGS[::-1])[::-1] == pytest.approx(together, abs=TOLERANCE)


@needs_torch
def test_whole_paths_score_as_step_by_step(scorer: PPMScorer) -> None:
    expected = []
    for path in PATHS:
        partials = [PARTIAL + "".join(path[:i]) for i in range(len(path))]
        expected.append([score(scorer, [s], p)[0] for s, p in zip(path, partials, strict=True)])
    scores = score_paths(scorer, PATHS)
    assert [len(values) for values in scores.values] == [2, 3, 1]
    for got, wanted in zip(scores.values, expected, strict=True):
        assert got == pytest.approx(wanted, abs=TOLERANCE)


@needs_torch
def test_an_empty_step_has_the_value_of_what_came_before(scorer: PPMScorer) -> None:
    first, empty = score(scorer, [SIBLINGS[0], ""])
    (before,) = score(scorer, [PARTIAL.removeprefix(START)], START)
    assert empty == pytest.approx(before, abs=TOLERANCE)
    assert first == pytest.approx(score(scorer, SIBLINGS[:1])[0], abs=TOLERANCE)


@needs_torch
def test_the_official_squashing_divides_by_five(folder: Path, tmp_path: Path) -> None:
    values = {}
    for squash in ("tanh", "tanh_fifth"):
        for file in folder.iterdir():
            (tmp_path / file.name).write_bytes(file.read_bytes())
        replace(CONFIG, squash=squash).save(tmp_path)  # type: ignore[arg-type]
        scorer = PPMScorer(tmp_path, name=squash)
        values[squash] = score(scorer, SIBLINGS)
        scorer.close()
    fifth = [math.atanh(value) * 5 for value in values["tanh_fifth"]]
    assert [math.tanh(value) for value in fifth] == pytest.approx(values["tanh"], abs=1e-4)


# A search that scores again and again.


def walk(scorer: PPMScorer) -> tuple[list[list[float]], list[int]]:
    """Score what a search would: siblings, then the children of two of them, one search long."""

    async def go() -> tuple[list[list[float]], list[int]]:
        scoring = scorer.scoring(problem())
        values, tokens = [], []
        for partial, steps in EXPANSIONS:
            scores = await scoring.score(partial, [[step] for step in steps])
            values.append([value for (value,) in scores.values])
            tokens.append(scores.tokens)
        scoring.close()
        return values, tokens

    return asyncio.run(go())


EXPANSIONS = [
    (PARTIAL, SIBLINGS[:2]),
    (PARTIAL + SIBLINGS[1], [SIBLINGS[2], SIBLINGS[0]]),
    (PARTIAL + SIBLINGS[0], [SIBLINGS[2], "\nc = 2 * b\n<end_of_step>"]),
    (PARTIAL + SIBLINGS[0] + SIBLINGS[2], [SIBLINGS[3]]),
]


@needs_torch
def test_what_a_search_has_scored_is_reused_without_changing_a_value(scorer: PPMScorer) -> None:
    values, _ = walk(scorer)
    for got, (partial, steps) in zip(values, EXPANSIONS, strict=True):
        assert got == pytest.approx(score(scorer, steps, partial), abs=TOLERANCE)


@needs_torch
def test_the_same_walk_gives_the_same_bits(scorer: PPMScorer) -> None:
    score(scorer, SIBLINGS)
    first = walk(scorer)
    score(scorer, SIBLINGS[1:])
    assert walk(scorer) == first


@needs_torch
def test_no_token_of_a_search_is_computed_twice(scorer: PPMScorer) -> None:
    _, tokens = walk(scorer)
    texts = [
        OFFICIAL.render(problem().question, partial + step)
        for partial, steps in EXPANSIONS
        for step in steps
    ]
    rows = [tuple(scorer.ids(text)) for text in texts]
    unique = {row[: end + 1] for row in rows for end in range(len(row))}
    assert sum(tokens) == len(unique)


@needs_torch
def test_scoring_again_costs_nothing_and_gives_the_same(scorer: PPMScorer) -> None:
    async def twice() -> list[PathScores]:
        scoring = scorer.scoring(problem())
        return [await scoring.score(PARTIAL, PATHS) for _ in range(2)]

    first, second = asyncio.run(twice())
    assert second.tokens == 0
    assert second.values == first.values


@needs_torch
def test_a_search_that_outgrows_what_is_kept_begins_anew(
    scorer: PPMScorer, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept, cheap = walk(scorer)
    monkeypatch.setattr("bench.engines.scored_tree.KEPT_TOKENS", 40)
    values, dear = walk(scorer)
    assert sum(dear) > sum(cheap)
    for got, wanted in zip(values, kept, strict=True):
        assert got == pytest.approx(wanted, abs=TOLERANCE)


@needs_torch
def test_a_pass_cut_into_short_ones_gives_the_same(
    scorer: PPMScorer, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = score_paths(scorer, PATHS)
    monkeypatch.setattr("bench.engines.scored_tree.PASS_TOKENS", 7)
    cut = score_paths(scorer, PATHS)
    assert cut.by_path == whole.by_path
    for got, wanted in zip(cut.values, whole.values, strict=True):
        assert got == pytest.approx(wanted, abs=TOLERANCE)


# Passes of several searches.


@needs_torch
def test_passes_that_wait_share_one_turn_and_keep_their_order(
    scorer: PPMScorer, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The thread may still be in the turn of the test before, and would take these passes along.
    scorer._worker.submit(lambda: None).result()
    turns, made = Turns(), []
    taken: list[int] = []
    monkeypatch.setattr(scorer, "_turns", turns)
    enter = Turns.__enter__
    monkeypatch.setattr(Turns, "__enter__", lambda self: (enter(self), taken.append(1)))

    def numbered(index: int) -> Pass:
        def place() -> list[list[Placed]]:
            made.append(index)
            return []

        return Pass(ScoredTree(), place)

    async def all_at_once() -> list[tuple[list[list[float]], list[int]]]:
        with turns:  # the engine generates
            asked = [asyncio.ensure_future(scorer.run(numbered(i))) for i in range(5)]
            await asyncio.sleep(0.05)
            assert made == []
        return await asyncio.gather(*asked)

    assert asyncio.run(all_at_once()) == [([], [])] * 5
    assert made == [0, 1, 2, 3, 4]
    assert len(taken) == 2  # the engine's and the passes'


@needs_torch
def test_a_pass_that_fails_fails_alone(scorer: PPMScorer) -> None:
    await_both(scorer)


def await_both(scorer: PPMScorer) -> None:
    """A pass that cannot be placed, beside one that can."""

    def broken() -> list[list[Placed]]:
        raise RuntimeError("no memory")

    def placed() -> list[list[Placed]]:
        return scorer.place("", PARTIAL, PATHS)

    async def both() -> list[object]:
        passes = Pass(ScoredTree(), broken), Pass(ScoredTree(), placed)
        return await asyncio.gather(*map(scorer.run, passes), return_exceptions=True)

    failed, made = asyncio.run(both())
    assert isinstance(failed, RuntimeError)
    assert isinstance(made, tuple) and [len(values) for values in made[0]] == [2, 3, 1]


# Passes of several searches as one.


@pytest.fixture(scope="module")
def batched(folder: Path) -> Iterator[PPMScorer]:
    started = PPMScorer(folder, name="tiny", dtype="float32", batched=True)
    yield started
    started.close()


def search_at_once(scorer: PPMScorer, count: int) -> list[list[list[list[float]]]]:
    """Let searches of different questions and lengths score at once, thrice each."""

    async def one(at: int) -> list[list[list[float]]]:
        scoring = scorer.scoring(replace(problem(), question="How many jars? " * (at + 1)))
        found = []
        for partial, steps in EXPANSIONS[: 2 + at % 3]:
            scores = await scoring.score(partial, [[step] for step in steps])
            found.append(scores.values)
        found.append((await scoring.score(PARTIAL, PATHS[at % 2 :])).values)
        scoring.close()
        return found

    async def together() -> list[list[list[list[float]]]]:
        with scorer._turns:  # so that all wait before the first pass is made
            asked = [asyncio.ensure_future(one(at)) for at in range(count)]
            await asyncio.sleep(0.05)
        return await asyncio.gather(*asked)

    return asyncio.run(together())


def flatten(found: list[list[list[list[float]]]]) -> list[float]:
    return [v for search in found for call in search for path in call for v in path]


@needs_torch
def test_searches_that_share_passes_score_as_each_does_alone(
    scorer: PPMScorer, batched: PPMScorer, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows: list[int] = []

    def counted(network: Network, chunks: Sequence[Chunk]) -> None:
        rows.append(len(chunks))
        compute(network, chunks)

    monkeypatch.setattr("bench.engines.ppm.compute", counted)
    together = flatten(search_at_once(batched, 9))
    assert max(rows) > 4
    rows.clear()
    alone = flatten(search_at_once(scorer, 9))
    assert set(rows) == {1}
    assert len(set(alone)) > len(alone) / 2
    assert together == pytest.approx(alone, abs=TOLERANCE)


@needs_torch
@pytest.mark.slow
def test_shared_passes_of_a_published_ppm_are_as_near_to_fp32_as_a_pass_each() -> None:
    if not (names := list(published_checkpoints("ppm"))):
        pytest.skip("no PPM is published here")
    weights = full_weights(find_checkpoint(names[-1], "ppm"))
    found = []
    for dtype, shared in (("float32", False), ("bfloat16", False), ("bfloat16", True)):
        scorer = PPMScorer(weights, name="published", dtype=dtype, batched=shared)
        found.append(flatten(search_at_once(scorer, 9)))
        scorer.close()
    exact, alone, together = found
    assert together != alone
    of_alone, of_together = (
        [abs(a - b) for a, b in zip(each, exact, strict=True)] for each in (alone, together)
    )
    assert sum(of_together) < 1.5 * sum(of_alone)
    assert together == pytest.approx(alone, abs=BF16_BOUND)


@needs_torch
def test_a_pass_that_fails_fails_alone_among_those_it_would_share(batched: PPMScorer) -> None:
    await_both(batched)


@needs_torch
def test_two_passes_of_one_search_are_made_one_after_the_other(batched: PPMScorer) -> None:
    async def go() -> list[PathScores]:
        scoring = batched.scoring(problem())
        return await asyncio.gather(*(scoring.score(PARTIAL, PATHS) for _ in range(3)))

    first, *others = asyncio.run(go())
    assert first.tokens > 0
    assert all(each.tokens == 0 and each.values == first.values for each in others)


@needs_torch
def test_shared_passes_hold_little_padding(batched: PPMScorer) -> None:
    trees = [ScoredTree() for _ in range(6)]
    for tree, size in zip(trees, (500, 400, 260, 200, 20, 10), strict=True):
        tree.add([[(list(range(size)), size - 1)]])
    chunks = [chunk for tree in trees if (chunk := tree.next_chunk()) is not None]
    groups = [[chunk.size for chunk in group] for group in share_passes(chunks[::-1])]
    assert groups == [[500, 400, 260], [200], [20, 10]]


# Cost.


@needs_torch
def test_a_shared_prefix_is_counted_once(scorer: PPMScorer, tokenizer: Any) -> None:
    prompt = length(tokenizer, OFFICIAL.render(problem().question, PARTIAL))
    different = [SIBLINGS[0], SIBLINGS[3]]
    steps = sum(length(tokenizer, step) for step in different)
    assert score_paths(scorer, [[step] for step in different]).tokens == prompt + steps


@needs_torch
def test_nothing_to_score_costs_nothing(scorer: PPMScorer) -> None:
    assert score_paths(scorer, []) == PathScores([], 0)


@needs_torch
def test_a_step_whose_first_token_merges_with_the_prefix_is_scored_as_written(
    scorer: PPMScorer, tokenizer: Any
) -> None:
    # `=` before `=` is the one token `==`.
    partial, steps = f"{START}\nx =", ["= 3\n<end_of_step>", "=\n<end_of_step>"]
    whole = [length(tokenizer, partial + s) for s in steps]
    assert whole != [length(tokenizer, partial) + length(tokenizer, s) for s in steps]
    alone = [score(scorer, [step], partial)[0] for step in steps]
    assert score(scorer, steps, partial) == pytest.approx(alone, abs=TOLERANCE)


# A checkpoint that is not what it says is refused.


def test_a_changed_template_is_refused(tmp_path: Path) -> None:
    replace(CONFIG, template_digest="0" * 16).save(tmp_path)
    with pytest.raises(CheckpointError, match="another version of the prompt template 'rstar'"):
        PPMConfig.load(tmp_path)


def test_an_unknown_template_is_refused(tmp_path: Path) -> None:
    replace(CONFIG, template="rstarr").save(tmp_path)
    with pytest.raises(UnknownNameError, match="did you mean 'rstar'"):
        PPMConfig.load(tmp_path)


@pytest.mark.parametrize(
    "text",
    [
        None,
        "{",
        "[]",
        json.dumps({"template": "rstar"}),
        json.dumps({"template": "rstar", "template_digest": OFFICIAL.digest, "squash": "relu"}),
        json.dumps({"template": "rstar", "template_digest": OFFICIAL.digest, "scale": 5}),
    ],
    ids=["missing", "cut", "no table", "incomplete", "unknown squashing", "unknown key"],
)
def test_a_ppm_without_its_description_is_refused(tmp_path: Path, text: str | None) -> None:
    if text is not None:
        (tmp_path / "reward.json").write_text(text)
    with pytest.raises(CheckpointError, match=r"reward\.json"):
        PPMConfig.load(tmp_path)


def test_a_description_under_its_first_name_is_read(tmp_path: Path) -> None:
    replace(CONFIG, aggregate="min").save(tmp_path)
    (tmp_path / "reward.json").rename(tmp_path / "ppm.json")
    found = find_reading(tmp_path)
    assert isinstance(found, PPMConfig) and found.aggregate == "min"
    replace(CONFIG, aggregate="mean").save(tmp_path)  # as a training into the same folder does
    again = find_reading(tmp_path)
    assert isinstance(again, PPMConfig) and again.aggregate == "mean"


@needs_torch
def test_a_closed_scorer_is_an_engine_error(folder: Path) -> None:
    scorer = PPMScorer(folder, name="tiny")
    scorer.close()
    with pytest.raises(EngineError, match="the PPM tiny failed on p1"):
        score(scorer, SIBLINGS)
