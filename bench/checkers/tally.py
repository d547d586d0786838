"""Counts verdicts against labels: accuracy, false accepts and false rejects, with intervals.

Any verdict but `correct` is "not equal" here: a checker that hangs has not accepted anything.
Contested cases, and cases without a label, have rows of their own.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from bench import stats
from bench.checkers.judging import Judged
from bench.types import Outcome

SLOW = 2.0
"""Seconds within which every verdict is promised."""


@dataclass(frozen=True, slots=True)
class Tally:
    """What a checker made of some cases."""

    name: str
    n: int
    accuracy: stats.Interval | None
    """Share judged as labelled; None where no case has a label."""
    false_accepts: stats.Interval | None
    """Share of the unequal that were accepted; None where none is labelled so."""
    false_rejects: stats.Interval | None
    """Share of the equal that were not accepted."""
    outcomes: Mapping[Outcome, int]
    p50: float
    """Seconds of a verdict, the caller's wall clock."""
    p99: float
    slowest: float
    slow: int
    """Verdicts that took more than `SLOW` seconds."""
    executed: int
    """Payloads whose code ran."""
    crashed: int
    """Exceptions that reached the caller."""


def tallies(judged: Iterable[Judged]) -> list[Tally]:
    """Return a row for each tier, in order of appearance, its contested cases in the next."""
    groups: dict[tuple[str, bool], list[Judged]] = {}
    tiers: list[str] = []
    for each in judged:
        tier = each.case.tier + (" (words)" if each.case.prose else "")
        tiers += [] if tier in tiers else [tier]
        groups.setdefault((tier, each.case.contested), []).append(each)
    return [
        tally(tier + (", contested" if contested else ""), groups[tier, contested])
        for tier in tiers
        for contested in (False, True)
        if (tier, contested) in groups
    ]


def tally(name: str, judged: Sequence[Judged]) -> Tally:
    """Count some verdicts, at least one."""
    right = [each.right for each in judged if each.right is not None]
    equal = [each.verdict.correct for each in judged if each.case.equal is True]
    unequal = [each.verdict.correct for each in judged if each.case.equal is False]
    seconds = sorted(each.seconds for each in judged)
    return Tally(
        name=name,
        n=len(judged),
        accuracy=_share(sum(right), len(right)),
        false_accepts=_share(sum(unequal), len(unequal)),
        false_rejects=_share(len(equal) - sum(equal), len(equal)),
        outcomes=Counter(each.verdict.outcome for each in judged),
        p50=_percentile(seconds, 50),
        p99=_percentile(seconds, 99),
        slowest=seconds[-1],
        slow=sum(value > SLOW for value in seconds),
        executed=sum(each.executed for each in judged),
        crashed=sum(each.crashed for each in judged),
    )


def _share(count: int, n: int) -> stats.Interval | None:
    return stats.wilson(count, n) if n else None


def _percentile(ordered: Sequence[float], percent: int) -> float:
    return ordered[max(0, -(-len(ordered) * percent // 100) - 1)]
