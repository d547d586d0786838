"""Which search is best for how hard a problem, at equal tokens.

Snell et al. (2024) choose, for each of several bins of difficulty, the search that does
best at a budget. A choice that is judged by the problems it was made on is too good. So problems
are halved by a digest of their ids; what is best for a bin is read off the one half and applied to
the other, and the other way round. The same is done with one search for all, which is what a choice
by difficulty has to beat. Where a budget is a mean over problems, more of it may be given to some:
then each bin has a search and a budget of its own, the best of all that spend no more together.

How hard a problem is can be measured, by the share of its samples that are right, which no user
knows beforehand, and which favours the searches that answer by those samples: an upper bound. Or it
is predicted by the mean of the PPM's values of its samples, which costs those samples; they are not
in the budget here, nor in Snell's. Bins have equal sizes in the half that is learnt on; where they
end there, they end in the other.
"""

from __future__ import annotations

import bisect
import hashlib
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from statistics import fmean
from typing import Any

from bench import stats
from bench.errors import BenchError, MissingRunError
from bench.reports.comparing import check_comparable
from bench.reports.grid import Grid
from bench.reports.headroom.groups import Sampled, group_runs, is_right, read_pool
from bench.reports.leaderboard import judged_answers, methods, outcomes
from bench.reports.token_budget import cut
from bench.runs.reader import Run
from bench.search.selection import AGGREGATES
from bench.stats.bootstrap import bootstrap

BINS = 3
FEWEST = 10
"""Problems of a bin in a half, below which a choice is noise."""

Ease = Callable[[str], float]
"""How easy a problem is; the larger, the easier."""


@dataclass(frozen=True, slots=True)
class Tried:
    """A method at a budget, by problem."""

    method: str
    budget: int
    right: Mapping[str, bool]
    spent: Mapping[str, float]
    """Tokens that the policy generated."""

    @property
    def name(self) -> str:
        """Method and budget."""
        return f"{self.method}@{self.budget}"


@dataclass(frozen=True, slots=True)
class Choice:
    """How a choice by one notion of difficulty did at one budget."""

    difficulty: str
    """`one for all`, `measured` or `predicted`."""
    right: stats.Interval
    gain: stats.Interval | None
    """Points over one search for all, over the same problems; None for that itself."""
    chosen: tuple[tuple[str, ...], tuple[str, ...]]
    """For each half that was learnt on, the search of each bin, easiest first."""
    spent: float
    """Mean tokens of a problem, where it was judged."""
    spreads: bool = False
    """Whether each bin had a budget of its own."""


@dataclass(frozen=True, slots=True)
class Optimum:
    """The choices at one budget."""

    tokens: int
    problems: int
    searches: tuple[str, ...]
    choices: tuple[Choice, ...]

    def to_json(self) -> dict[str, Any]:
        """Return JSON values, shares as fractions."""
        return asdict(self)


def read_optima(runs: Sequence[Run], budgets: Sequence[int], *, bins: int = BINS) -> list[Optimum]:
    """Return the choices at each budget, of runs of one policy on the same problems.

    Raises MissingRunError: none of them has several samples of each problem, by which difficulty is
    told. BenchError: they asked other problems or policies, there are not two searches to choose
    from, or too few problems for so many bins.
    """
    base, *others = runs
    for other in others:
        check_comparable(base, other)
        if other.policy != base.policy:
            raise BenchError(
                f"{other.path} is of the policy {other.policy!r}, and {base.path} of "
                f"{base.policy!r}; what is best is asked of one"
            )
    pool = _read_pool(runs)
    tried = {tokens: _try(runs, tokens) for tokens in budgets}
    everything = [each for at_one in tried.values() for each in at_one]
    found = []
    for tokens, at_one in tried.items():
        if len(at_one) < 2:
            raise BenchError(
                f"there is one search to choose from, {at_one[0].method}; give the runs of "
                "several on the same problems"
            )
        shared = set.intersection(*(set(each.right) for each in everything), set(pool))
        found.append(_choose(at_one, everything, pool, sorted(shared), tokens, bins))
    return found


