r"""Which of a trace's answers is the answer: functions over finished trajectories.

Selection comes after the search, never generates and never sees the reference, so that any of these
can be recomputed from a stored run. Votes are counted over canonical forms, because "1/2" and
"\frac{1}{2}" are one vote. The paper's final rule is `best`: the trajectory that the PPM values
most. The official scripts' is `select_top_majority`: a vote among the K best valued.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from bench.answers import canonicalize
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


def value_path(scores: Sequence[float], aggregate: str) -> float:
    """Return the scores of a path, each in [-1, 1], as one number of that range."""
    value = AGGREGATES[aggregate](scores)
    return 2 * value - 1 if aggregate == "product" else value


TOP_K = 8
"""Trajectories that vote in `select_top_majority` (official scripts: 4 to 8)."""


@dataclass(frozen=True, slots=True)
class Finished:
    """One finished trajectory, as selection sees it."""

    answer: str
    step_scores: tuple[float, ...]
    """The PPM's value of each step, first to last; empty without a PPM."""
    logprob: float | None = None
    """Log-probability of the whole under the policy, in nats, where the engine told it."""


Selector = Callable[[Sequence[Finished]], int | None]
"""Chooses one of the finished trajectories by its index; None where there is none to choose."""


def list_finished(trace: Trace) -> list[Finished]:
    """Return the finished trajectories of a trace, in the order they were found."""
    result = []
    for index in trace.finished:
        line = trace.lineage(index)
        scores = tuple(node.value for node in line if node.value is not None)
        told = [node.logprob for node in line if node.logprob is not None]
        logprob = math.fsum(told) if len(told) == len(line) else None
        result.append(Finished(line[-1].answer or "", scores, logprob))
    return result


def select_first(samples: Sequence[Finished]) -> int | None:
    """Return the index of the first finished trajectory."""
    return 0 if samples else None


def select_majority(samples: Sequence[Finished]) -> int | None:
    """Return the first trajectory with the most frequent answer; ties go to the earlier answer."""
    if not samples:
        return None
    keys = [canonicalize(sample.answer) for sample in samples]
    votes = Counter(keys)
    return max(range(len(keys)), key=lambda i: (votes[keys[i]], -i))


def select_best(samples: Sequence[Finished], aggregate: str = "last") -> int | None:
    """Return the trajectory with the highest aggregated PPM score; ties go to the earlier one."""
    return next(iter(_ranked(samples, aggregate)), None)


def select_weighted(samples: Sequence[Finished], aggregate: str = "last") -> int | None:
    """Return the best trajectory of the answer with the most votes, each weighted by its score.

    A weight is the aggregated score as a probability, (1 + s) / 2, so that no vote counts against
    its answer; `product` is one already.
    """
    return _vote(samples, aggregate, [1.0] * len(samples))


def select_likely(samples: Sequence[Finished], aggregate: str = "last") -> int | None:
    """Return the best trajectory of the answer that the policy and the PPM together find likeliest.

    A vote as `select_weighted` counts it, of which each is multiplied by the square root of the
    trajectory's probability under the policy. In a tree every trajectory is another one, so that
    frequencies, which stand for that probability among samples, say nothing there. Where one of the
    probabilities is not known, the vote is the weighted one.
    """
    told = [sample.logprob for sample in samples if sample.logprob is not None]
    if len(told) < len(samples):
        return select_weighted(samples, aggregate)
    return _vote(samples, aggregate, [math.exp(logprob / 2) for logprob in told])


def select_probable(samples: Sequence[Finished]) -> int | None:
    """Return the likeliest trajectory of the answer that the policy alone finds likeliest.

    An answer has the probability of its trajectories together, which is right where each is there
    once, as in a tree, and not among samples. Where one of them is not known, the majority decides.
    """
    told = [sample.logprob for sample in samples if sample.logprob is not None]
    if len(told) < len(samples):
        return select_majority(samples)
    keys = [canonicalize(sample.answer) for sample in samples]
    probability: dict[str, float] = {}
    for key, logprob in zip(keys, told, strict=True):
        probability[key] = probability.get(key, 0.0) + math.exp(logprob)
    # Of equals the earlier is the greater: `max` returns the first.
    return max(range(len(keys)), key=lambda i: (probability[keys[i]], told[i]), default=None)


def _vote(samples: Sequence[Finished], aggregate: str, shares: Sequence[float]) -> int | None:
    """Return the best trajectory of the answer with the most votes: a share times a probability."""
    ranked = _ranked(samples, aggregate)
    combine = AGGREGATES[aggregate]
    weights: dict[str, float] = {}
    for i in ranked:
        score = combine(samples[i].step_scores)
        key = canonicalize(samples[i].answer)
        weight = score if aggregate == "product" else (1 + score) / 2
        weights[key] = weights.get(key, 0.0) + shares[i] * weight
    # max returns the first of equals, and the ranking puts the better trajectory first.
    return max(ranked, key=lambda i: weights[canonicalize(samples[i].answer)], default=None)


def select_top_majority(
    samples: Sequence[Finished], aggregate: str = "last", k: int = TOP_K
) -> int | None:
    """Return the best trajectory of the most frequent answer among the k best valued ones.

    Ties go to the answer of the better valued trajectory.
    """
    top = _ranked(samples, aggregate)[:k]
    votes = Counter(canonicalize(samples[i].answer) for i in top)
    return max(top, key=lambda i: votes[canonicalize(samples[i].answer)], default=None)


def _ranked(samples: Sequence[Finished], aggregate: str) -> list[int]:
    """Return the indices of scored trajectories, best first; of equals the earlier first."""
    combine = AGGREGATES[aggregate]
    scored = [i for i, sample in enumerate(samples) if sample.step_scores]
    return sorted(scored, key=lambda i: combine(samples[i].step_scores), reverse=True)
