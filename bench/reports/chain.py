"""A claim that methods come in an order, best first: each is above the next on the same problems.

A claim of four methods is three links, and as many again at every other budget: all of them are
tested, and their p-values corrected together, so that the more is claimed the more it takes. Where
a link is not shown, what it would have taken is said. A method and the next but one are not
compared.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from itertools import pairwise

from bench import stats
from bench.errors import BenchError, UnknownNameError
from bench.reports.leaderboard import compare, methods
from bench.runs.reader import Run
from bench.search.registry import SEARCHES

LEVEL = 0.05
"""A link is shown where its corrected p is below."""


class LinkVerdict(StrEnum):
    """What the problems say of a link."""

    SHOWN = "shown"
    NOT_SHOWN = "not shown"
    OTHER_WAY = "shown the other way"


@dataclass(frozen=True, slots=True)
class Link:
    """One method claimed above the next, for one policy on one benchmark."""

    policy: str
    benchmark: str
    above: str
    below: str
    difference: stats.PairedDifference
    """Accuracy of `above` less that of `below`, and its exact test."""
    corrected_p: float
    """Corrected for all the links that were tested together (Holm)."""
    tests: int
    """How many those were."""

    @property
    def verdict(self) -> LinkVerdict:
        """What the corrected p says."""
        if self.corrected_p >= LEVEL:
            return LinkVerdict.NOT_SHOWN
        return LinkVerdict.SHOWN if self.difference.estimate > 0 else LinkVerdict.OTHER_WAY

    @property
    def detectable(self) -> float | None:
        """The smallest true difference that would be shown four times in five.

        As many problems are taken to be discordant as were, and the correction to be at its
        strictest, LEVEL / tests. None where a link is shown, and where it would not be even if all
        those problems spoke for one method.
        """
        discordant = self.difference.only_a + self.difference.only_b
        if self.verdict is not LinkVerdict.NOT_SHOWN or not discordant:
            return None
        n = self.difference.n
        least = stats.minimum_detectable_difference(
            n, discordant=discordant / n, alpha=LEVEL / self.tests
        )
        return least if math.isfinite(least) else None


def check_order(order: Sequence[str]) -> None:
    """Refuse an order that no runs could be judged by. Raises BenchError."""
    known = {name for entry in SEARCHES.values() for name in (*entry.selectors, *entry.by_score)}
    for name in order:
        if name not in known:
            raise UnknownNameError("method", name, known)
    if len(order) < 2 or len(set(order)) < len(order):
        raise BenchError(
            f"the chain {','.join(order)!r} claims no order; name two or more different methods, "
            "best first, with commas between"
        )


def judge_chains(cuts: Sequence[Iterable[Run]], order: Sequence[str]) -> list[tuple[Link, ...]]:
    """Return the links for each budget, out of the runs cut there; `order` is claimed, best first.

    Every policy and benchmark has links of its own. Raises BenchError: a method is in none of the
    runs of a policy on a benchmark, or in several; or two cannot be compared.
    """
    check_order(order)
    chains = [_compare_neighbours(runs, order) for runs in cuts]
    corrected = iter(stats.holm([link.corrected_p for links in chains for link in links]))
    tests = sum(map(len, chains))
    return [
        tuple(replace(link, corrected_p=next(corrected), tests=tests) for link in links)
        for links in chains
    ]


def _compare_neighbours(runs: Iterable[Run], order: Sequence[str]) -> list[Link]:
    """Return the links of an order, not yet corrected for one another."""
    by_context: dict[tuple[str, str], list[Run]] = {}
    for run in runs:
        context = run.policy, run.benchmark
        by_context.setdefault(context, []).append(run)
    links = []
    for (policy, benchmark), candidates in by_context.items():
        where = f"{policy} on {benchmark}"
        chosen = {name: _only_run(name, candidates, where) for name in order}
        for above, below in pairwise(order):
            difference = compare(chosen[above], chosen[below], a_method=above, b_method=below)
            if difference is None:
                raise BenchError(
                    f"{above} and {below} of {where} cannot be compared: they have no problem that "
                    "both could be judged on, or problems under several seeds, whose answers are "
                    "not independent. Give runs of one seed on the same problems"
                )
            links.append(Link(policy, benchmark, above, below, difference, difference.p, tests=1))
    return links


def _only_run(method: str, runs: Sequence[Run], where: str) -> Run:
    found = [run for run in runs if method in methods(run)]
    if not found:
        known = sorted({name for run in runs for name in methods(run)})
        raise BenchError(
            f"the chain names {method}, but no run of {where} answers by it; those given answer by "
            f"{', '.join(known)}. Give such a run, or leave {method} out of the chain"
        )
    if len(found) > 1:
        raise BenchError(
            f"the chain names {method}, and several runs of {where} answer by it: "
            f"{', '.join(str(run.path) for run in found)}. Give `rstar-bench report` one of them"
        )
    return found[0]