def _read_pool(runs: Sequence[Run]) -> dict[str, Sampled]:
    for group in group_runs(runs):
        for run in group.sampled:
            return {each.problem_id: each for each in read_pool(group, run).problems}
    raise MissingRunError(
        "how hard a problem is, is told by samples, and none of these runs has any; give a run of "
        "--search sample"
    )


def _try(runs: Sequence[Run], tokens: int) -> list[Tried]:
    """Return what each method of each run has right when all are cut at a budget."""
    found: dict[str, Tried] = {}
    for run in runs:
        shown = cut(run, tokens)
        costs: dict[str, list[int]] = {}
        for record in shown.records:
            costs.setdefault(record.problem_id, []).append(record.tokens.policy_generated)
        spent = {problem: fmean(each) for problem, each in costs.items()}
        for method in methods(shown):
            name = method if method not in found else f"{method} of {run.path.name}"
            judged = judged_answers(outcomes(shown, method))
            right = {problem: all(right) for problem, right in judged.items()}
            found[name] = Tried(name, tokens, right, spent)
    return list(found.values())


def _choose(
    at_one: Sequence[Tried],
    everything: Sequence[Tried],
    pool: Mapping[str, Sampled],
    problems: Sequence[str],
    tokens: int,
    bins: int,
) -> Optimum:
    halves = [[name for name in problems if _half_of(name) == half] for half in (0, 1)]
    if min(map(len, halves)) < FEWEST * bins:
        raise BenchError(
            f"{len(problems)} problems are too few for {bins} bins in each of two halves, of "
            f"{FEWEST} problems each; give runs on more, or fewer --bins"
        )
    alone = _apply(at_one, halves, lambda name: 0.0, 1, math.inf)
    choices = [alone.as_choice("one for all", problems, None)]
    for difficulty, ease in _eases(pool).items():
        chosen = _apply(at_one, halves, ease, bins, math.inf)
        choices.append(chosen.as_choice(difficulty, problems, alone))
        if len(everything) > len(at_one):
            chosen = _apply(everything, halves, ease, bins, tokens)
            choices.append(chosen.as_choice(difficulty, problems, alone, spreads=True))
    return Optimum(tokens, len(problems), tuple(each.method for each in at_one), tuple(choices))


def _eases(pool: Mapping[str, Sampled]) -> dict[str, Ease]:
    """Return what says how easy a problem is."""
    found: dict[str, Ease] = {
        "measured": lambda name: fmean(is_right(each) for each in pool[name].samples)
    }
    if any(each.step_scores for problem in pool.values() for each in problem.samples):
        mean = AGGREGATES["mean"]

        def predict(name: str) -> float:
            scored = [mean(s.step_scores) for s in pool[name].samples if s.step_scores]
            return fmean(scored) if scored else -1.0

        found["predicted"] = predict
    return found


@dataclass(frozen=True, slots=True)
class _Applied:
    """What was learnt on each half, applied to the other."""

    taken: Mapping[str, Tried]
    """By problem."""
    picked: tuple[tuple[Tried, ...], tuple[Tried, ...]]

    def as_choice(
        self,
        difficulty: str,
        problems: Sequence[str],
        alone: _Applied | None,
        *,
        spreads: bool = False,
    ) -> Choice:
        """Return how it did, beside one search for all."""
        right = {name: self.taken[name].right[name] for name in problems}
        gain = None
        if alone is not None:
            before = {name: alone.taken[name].right[name] for name in problems}
            gain = bootstrap([[float(right[name]) - float(before[name])] for name in problems])
        first, second = (
            tuple(each.name if spreads else each.method for each in half) for half in self.picked
        )
        spent = fmean(self.taken[name].spent[name] for name in problems)
        return Choice(difficulty, _share(right), gain, (first, second), round(spent, 1), spreads)


