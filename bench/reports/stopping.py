"""What a vote would have saved that stops when its samples agree, read off stored samples.

Each problem's samples are put in many random orders, the same for everything that is compared; a
rule (`bench.search.stopping`) reads each order until it stops, and the majority of what it read is
the answer, of equals the one met first. Samples cost what they cost, unfinished ones too. Two
things are compared, problem by problem: the vote of all samples, which costs more, and a vote of a
fixed number of samples that costs the same, which is what a rule has to beat. They read the same
orders, so that ties say nothing for either side; between two whole numbers of samples a vote is in
proportion.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from functools import lru_cache
from pathlib import Path
from statistics import fmean
from typing import Any

from bench import stats
from bench.answers import canonicalize
from bench.reports.grid import Grid
from bench.reports.headroom.groups import (
    Sampled,
    group_runs,
    is_right,
    read_pool,
)
from bench.search.stopping import (
    Answers,
    Rule,
    count_until,
    stop_when_a_window_agrees,
    stop_when_sure,
)
from bench.stats.bootstrap import bootstrap

ORDERS = 64
"""Random orders of each problem's samples."""


@dataclass(frozen=True, slots=True)
class Stopped:
    """What one rule did to a run."""

    rule: str
    samples: float
    """Drawn, a mean of a problem."""
    tokens: float
    """Generated for them."""
    saved: float
    """Share of the tokens of all samples that were not spent."""
    right: stats.Interval
    against_all: stats.Interval
    """Share right less that of all samples' vote, over the same problems."""
    against_fixed: stats.Interval
    """Share right less that of a fixed number of samples at the same tokens."""


@dataclass(frozen=True, slots=True)
class Stopping:
    """What the rules did to one run of samples."""

    path: Path
    benchmark: str
    policy: str
    problems: int
    samples: int
    """Of every problem."""
    tokens: float
    """Of all samples of a problem, a mean."""
    right: stats.Interval
    """Share that the vote of all samples has right."""
    left_out: int
    """Problems that the harness could not judge."""
    rules: tuple[Stopped, ...]

    def to_json(self) -> dict[str, Any]:
        """Return JSON values, shares as fractions."""
        return {**asdict(self), "path": str(self.path)}


@dataclass(frozen=True, slots=True)
class _Votes:
    """One problem's samples, as a rule reads them."""

    answers: Answers
    tokens: Sequence[int]
    won: Sequence[Sequence[bool]]
    """For each order, whether the vote of its first k is right, at k - 1."""
    by_number: Sequence[float]
    """The share of orders in which it is."""


def read_stopping(
    runs: Iterable[Any], *, confidences: Sequence[float], windows: Sequence[int]
) -> list[Stopping]:
    """Return what the rules would have done to each run of samples.

    Raises MissingRunError: there is no run of independent samples.
    """
    rules = {f"beta {confidence:g}": stop_when_sure(confidence) for confidence in confidences}
    rules |= {f"window {window}": stop_when_a_window_agrees(window) for window in windows}
    found = []
    for group in group_runs(runs):
        for run in group.sampled:
            pool = read_pool(group, run)
            votes = [_read_votes(each, pool.size) for each in pool.problems]
            found.append(
                Stopping(
                    path=run.path,
                    benchmark=group.benchmark,
                    policy=group.policy,
                    problems=len(votes),
                    samples=pool.size,
                    tokens=fmean(sum(each.tokens) for each in votes),
                    right=stats.clustered_mean([[each.by_number[-1]] for each in votes]),
                    left_out=pool.failed_problems,
                    rules=tuple(_judge(name, rule, votes) for name, rule in rules.items()),
                )
            )
    return found


def _read_votes(problem: Sampled, size: int) -> _Votes:
    samples = problem.samples[:size]
    answers = [None if s.answer is None else canonicalize(s.answer) for s in samples]
    right = [is_right(each) for each in samples]
    orders = [_vote_in_order(answers, right, order) for order in _orders(size)]
    by_number = [fmean(won[at] for won in orders) for at in range(size)]
    return _Votes(answers, [s.tokens for s in samples], orders, by_number)


