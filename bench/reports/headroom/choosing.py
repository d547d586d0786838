"""What choosing among k samples gives, what it loses, and what is left for a search to win.

Every share is a mean over all subsets of k of a problem's n samples, then over problems. The search
ceiling is oracle@k less the better of greedy and majority@k: what a search gains that finds
whatever k samples find and always knows it. A search that finds more than samples do can pass it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from statistics import fmean

from bench import stats
from bench.answers import canonicalize
from bench.reports.headroom.groups import Sampled, is_finished, is_right
from bench.search import AGGREGATES
from bench.stats.bootstrap import Array, bootstrap
from bench.stats.choices import (
    DRAWN,
    MOST_LISTED,
    best_of_k,
    majority_of_k,
    oracle_of_k,
    weighted_of_k,
)

WORTH = 0.05
"""Search ceiling, a share of the problems, under which a search is not worth its tokens."""

Curve = tuple[float, ...]
"""A share for each k, from 1 up."""


class CeilingVerdict(StrEnum):
    """What the ceiling's interval says about a search."""

    CAN_WIN = "can win"
    CANNOT_HELP = "cannot help"
    UNDECIDED = "undecided"


@dataclass(frozen=True, slots=True)
class Choosing:
    """What choosing among 1 to n samples gives on some problems."""

    problems: int
    mixed: float
    """Share of the problems that have both right and wrong samples."""
    greedy: stats.Interval | None
    """Accuracy of greedy, on those of the problems that the greedy run could be judged on."""
    oracle: Curve
    """Share of subsets that hold a right sample; at k = 1, pass@1."""
    chosen: Mapping[str, Curve]
    """Share of subsets from which the right answer is chosen, by selector; see `selectors`."""
    ceiling: tuple[stats.Interval, ...]
    """For each k; on the problems of `greedy` where there is one."""

    @property
    def generation_loss(self) -> Curve:
        """Return 1 - oracle@k: what no selector can win back."""
        return tuple(1 - share for share in self.oracle)

    @property
    def selection_loss(self) -> dict[str, Curve]:
        """Return oracle@k - chosen@k for each selector."""
        return {
            name: tuple(o - c for o, c in zip(self.oracle, curve, strict=True))
            for name, curve in self.chosen.items()
        }

    @property
    def verdict(self) -> CeilingVerdict:
        """Return what the ceiling at the largest k says."""
        last = self.ceiling[-1]
        if last.high < WORTH:
            return CeilingVerdict.CANNOT_HELP
        return CeilingVerdict.CAN_WIN if last.low > 0 else CeilingVerdict.UNDECIDED


def selectors(*, scored: bool) -> list[str]:
    """Return the selectors' names: `majority`, and with scores `best_of_n mean` and so on."""
    by_score = [f"{name} {each}" for name in ("best_of_n", "weighted") for each in AGGREGATES]
    return ["majority", *(by_score if scored else ())]


def is_listed(problem: Sampled) -> bool:
    """Whether a problem's weighted votes are exact, not a mean over random subsets."""
    return sum(is_finished(s) and bool(s.step_scores) for s in problem.samples) <= MOST_LISTED


def draw_curves(problem: Sampled, *, scored: bool, draws: int = DRAWN) -> dict[str, Curve]:
    """Return one problem's curves: `oracle`, and one for each of `selectors`.

    `draws` is the number of random subsets of each size where weighted votes are not exact.
    """
    samples = problem.samples
    right = [is_right(each) for each in samples]
    answers = {each.answer for each in samples if each.answer is not None}
    forms = {answer: canonicalize(answer) for answer in answers}
    groups = [None if each.answer is None else forms[each.answer] for each in samples]
    curves = {"oracle": oracle_of_k(right), "majority": majority_of_k(groups, right)}
    for aggregate, combine in AGGREGATES.items() if scored else ():
        scores = [
            combine(each.step_scores) if is_finished(each) and each.step_scores else None
            for each in samples
        ]
        weights = [_weigh(score, aggregate) for score in scores]
        curves[f"best_of_n {aggregate}"] = best_of_k(scores, right)
        curves[f"weighted {aggregate}"] = weighted_of_k(groups, scores, weights, right, draws=draws)
    return curves


def read_choosing(
    problems: Sequence[Sampled], curves: Mapping[str, Mapping[str, Curve]], size: int
) -> Choosing:
    """Return the means over problems, for k = 1 to `size`.

    `curves` holds those of `draw_curves` by problem id, each at least `size` long.
    """
    of_problems = [curves[each.problem_id] for each in problems]
    mean = {
        name: tuple(fmean(each[name][at] for each in of_problems) for at in range(size))
        for name in of_problems[0]
    }
    oracle = mean.pop("oracle")
    greedy = [each.greedy for each in problems if each.greedy is not None]
    paired = [each for each in problems if each.greedy is not None] or problems
    return Choosing(
        problems=len(problems),
        mixed=fmean(len({is_right(s) for s in each.samples}) > 1 for each in problems),
        greedy=stats.clustered_mean([[value] for value in greedy]) if greedy else None,
        oracle=oracle,
        chosen=mean,
        ceiling=tuple(_read_ceiling(paired, curves, at) for at in range(size)),
    )


def list_powers(size: int) -> list[int]:
    """Return the k that a table shows: 1, 2, 4, ... and `size`."""
    return [*(1 << i for i in range(size.bit_length()) if 1 << i < size), size]


def describe(choosing: Choosing) -> str:
    """Return the verdict as a clause without a subject's name."""
    last = choosing.ceiling[-1]
    points = f"{_points(last.estimate)} points"
    interval = f"[{_points(last.low)}, {_points(last.high)}]"
    match choosing.verdict:
        case CeilingVerdict.CAN_WIN:
            return f"search can win up to {points} here {interval}"
        case CeilingVerdict.CANNOT_HELP:
            return (
                f"search cannot help here: its ceiling is {points} {interval}, and the upper bound "
                f"is below {_points(WORTH)}"
            )
    return (
        f"{last.n} problems do not tell whether search can help here: its ceiling is {points} "
        f"{interval}"
    )


def _read_ceiling(
    problems: Sequence[Sampled], curves: Mapping[str, Mapping[str, Curve]], at: int
) -> stats.Interval:
    """Return the ceiling at one k, with a bootstrap interval over problems.

    Problems that are all alike give the bootstrap no width, however few they are. So the interval
    reaches above the estimate as far as Wilson's for none of so many problems, and as far below it
    where the bootstrap sees nothing below.
    """
    rows = [
        [of["oracle"][at], of["majority"][at], 0.0 if each.greedy is None else each.greedy]
        for each in problems
        for of in (curves[each.problem_id],)
    ]
    found = bootstrap(rows, _subtract_the_better)
    least = stats.wilson(0, len(rows)).high
    low = found.low if found.low < found.estimate else max(-1.0, found.estimate - least)
    return replace(found, low=low, high=min(1.0, max(found.high, found.estimate + least)))


def _subtract_the_better(means: Array) -> Array:
    """Return oracle less the better of majority and greedy, from their means."""
    ceiling: Array = means[..., 0] - means[..., 1:].max(axis=-1)
    return ceiling


def _weigh(score: float | None, aggregate: str) -> float:
    """Return the weight that `bench.search.selection.select_weighted` gives a score."""
    if score is None:
        return 0.0
    return score if aggregate == "product" else (1 + score) / 2


def _points(share: float) -> str:
    """Return a share in whole points, no negative zero."""
    return f"{round(100 * share) + 0}"
