"""What a run would have answered with less: choices along the clock, and curves over budgets.

A trace is played again once, and its selectors are asked wherever a budget of the curve ends. The
same points tell the page's slider what was chosen by then. They agree with
`bench.reports.token_budget`, which cuts a run at one budget at a time.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate

from bench import stats
from bench.page.charts import Chart, Point, Series
from bench.runs.grading import select
from bench.runs.record import Record, Selected
from bench.search import Event, EventKind, Trace
from bench.search.selection import Selector

POINTS = 32
"""Budgets between nothing and the largest."""


@dataclass(frozen=True, slots=True)
class Choices:
    """What was chosen of one problem at some budgets, and when."""

    rollouts: tuple[int, ...]
    """Those that had ended, for each budget."""
    selected: Mapping[int, Mapping[str, Selected]]
    """By number of rollouts, 0 included where a budget ends before the first."""

    def at(self, budget: int, selector: str) -> Selected | None:
        """Return what a selector had chosen at a budget, by its place."""
        return self.selected[self.rollouts[budget]].get(selector)


def list_budgets(largest: int) -> list[int]:
    """Return the budgets of a curve, in generated tokens of a problem."""
    return sorted({max(1, largest * step // POINTS) for step in range(1, POINTS + 1)})


def count_tokens(trace: Trace) -> int:
    """Return what the policy generated in a search."""
    return sum(event.policy_generated for event in trace.events)


def follow_choices(
    trace: Trace, record: Record, selectors: Mapping[str, Selector], budgets: Sequence[int]
) -> Choices:
    """Play a trace again, and ask the selectors where each budget ends."""
    spent = list(accumulate(event.policy_generated for event in trace.events))
    ends = [
        cost
        for event, cost in zip(trace.events, spent, strict=True)
        if event.kind is EventKind.ROLLOUT
    ]
    rollouts = tuple(bisect_right(ends, budget) for budget in budgets)
    return Choices(rollouts, _select_after(trace, record, selectors, set(rollouts)))


def _select_after(
    trace: Trace, record: Record, selectors: Mapping[str, Selector], wanted: set[int]
) -> dict[int, Mapping[str, Selected]]:
    """Return what the selectors chose after each wanted number of rollouts."""
    live = replace(
        trace,
        nodes=[
            replace(node, value=None, q=0.0, visits=0, expanded=False, children=[])
            for node in trace.nodes
        ],
        finished=[],
        rollouts=[],
        events=[],
        usage=type(trace.usage)(),
    )
    found: dict[int, Mapping[str, Selected]] = {}
    if 0 in wanted:
        found[0] = select(live, (), selectors)
    for event in trace.events:
        kind, index, value, *costs = event
        named = dict(zip(Event._fields[3:], costs, strict=True))
        live.record(kind, live.nodes[index], value, **named)
        done = len(live.rollouts)
        if kind is EventKind.ROLLOUT and done in wanted:
            found[done] = select(live, record.samples[:done], selectors)
    return found


@dataclass(slots=True)
class Curves:
    """Accuracy over budgets, filled problem by problem."""

    budgets: Sequence[int]
    _right: dict[str, list[list[float]]]
    """By curve and budget: a number for each problem that could be judged."""

    def __init__(self, budgets: Sequence[int]) -> None:
        """Begin without a problem."""
        self.budgets = budgets
        self._right = defaultdict(lambda: [[] for _ in budgets])

    def add(self, names: Mapping[str, str], choices: Choices) -> None:
        """Count a problem for the curves of its selectors; `names` has each one's curve."""
        for selector, name in names.items():
            for at in range(len(self.budgets)):
                chosen = choices.at(at, selector)
                if chosen is not None and not chosen.outcome.is_failure:
                    self._right[name][at].append(float(chosen.outcome == "correct"))

    def draw(self) -> Chart | None:
        """Return the chart; None where no problem was counted."""
        series = [
            Series(name, [p for p in map(_point, self.budgets, shares) if p is not None])
            for name, shares in self._right.items()
        ]
        if not series:
            return None
        return Chart(
            "Accuracy against the budget",
            "generated tokens of a problem, at most",
            "accuracy, %",
            series,
            note="Every search cut, problem by problem, at the same number of generated tokens; "
            "bands: Wilson, 95 %, each point for itself.",
        )


def _point(budget: int, right: Sequence[float]) -> Point | None:
    if not right:
        return None
    share = stats.clustered_mean([[each] for each in right])
    return budget, 100 * share.estimate, 100 * share.low, 100 * share.high
