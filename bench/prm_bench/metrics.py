"""What ProcessBench and PRMBench count, with intervals, and where the threshold comes from.

A step counts as wrong where its probability of being right, (1 + value) / 2, is below a threshold.
Published numbers differ in that threshold (ProcessBench issue #3): one half, or fitted on some
split. Here it is one half unless a split is named, and the table says which.

ProcessBench's F1 is no F1 of steps: it is the harmonic mean of two accuracies, of solutions with a
wrong step (its first one is found, exactly) and of right ones (none is found). PRMBench's PRMScore
is the mean of two F1 over all steps, one for right steps and one for wrong ones; a class without
wrong steps has the share of its steps that count as right. Intervals draw solutions again.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean

import numpy as np

from bench import stats
from bench.prm_bench.rows import JudgedSolution, Source
from bench.stats.bootstrap import Array, bootstrap

HALF = 0.5
ALL = "all"

Values = Mapping[str, Sequence[float]]
"""By solution the value of each step, in [-1, 1]."""


@dataclass(frozen=True, slots=True)
class Judgement:
    """One part of a benchmark, judged by a model."""

    source: Source
    part: str
    solutions: int
    found: stats.Interval | None
    """ProcessBench: wrong solutions whose first wrong step is found. PRMBench: F1 of wrong steps.
    None: there are none."""
    passed: stats.Interval | None
    """ProcessBench: right solutions of which no step counts as wrong. PRMBench: F1 of right steps,
    or the share that counts as right where no step is wrong."""
    score: stats.Interval | None
    """The F1, or the PRMScore; None: one of the two is missing."""


@dataclass(frozen=True, slots=True)
class Threshold:
    """Below which probability a step counts as wrong."""

    value: float = HALF
    fitted_on: str = ""
    """The split that it is best on; empty: it is fixed."""


def judge(
    solutions: Sequence[JudgedSolution], values: Values, threshold: float = HALF
) -> list[Judgement]:
    """Return a judgement of each part, and of all parts of a benchmark together."""
    judgements = []
    for source in dict.fromkeys(each.source for each in solutions):
        of_source = [each for each in solutions if each.source == source]
        parts = list(dict.fromkeys(each.part for each in of_source))
        for part in [*parts, *([ALL] if len(parts) > 1 else [])]:
            of_part = [each for each in of_source if part in (each.part, ALL)]
            judgements.append(_judge_part(source, part, of_part, values, threshold))
    return judgements


def fit_threshold(solutions: Sequence[JudgedSolution], values: Values, name: str) -> Threshold:
    """Return the threshold with the best score over all of a split, the middle of the best ones."""
    candidates = np.linspace(0.01, 0.99, 99)
    parts = _split(solutions)
    scores = [
        fmean(_score(_count(source, of, values, float(t)), source) for source, of in parts)
        for t in candidates
    ]
    best = np.flatnonzero(np.isclose(scores, max(scores)))
    return Threshold(float(candidates[best[len(best) // 2]]), name)


def _split(solutions: Sequence[JudgedSolution]) -> list[tuple[Source, list[JudgedSolution]]]:
    sources = dict.fromkeys(each.source for each in solutions)
    return [(source, [e for e in solutions if e.source == source]) for source in sources]


def _judge_part(
    source: Source,
    part: str,
    solutions: Sequence[JudgedSolution],
    values: Values,
    threshold: float,
) -> Judgement:
    rows = _count(source, solutions, values, threshold)
    if source == "ProcessBench":
        wrong, right = rows[rows[:, 0] > 0], rows[rows[:, 2] > 0]
        found = stats.wilson(int(wrong[:, 1].sum()), len(wrong)) if len(wrong) else None
        passed = stats.wilson(int(right[:, 3].sum()), len(right)) if len(right) else None
    elif rows[:, 2:].sum() == 0:
        found = None
        passed = bootstrap(rows.tolist(), lambda m: m[..., 0] / (m[..., 0] + m[..., 1]))
    else:
        found = bootstrap(rows.tolist(), _f1_of_wrong)
        passed = bootstrap(rows.tolist(), _f1_of_right)
    score = None
    if found is not None and passed is not None:
        formula = _harmonic if source == "ProcessBench" else _prm_score
        score = bootstrap(rows.tolist(), formula)
    return Judgement(source, part, len(solutions), found, passed, score)


def _count(
    source: Source, solutions: Sequence[JudgedSolution], values: Values, threshold: float
) -> Array:
    """Return what a score is made of, a row a solution.

    ProcessBench: is it wrong, and found; is it right, and passed. PRMBench, steps: right and called
    so, right and called wrong, wrong and called so, wrong and called right.
    """
    rows: list[list[int]] = []
    for each in solutions:
        wrong = [(1 + value) / 2 < threshold for value in values[each.id]]
        if source == "ProcessBench":
            called = wrong.index(True) if True in wrong else None
            is_wrong, hit = each.first_wrong is not None, called == each.first_wrong
            row = (is_wrong, is_wrong and hit, not is_wrong, not is_wrong and hit)
            rows.append([*map(int, row)])
        else:
            pairs = list(zip(each.right, wrong, strict=True))
            rows.append([pairs.count(pair) for pair in _PAIRS])
    return np.asarray(rows, dtype=float)


_PAIRS = ((True, False), (True, True), (False, True), (False, False))
"""Whether a step is right, and whether it is called wrong."""


def _score(rows: Array, source: Source) -> float:
    means = rows.mean(axis=0)
    return float((_harmonic if source == "ProcessBench" else _prm_score)(means))


def _harmonic(means: Array) -> Array:
    found = _ratio(means[..., 1], means[..., 0])
    passed = _ratio(means[..., 3], means[..., 2])
    return _ratio(2 * found * passed, found + passed)


def _f1_of_right(means: Array) -> Array:
    right, missed, _, slipped = (means[..., at] for at in range(4))
    return _ratio(2 * right, 2 * right + missed + slipped)


def _f1_of_wrong(means: Array) -> Array:
    _, missed, wrong, slipped = (means[..., at] for at in range(4))
    return _ratio(2 * wrong, 2 * wrong + missed + slipped)


def _prm_score(means: Array) -> Array:
    return (_f1_of_right(means) + _f1_of_wrong(means)) / 2


def _ratio(part: Array, whole: Array) -> Array:
    found: Array = np.divide(part, whole, out=np.zeros_like(part), where=whole > 0)
    return found
