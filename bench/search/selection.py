r"""Which of a trace's answers is the answer: functions over finished trajectories.

Selection comes after the search, never generates and never sees the reference, so that any of these
can be recomputed from a stored run. Votes are counted over canonical forms, because "1/2" and
"\frac{1}{2}" are one vote.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from bench.answers import canonical
from bench.search.tree import Trace

Aggregate = Callable[[Sequence[float]], float]

AGGREGATES: Mapping[str, Aggregate] = {
    "last": lambda scores: scores[-1],
    "min": min,
    "mean": lambda scores: math.fsum(scores) / len(scores),
    # Scores lie in [-1, 1]; their product is taken over probabilities (1 + s) / 2.
    "product": lambda scores: math.prod((1 + score) / 2 for score in scores),
}
"""How the step scores of a trajectory become one number."""


@dataclass(frozen=True, slots=True)
class Finished:
    """One finished trajectory, as selection sees it."""

    answer: str
    step_scores: tuple[float, ...]
    """The PPM's value of each step, first to last; empty without a PPM."""


def finished(trace: Trace) -> list[Finished]:
    """Return the finished trajectories of a trace, in the order they were found."""
    result = []
    for index in trace.finished:
        line = trace.lineage(index)
        scores = tuple(node.value for node in line if node.value is not None)
        result.append(Finished(line[-1].answer or "", scores))
    return result


def first(samples: Sequence[Finished]) -> int | None:
    """Return the index of the first finished trajectory."""
    return 0 if samples else None


def majority(samples: Sequence[Finished]) -> int | None:
    """Return the first trajectory with the most frequent answer; ties go to the earlier answer."""
    if not samples:
        return None
    keys = [canonical(sample.answer) for sample in samples]
    votes = Counter(keys)
    return max(range(len(keys)), key=lambda i: (votes[keys[i]], -i))


def best(samples: Sequence[Finished], aggregate: str = "last") -> int | None:
    """Return the trajectory with the highest aggregated PPM score; ties go to the earlier one."""
    scored = [i for i, sample in enumerate(samples) if sample.step_scores]
    combine = AGGREGATES[aggregate]
    return max(scored, key=lambda i: (combine(samples[i].step_scores), -i), default=None)
