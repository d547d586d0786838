"""Whether engines give a reward model the same scores: the same steps by each, pair by pair.

Engines round differently, and a served model may be another one than its name says, or be read at
another token: then scores differ by far more. What counts is the largest difference of two values
in [-1, 1]; the bounds are those of a model that computes in fp32, where only the order of sums
differs, and in bf16, whose mantissa has 8 bits.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import combinations
from typing import Any

import numpy as np
from scipy.stats import kendalltau

from bench.engines.base import StepScorer
from bench.errors import DataError
from bench.evaluation.rescoring import read_problems
from bench.problems import load
from bench.prompts import START, tags
from bench.prompts.steps import output_block
from bench.reports.grid import Grid
from bench.runs.reader import Run
from bench.search import ROOT, Trace
from bench.types import Problem

BOUNDS: Mapping[str, float] = {"float32": 1e-3, "bfloat16": 0.05}
"""Largest difference of two values that still counts as agreement, by what engines compute in."""
POOL = "embedded-grade-school"
"""Whose problems are scored where no run is given."""
AT_ONCE = 16
"""Solutions scored at a time: engines that batch are to be seen batching."""
SCHEMA_VERSION = 1
"""Version of the JSON that `to_json` returns."""


@dataclass(frozen=True, slots=True)
class Solution:
    """A problem, the begin of its solution, and the steps behind it that are scored."""

    problem: Problem
    partial: str
    steps: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Agreement:
    """How two engines' scores of the same steps compare."""

    first: str
    second: str
    steps: int
    largest: float
    """Largest absolute difference."""
    mean: float
    """Mean absolute difference."""
    kendall: float | None
    """Agreement of their orders, tau-b; None where one of them gives one value to all."""
    pearson: float | None
    worst: str
    """Problem of the largest difference."""


def run_solutions(run: Run, limit: int) -> list[Solution]:
    """Return finished solutions of a stored run, each text once, as many at most.

    Raises DataError: its trees hold none, or its benchmark is another one here.
    """
    problems = read_problems(run)
    found: dict[tuple[str, tuple[str, ...]], Solution] = {}
    for stored in run.trees():
        if not stored.tree or stored.problem_id not in problems:
            continue
        trace = Trace.from_json(stored.tree)
        for end in trace.finished:
            steps = tuple(node.text for node in trace.lineage(end))
            problem = problems[stored.problem_id]
            found.setdefault((problem.id, steps), Solution(problem, trace.nodes[ROOT].text, steps))
            if len(found) == limit:
                return list(found.values())
    if not found:
        raise DataError(f"{run.path} holds no finished solution, so there is no step to score")
    return list(found.values())


def embedded_solutions(limit: int) -> list[Solution]:
    """Return problems of the embedded pool, each with a program that prints its reference."""
    return [
        Solution(
            problem,
            START,
            (
                f"\n# Step 1: Work the answer out\nanswer = {problem.answer!r}\n{tags.END_OF_STEP}",
                f"\n# Now print it\nprint(answer)\n{tags.END_OF_CODE}"
                f"{output_block(problem.answer)}",
                f"{tags.ANSWER}The answer is \\boxed{{{problem.answer}}}.{tags.END_OF_ANSWER}",
            ),
        )
        for problem in load(POOL, limit=limit)
    ]


def judged_solution(name: str, question: str, steps: Sequence[str]) -> Solution:
    """Return a solution in prose, whose steps hold no tags."""
    problem = Problem(id=name, question=question, answer="", benchmark="")
    return Solution(problem, "", tuple(f"{step}\n{tags.END_OF_STEP}" for step in steps))


async def score_steps(
    solutions: Sequence[Solution],
    scorer: StepScorer,
    on_done: Callable[[], None] | None = None,
) -> list[list[float]]:
    """Return the value of every step of solutions, several scored at a time. Raises EngineError."""
    gate = asyncio.Semaphore(AT_ONCE)

    async def score(solution: Solution) -> list[float]:
        async with gate:
            scoring = scorer.scoring(solution.problem)
            try:
                found = await scoring.score(solution.partial, [solution.steps])
            finally:
                scoring.close()
        if on_done is not None:
            on_done()
        return found.values[0]

    asked = [asyncio.ensure_future(score(each)) for each in solutions]
    try:
        return list(await asyncio.gather(*asked))
    finally:
        for task in asked:  # where one failed, the others are of no use
            task.cancel()


def compare_all(
    solutions: Sequence[Solution], scores: Mapping[str, Sequence[Sequence[float]]]
) -> list[Agreement]:
    """Return how each two of several engines agree; `scores` has each one's values of all steps."""
    names = [each.problem.id for each in solutions for _ in each.steps]
    flat = {
        engine: np.array([value for of in found for value in of])
        for engine, found in scores.items()
    }
    return [
        _compare(first, second, flat[first], flat[second], names)
        for first, second in combinations(flat, 2)
    ]


def _compare(
    first: str, second: str, left: np.ndarray, right: np.ndarray, names: Sequence[str]
) -> Agreement:
    apart = np.abs(left - right)
    varies = bool(np.ptp(left) and np.ptp(right))
    return Agreement(
        first,
        second,
        steps=len(left),
        largest=float(apart.max()),
        mean=float(apart.mean()),
        kendall=float(kendalltau(left, right).statistic) if varies else None,
        pearson=float(np.corrcoef(left, right)[0, 1]) if varies else None,
        worst=names[int(apart.argmax())],
    )


def lay_out(agreements: Sequence[Agreement], *, ppm: str, dtype: str, bound: float) -> Grid:
    """Return a table, a row a pair of engines, that fits 80 columns."""
    heads = ["Engines", "Steps", "Largest", "Mean", "Kendall", "Pearson", ""]
    rows = [
        [
            f"{each.first}, {each.second}",
            str(each.steps),
            f"{each.largest:.1e}",
            f"{each.mean:.1e}",
            _cell(each.kendall),
            _cell(each.pearson),
            "ok" if each.largest <= bound else "OVER",
        ]
        for each in agreements
    ]
    worst = max(agreements, key=lambda each: each.largest)
    notes = [
        f"Absolute differences of values in [-1, 1]; the bound is {bound:g}, of {dtype}. The "
        f"largest is in {worst.worst}. Kendall: agreement of the orders, tau-b."
    ]
    return Grid(f"Scores of {ppm}", heads, rows, notes)


def _cell(share: float | None) -> str:
    return "-" if share is None else f"{share:.4f}"


def to_json(
    agreements: Sequence[Agreement], *, ppm: str, dtype: str, bound: float
) -> dict[str, Any]:
    """Return JSON values."""
    return {
        "schema": SCHEMA_VERSION,
        "ppm": ppm,
        "dtype": dtype,
        "bound": bound,
        "pairs": [{**asdict(each), "agree": each.largest <= bound} for each in agreements],
    }
