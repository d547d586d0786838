"""The newest published PPM on siblings of an expansion, and on the expansions of several searches.

Siblings are scored together and one at a time: together, their common prefix goes through the model
once. Searches have a pass each, or passes that they share (`--batch-scores`). That the values are
equal either way is what the tests are for; how far engines are apart on a whole PPM is measured.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from bench.checkpoints.checkpoint import (
    Checkpoint,
    checkpoints_dir,
    find_checkpoint,
    published_checkpoints,
)
from bench.engines.base import RunningScorer, StepScorer
from bench.engines.opening import TRANSFORMERS, ScorerSettings, open_scorer
from bench.engines.turns import Turns
from bench.errors import CheckpointError
from bench.evaluation.parity import BOUNDS, compare_all, embedded_solutions, score_steps
from bench.problems import load
from bench.prompts import START
from bench.speed.measure import Figure, measure_time
from bench.types import Problem

PROBLEMS = 16
CANDIDATES = 4
SEARCHES = (8, 32)
"""Searches at once."""
PARTIAL = f"{START}\n# Step 1: Count all jars\njars = 14 * 6\n<end_of_step>"


async def ppm() -> list[Figure]:
    """Time the newest published PPM on siblings, and on the expansions of several searches."""
    problems = load("embedded-grade-school", limit=max(PROBLEMS, *SEARCHES))
    scorer = open_newest_ppm()
    try:
        figures = await _time_siblings(scorer, problems[:PROBLEMS])
        for count in SEARCHES:
            figures.append(await _time_searches(scorer, problems[:count], "a pass each"))
    finally:
        scorer.close()
    for how, batched in (("transformers", True), ("invariant", False)):
        scorer = open_newest_ppm(engine=how, batched=batched)
        try:
            await _expand(scorer, problems[0])  # the first pass allocates
            for count in SEARCHES:
                timed = await _time_searches(scorer, problems[:count], f"passes shared, {how}")
                figures.append(timed)
        finally:
            scorer.close()
    return [*figures, *await _compare_engines()]


async def _compare_engines() -> list[Figure]:
    """Score the same steps on the two engines that are always there, as `ppm parity` does."""
    solutions = embedded_solutions(PROBLEMS)
    figures = []
    for dtype, bound in BOUNDS.items():
        scores = {}
        for name in (TRANSFORMERS, "invariant"):
            scorer = open_scorer(_find_newest(), settings=ScorerSettings(name, dtype=dtype))
            try:
                scores[name] = await score_steps(solutions, scorer)
            finally:
                scorer.close()
        (found,) = compare_all(solutions, scores)
        what = f"transformers / invariant, {dtype}: largest difference of {found.steps} steps"
        figures.append(Figure(what, found.largest, "", at_most=bound))
    return figures


async def _time_siblings(scorer: StepScorer, problems: Sequence[Problem]) -> list[Figure]:
    paths = _siblings(2)
    await scorer.scoring(problems[0]).score(PARTIAL, paths)  # the first pass allocates
    with measure_time() as packed:
        together = [await scorer.scoring(each).score(PARTIAL, paths) for each in problems]
    with measure_time() as single:
        alone = [
            await scorer.scoring(each).score(PARTIAL, [path]) for each in problems for path in paths
        ]
    tokens, tokens_alone = (sum(s.tokens for s in scores) for scores in (together, alone))
    return [
        Figure(f"{CANDIDATES} siblings together", tokens / packed.wall, "tokens/s"),
        Figure("one at a time", tokens_alone / single.wall, "tokens/s"),
        Figure("tokens, together / one at a time", tokens / tokens_alone, "x"),
        Figure("time, together / one at a time", packed.wall / single.wall, "x"),
        Figure("an expansion scored", 1000 * packed.wall / len(problems), "ms"),
    ]


async def _time_searches(scorer: StepScorer, problems: Sequence[Problem], how: str) -> Figure:
    with measure_time() as watch:
        tokens = sum(await asyncio.gather(*(_expand(scorer, each) for each in problems)))
    return Figure(f"{len(problems)} searches, {how}", tokens / watch.wall, "tokens/s")


async def _expand(scorer: StepScorer, problem: Problem) -> int:
    """Score the siblings of an expansion, then of one below each step of a path; return tokens."""
    scoring = scorer.scoring(problem)
    partial, tokens = PARTIAL, 0
    for depth in range(2, 5):
        paths = _siblings(depth)
        tokens += (await scoring.score(partial, paths)).tokens
        partial += paths[0][0]
    scoring.close()
    return tokens


def _siblings(depth: int) -> list[list[str]]:
    return [
        [f"\n# Step {depth}: Take away {i} jars\nwhole = jars - {i}\n<end_of_step>"]
        for i in range(CANDIDATES)
    ]


def open_newest_ppm(
    turns: Turns | None = None, *, engine: str = TRANSFORMERS, batched: bool = False
) -> RunningScorer:
    """Load the newest published PPM. Raises CheckpointError: there is none."""
    return open_scorer(_find_newest(), turns, ScorerSettings(engine, batched))


def _find_newest() -> Checkpoint:
    names = list(published_checkpoints("ppm"))
    if not names:
        raise CheckpointError(
            f"no PPM is published under {checkpoints_dir()}; train one with: "
            "rstar-train evolve --recipe smollm2-cpu --rounds 1"
        )
    return find_checkpoint(names[-1], "ppm")
