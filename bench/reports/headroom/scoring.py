"""What a PPM's scores are worth within a problem: do they follow right and wrong, or the surface?

Only finished, scored samples are read. AUC is how often a right sample scores above a wrong one of
its problem, a mean over the problems that have both; it is read for each aggregate and for each
step. The share of a score's variance that right and wrong explain stands beside what the printed
answer's sign, size and length and the number of steps explain: a scorer can learn those instead.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from bench import stats
from bench.answers import canonicalize
from bench.reports.headroom.groups import Sampled, is_finished, is_right
from bench.runs.record import Sample
from bench.search.selection import AGGREGATES, Aggregate
from bench.stats.bootstrap import bootstrap
from bench.stats.separation import Explained, auc, explain_within

FEWEST = 6
"""Problems that a verdict needs: five on one side of chance are still chance, at 5 %."""

SIZES = (-2, 5)
"""Least and largest bucket of log10 |answer|; what lies beyond is in the last one."""

_RATIONAL = re.compile(r"(-?)(\d{1,400})(?:/(\d{1,400}))?")


class Worth(StrEnum):
    """What a score says about right and wrong."""

    USEFUL = "useful"
    AT_CHANCE = "at chance"
    HARMFUL = "harmful"
    TOO_FEW = "too few"
    """Too few problems have both right and wrong samples."""


@dataclass(frozen=True, slots=True)
class Auc:
    """How often a right sample scores above a wrong one of the same problem."""

    interval: stats.Interval
    """A seeded bootstrap over the problems that have both; its `n` counts those."""

    @property
    def worth(self) -> Worth:
        """Return what the interval says."""
        if self.interval.n < FEWEST:
            return Worth.TOO_FEW
        if self.interval.high < 0.5:
            return Worth.HARMFUL
        return Worth.USEFUL if self.interval.low > 0.5 else Worth.AT_CHANCE


@dataclass(frozen=True, slots=True)
class ScoreWorth:
    """What the scores of some problems are worth."""

    auc: Mapping[str, Auc | None]
    """By aggregate; None where no problem has both right and wrong samples."""
    by_step: tuple[Auc | None, ...]
    """Of the score of step 1, 2, ...; of the samples that have such a step."""
    explained: Mapping[str, Mapping[str, Explained | None]]
    """By aggregate, then by what explains: `right`, each of `SURFACE`, and `surface`, all of it."""


def read_scoring(problems: Sequence[Sampled]) -> ScoreWorth:
    """Return what each aggregate of the scores is worth on these problems."""
    scored = [
        [each for each in problem.samples if is_finished(each) and each.step_scores]
        for problem in problems
    ]
    deepest = max((len(each.step_scores) for samples in scored for each in samples), default=0)
    return ScoreWorth(
        auc={name: _read_auc(scored, _of_all(combine)) for name, combine in AGGREGATES.items()},
        by_step=tuple(_read_auc(scored, _of_step(at)) for at in range(deepest)),
        explained=_explain(scored),
    )


def _read_auc(
    scored: Sequence[Sequence[Sample]], score: Callable[[Sample], float | None]
) -> Auc | None:
    """Return the mean AUC over problems; a sample whose score is None is left out."""
    found = []
    for samples in scored:
        sides: dict[bool, list[float]] = {True: [], False: []}
        for each in samples:
            value = score(each)
            if value is not None:
                sides[is_right(each)].append(value)
        if sides[True] and sides[False]:
            found.append([auc(sides[True], sides[False])])
    return Auc(bootstrap(found)) if found else None


def _of_all(combine: Aggregate) -> Callable[[Sample], float | None]:
    return lambda each: combine(each.step_scores)


def _of_step(at: int) -> Callable[[Sample], float | None]:
    return lambda each: each.step_scores[at] if at < len(each.step_scores) else None


def _explain(scored: Sequence[Sequence[Sample]]) -> dict[str, dict[str, Explained | None]]:
    """Return what explains each aggregate's variance within problems."""
    pairs = [(at, each) for at, samples in enumerate(scored) for each in samples]
    clusters, samples = [at for at, _ in pairs], [each for _, each in pairs]
    if not samples:
        return {}
    columns = {"right": [[float(is_right(each)) for each in samples]]}
    columns |= {name: read(samples) for name, read in SURFACE.items()}
    columns["surface"] = [column for name in SURFACE for column in columns[name]]
    return {
        aggregate: {
            name: explain_within([combine(each.step_scores) for each in samples], of, clusters)
            for name, of in columns.items()
        }
        for aggregate, combine in AGGREGATES.items()
    }


def read_sign(answer: str) -> int | None:
    """Return -1, 0 or 1, the sign of a printed answer; None where it is no rational number."""
    value = _read_rational(answer)
    return None if value is None else (value[0] > 0) - (value[0] < 0)


def read_size(answer: str) -> int | str | None:
    """Return the bucket of log10 |answer|, `zero`, or None where it is no rational number."""
    value = _read_rational(answer)
    if value is None or value[0] == 0:
        return value and "zero"
    # Of the parts, since a quotient of whole numbers can be too large or too small for a float.
    size = math.floor(math.log10(abs(value[0])) - math.log10(value[1]))
    return min(max(size, SIZES[0]), SIZES[1])


def _read_rational(answer: str) -> tuple[int, int] | None:
    """Return numerator and denominator of a printed answer; None where it is something else."""
    match = _RATIONAL.fullmatch(canonicalize(answer))
    if match is None or (below := int(match[3] or 1)) == 0:
        return None
    return int(match[1] + match[2]), below


def _flag(samples: Sequence[Sample], label: Callable[[str], Hashable]) -> list[list[float]]:
    """Return a column of zeros and ones for each label that an answer has."""
    labels = [label(each.answer or "") for each in samples]
    return [[float(each == name) for each in labels] for name in dict.fromkeys(labels)]


SURFACE: Mapping[str, Callable[[Sequence[Sample]], list[list[float]]]] = {
    "sign": lambda samples: _flag(samples, read_sign),
    "size": lambda samples: _flag(samples, read_size),
    "length": lambda samples: [[float(len(each.answer or "")) for each in samples]],
    "steps": lambda samples: [[float(len(each.step_scores)) for each in samples]],
}
"""What can be read off a sample without knowing whether it is right, as columns of a fit."""
