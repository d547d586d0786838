"""Which search is best for how hard a problem, at equal tokens.

Snell et al. (2024) choose, for each of several bins of difficulty, the search that does
best at a budget. A choice that is judged by the problems it was made on is too good. So problems
are halved by a digest of their ids; what is best for a bin is read off the one half and applied to
the other, and the other way round. The same is done with one search for all, which is what a choice
by difficulty has to beat.

How hard a problem is can be measured, by the share of its samples that are right, which no user
knows beforehand: an upper bound. Or it is predicted by the mean of the PPM's values of its samples,
which costs those samples; they are not in the budget here, nor in Snell's. Bins have equal sizes
within a half.
"""

from __future__ import annotations

import hashlib
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

Right = Mapping[str, bool]
"""By problem, whether a search had it right."""


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
    found = []
    for tokens in budgets:
        answers = _answer(runs, tokens)
        if len(answers) < 2:
            raise BenchError(
                f"there is one search to choose from, {next(iter(answers))}; give the runs of "
                "several on the same problems"
            )
        shared = set.intersection(*(set(right) for right in answers.values()), set(pool))
        found.append(_choose(answers, pool, sorted(shared), tokens, bins))
    return found


def _read_pool(runs: Sequence[Run]) -> dict[str, Sampled]:
    for group in group_runs(runs):
        for run in group.sampled:
            return {each.problem_id: each for each in read_pool(group, run).problems}
    raise MissingRunError(
        "how hard a problem is, is told by samples, and none of these runs has any; give a run of "
        "--search sample"
    )


def _answer(runs: Sequence[Run], tokens: int) -> dict[str, Right]:
    """Return what each method of each run has right when all are cut at a budget."""
    found: dict[str, Right] = {}
    for run in runs:
        shown = cut(run, tokens)
        for method in methods(shown):
            name = method if method not in found else f"{method} of {run.path.name}"
            judged = judged_answers(outcomes(shown, method))
            found[name] = {problem: all(right) for problem, right in judged.items()}
    return found


def _choose(
    answers: Mapping[str, Right],
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
    alone, picked = _apply(answers, halves, lambda name: 0.0, 1)
    choices = [Choice("one for all", _share(alone), None, picked)]
    for difficulty, ease in _eases(pool).items():
        chosen, picked = _apply(answers, halves, ease, bins)
        gain = bootstrap([[float(chosen[name]) - float(alone[name])] for name in problems])
        choices.append(Choice(difficulty, _share(chosen), gain, picked))
    return Optimum(tokens, len(problems), tuple(answers), tuple(choices))


def _eases(pool: Mapping[str, Sampled]) -> dict[str, Callable[[str], float]]:
    """Return what says how easy a problem is; the larger, the easier."""
    found: dict[str, Callable[[str], float]] = {
        "measured": lambda name: fmean(is_right(each) for each in pool[name].samples)
    }
    if any(each.step_scores for problem in pool.values() for each in problem.samples):
        mean = AGGREGATES["mean"]

        def predict(name: str) -> float:
            scored = [mean(s.step_scores) for s in pool[name].samples if s.step_scores]
            return fmean(scored) if scored else -1.0

        found["predicted"] = predict
    return found


def _apply(
    answers: Mapping[str, Right],
    halves: Sequence[Sequence[str]],
    ease: Callable[[str], float],
    bins: int,
) -> tuple[dict[str, bool], tuple[tuple[str, ...], tuple[str, ...]]]:
    """Learn on each half what is best for each bin; return what that has right on the other."""
    right: dict[str, bool] = {}
    learnt = []
    for learn, judge in ((0, 1), (1, 0)):
        picked = [_best(answers, each) for each in _bin(halves[learn], ease, bins)]
        for method, names in zip(picked, _bin(halves[judge], ease, bins), strict=True):
            right |= {name: answers[method][name] for name in names}
        learnt.append(tuple(picked))
    return right, (learnt[0], learnt[1])


def _best(answers: Mapping[str, Right], problems: Sequence[str]) -> str:
    """Return the method with the most right of some problems; of equals the first given."""
    return max(answers, key=lambda method: sum(answers[method][name] for name in problems))


def _bin(names: Sequence[str], ease: Callable[[str], float], bins: int) -> list[list[str]]:
    """Return problems in bins of equal sizes, easiest first; of equally easy ones by their ids."""
    ranked = sorted(names, key=lambda name: (-ease(name), name))
    edges = [len(ranked) * at // bins for at in range(bins + 1)]
    return [ranked[low:high] for low, high in zip(edges, edges[1:], strict=False)]


def _half_of(name: str) -> int:
    return hashlib.sha256(name.encode()).digest()[0] % 2


def _share(right: Mapping[str, bool]) -> stats.Interval:
    return stats.wilson(sum(right.values()), len(right))


def lay_out(optima: Sequence[Optimum], title: str) -> list[Grid]:
    """Return a table of all budgets, with what was chosen below it."""
    rows: list[list[str]] = []
    sections: dict[int, str] = {}
    notes: list[str] = []
    for each in optima:
        sections[len(rows)] = f"{each.tokens:,} tokens, {each.problems} problems"
        for choice in each.choices:
            gain = "-" if choice.gain is None else _points(choice.gain)
            searches = "\n".join(", ".join(half) for half in choice.chosen)
            rows.append([choice.difficulty, *_share_cells(choice.right), gain, searches])
    notes.append(
        "Right: percent, each half by what was best on the other. Gain: points over one search for "
        "all. Searches: what was best for each bin, easiest first, learnt on the one half and on "
        "the other. 95 % intervals. Measured difficulty knows the references: an upper bound; "
        "predicted goes by the PPM. The samples that tell it are not in the budget."
    )
    heads = ["Difficulty", "Right", "95 %", "Gain, 95 %", "Searches"]
    return [Grid(title, heads, rows, notes, frozenset({0, 4}), sections)]


def _share_cells(interval: stats.Interval) -> list[str]:
    low, high = (f"{100 * side:.0f}" for side in (interval.low, interval.high))
    return [f"{100 * interval.estimate:.1f}", f"[{low},{high}]"]


def _points(interval: stats.Interval) -> str:
    low, high = (f"{100 * side:+.1f}" for side in (interval.low, interval.high))
    return f"{100 * interval.estimate:+.1f} [{low},{high}]"