def _vote_in_order(answers: Answers, right: Sequence[bool], order: Sequence[int]) -> list[bool]:
    """Return whether the vote of the first sample is right, of the first two, and so on."""
    votes: Counter[str] = Counter()
    is_answer_right: dict[str, bool] = {}
    won = []
    for at in order:
        answer = answers[at]
        if answer is not None:
            votes[answer] += 1
            is_answer_right.setdefault(answer, right[at])
        # A `Counter` keeps the order in which answers were met, and `max` the first of equals.
        won.append(bool(votes) and is_answer_right[max(votes, key=votes.__getitem__)])
    return won


def _judge(name: str, rule: Rule, votes: Sequence[_Votes]) -> Stopped:
    counts = [
        [
            count_until([each.answers[at] for at in order], rule)
            for order in _orders(len(each.answers))
        ]
        for each in votes
    ]
    right = [
        fmean(won[count - 1] for won, count in zip(each.won, of_orders, strict=True))
        for each, of_orders in zip(votes, counts, strict=True)
    ]
    tokens = fmean(
        sum(each.tokens[at] for at in order[:count])
        for each, of_orders in zip(votes, counts, strict=True)
        for order, count in zip(_orders(len(each.answers)), of_orders, strict=True)
    )
    all_tokens = fmean(sum(each.tokens) for each in votes)
    size = len(votes[0].answers)
    at_cost = [_at(each.by_number, size * tokens / all_tokens) for each in votes]
    return Stopped(
        rule=name,
        samples=fmean(count for of_orders in counts for count in of_orders),
        tokens=tokens,
        saved=1 - tokens / all_tokens,
        right=stats.clustered_mean([[value] for value in right]),
        against_all=bootstrap([[a - v.by_number[-1]] for a, v in zip(right, votes, strict=True)]),
        against_fixed=bootstrap([[a - b] for a, b in zip(right, at_cost, strict=True)]),
    )


@lru_cache(maxsize=8)
def _orders(size: int) -> tuple[tuple[int, ...], ...]:
    chance = random.Random(0)
    return tuple(tuple(chance.sample(range(size), size)) for _ in range(ORDERS))


def _at(by_number: Sequence[float], number: float) -> float:
    """Return the share of a vote of so many samples, between two whole numbers in proportion."""
    below = min(max(int(number), 1), len(by_number))
    above = min(below + 1, len(by_number))
    part = min(max(number - below, 0.0), 1.0)
    return (1 - part) * by_number[below - 1] + part * by_number[above - 1]


def lay_out(found: Sequence[Stopping]) -> list[Grid]:
    """Return a table for each run."""
    return [
        Grid(
            f"Stopping rules · {each.policy} on {each.benchmark} · {each.problems} problems, "
            f"{each.samples} samples",
            ["Rule", "Samples", "Tokens", "Saved", "Right, %", "Less all", "Less fixed"],
            [
                [
                    "all samples",
                    str(each.samples),
                    f"{each.tokens:,.0f}",
                    "-",
                    _percent(each.right),
                    "-",
                    "-",
                ],
                *(
                    [
                        rule.rule,
                        f"{rule.samples:.1f}",
                        f"{rule.tokens:,.0f}",
                        f"{100 * rule.saved:.0f} %",
                        _percent(rule.right),
                        _difference(rule.against_all),
                        _difference(rule.against_fixed),
                    ]
                    for rule in each.rules
                ),
            ],
            _notes(each),
        )
        for each in found
    ]


def _percent(interval: stats.Interval) -> str:
    low, high = (f"{100 * side:.0f}" for side in (interval.low, interval.high))
    return f"{100 * interval.estimate:.1f}\n[{low},{high}]"


def _difference(interval: stats.Interval) -> str:
    low, high = (f"{100 * side:+.1f}" for side in (interval.low, interval.high))
    return f"{100 * interval.estimate:+.1f}\n[{low},{high}]"


def _notes(each: Stopping) -> list[str]:
    notes = [
        f"A vote ends where its rule says so; means over {ORDERS} orders of each problem's "
        "samples. Less all: points against the vote of all samples. Less fixed: against a vote of "
        "a fixed number of samples at the same tokens. 95 % intervals, over problems."
    ]
    if each.left_out:
        notes.append(f"{each.left_out} problems are left out: the harness failed on them.")
    return notes