def _apply(
    options: Sequence[Tried], halves: Sequence[Sequence[str]], ease: Ease, bins: int, most: float
) -> _Applied:
    """Learn on each half what is best for each bin; return what is so chosen on the other.

    `most` tokens are spent of a problem, on the mean of the half that is learnt on.
    """
    taken: dict[str, Tried] = {}
    learnt = []
    for learn, judge in ((0, 1), (1, 0)):
        ranked = sorted(halves[learn], key=lambda name: (-ease(name), name))
        edges = [len(ranked) * at // bins for at in range(bins + 1)]
        binned = [ranked[low:high] for low, high in zip(edges, edges[1:], strict=False)]
        picked = _pick(options, binned, most * len(ranked))
        ends = [(-ease(each[-1]), each[-1]) for each in binned[:-1]]
        for name in halves[judge]:
            taken[name] = picked[bisect.bisect_left(ends, (-ease(name), name))]
        learnt.append(picked)
    return _Applied(taken, (learnt[0], learnt[1]))


def _pick(
    options: Sequence[Tried], binned: Sequence[Sequence[str]], most: float
) -> tuple[Tried, ...]:
    """Return for each bin what has the most right of all that spends no more together.

    Of equals the one that spends less, then the first given.
    """
    known: dict[int, tuple[float, tuple[Tried, ...]]] = {0: (0.0, ())}
    for names in binned:
        here = [
            (sum(each.right[name] for name in names), sum(each.spent[name] for name in names), each)
            for each in options
        ]
        merged: dict[int, tuple[float, tuple[Tried, ...]]] = {}
        for right, (spent, picked) in known.items():
            for more, tokens, each in here:
                count, cost = right + more, spent + tokens
                if cost <= most and (count not in merged or cost < merged[count][0]):
                    merged[count] = (cost, (*picked, each))
        known = merged
    return known[max(known)][1]


def _half_of(name: str) -> int:
    return hashlib.sha256(name.encode()).digest()[0] % 2


def _share(right: Mapping[str, bool]) -> stats.Interval:
    return stats.wilson(sum(right.values()), len(right))


def lay_out(optima: Sequence[Optimum], title: str) -> list[Grid]:
    """Return a table of all budgets, and one of what was chosen."""
    rows: list[list[str]] = []
    picked: list[list[str]] = []
    sections: dict[int, str] = {}
    below: dict[int, str] = {}
    for each in optima:
        sections[len(rows)] = f"{each.tokens:,} tokens, {each.problems} problems"
        below[len(picked)] = f"{each.tokens:,} tokens"
        for choice in each.choices:
            name = f"{choice.difficulty}, budgets too" if choice.spreads else choice.difficulty
            gain = "-" if choice.gain is None else _points(choice.gain)
            rows.append([name, *_share_cells(choice.right), gain, f"{choice.spent:,.0f}"])
            for number, both in enumerate(zip(*choice.chosen, strict=True), start=1):
                where = str(number) if len(choice.chosen[0]) > 1 else "all"
                picked.append([name if number == 1 else "", where, *both])
    note = (
        "Right: percent, each half by what was best on the other. Gain: points over one search for "
        "all. Tokens: a mean of a problem, where it is judged. Budgets too: bins have budgets of "
        "their own, which together spend no more where they were learnt. Bins: the easiest is 1. "
        "95 % intervals. Measured difficulty knows the references: an upper bound; predicted goes "
        "by the PPM. The samples that tell it are not in the budget."
    )
    heads = ["Difficulty", "Right", "95 %", "Gain, 95 %", "Tokens"]
    chosen = ["Difficulty", "Bin", "Learnt on one half", "On the other"]
    return [
        Grid(title, heads, rows, [note], frozenset({0}), sections),
        Grid("What was best for each bin", chosen, picked, [], frozenset({0, 2, 3}), below),
    ]


def _share_cells(interval: stats.Interval) -> list[str]:
    low, high = (f"{100 * side:.0f}" for side in (interval.low, interval.high))
    return [f"{100 * interval.estimate:.1f}", f"[{low},{high}]"]


def _points(interval: stats.Interval) -> str:
    low, high = (f"{100 * side:+.1f}" for side in (interval.low, interval.high))
    return f"{100 * interval.estimate:+.1f} [{low},{high}]"
