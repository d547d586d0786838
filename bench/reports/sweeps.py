"""The cells of a sweep as rows and curves, each with what it cost, and which of them are worth it.

A row is one selector of one cell; cells that differ in their seed alone are one row. Of a cell
that has no run of its own the run that covers it is cut: behind so many rollouts of a tree, while a
smaller number of samples is a mean over all subsets of that size (`bench.reports.every_k`). A curve
is all that one run holds: accuracy and cost behind 1, 2, 4, ... rollouts or samples, with a band
for the whole of it. Tokens are those generated, FLOPs those of policy and PPM with attention
(`bench.search.compute`), a selector that asks no PPM paying for none. Seconds are the run's: its
problems' waiting, divided by the problems in flight; at a cut they are taken in proportion to
FLOPs. A row is on the Pareto front of a cost where no other is as cheap and as often right, and
better in one of the two.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from statistics import fmean
from typing import Any

from bench import stats
from bench.reports.every_k import EveryK, read_every_k
from bench.reports.headroom.choosing import list_powers
from bench.reports.leaderboard import (
    judged_answers,
    leaderboard,
    outcomes,
    seconds_of_problem,
)
from bench.reports.standings import merge_seeds
from bench.reports.token_budget import cut, cut_to
from bench.runs.reader import Run
from bench.search import Trace
from bench.search.compute import ModelSize, Spent, list_spent
from bench.search.registry import SearchEntry, find_search
from bench.stats.bands import simultaneous_band

SCHEMA_VERSION = 2
"""Version of the JSON that `Swept.to_json` returns."""
AXES = ("tokens", "flops", "seconds")
"""Costs that have a front."""


@dataclass(frozen=True, slots=True)
class SweptCell:
    """One combination of a sweep, and the run that holds it."""

    name: str
    varied: Mapping[str, str]
    seed: int
    run: Run
    covered: bool
    """Whether the run is another cell's, of which this one is a part."""
    methods: tuple[str, ...]
    aggregate: str | None
    rollouts: int | None
    """Rollouts, samples or subtrees; None: they are no budget of the cell."""
    tokens: int | None
    """Generated tokens of a problem at which the cell ends; None: no limit."""
    policy: ModelSize | None
    ppm: ModelSize | None

    @property
    def entry(self) -> SearchEntry:
        """The search of the run."""
        return find_search(self.run.configured("search"))

    @property
    def group(self) -> tuple[tuple[str, str], ...]:
        """What it has in common with the same cell under other seeds."""
        return tuple((key, value) for key, value in self.varied.items() if key != "seed")


@dataclass(frozen=True, slots=True)
class Expense:
    """What a problem cost, in the mean."""

    tokens: float = 0.0
    policy_flops: float = 0.0
    ppm_flops: float = 0.0
    seconds: float | None = None

    @property
    def flops(self) -> float:
        """FLOPs of policy and PPM together."""
        return self.policy_flops + self.ppm_flops


@dataclass(frozen=True, slots=True)
class SweepRow:
    """One selector of one cell."""

    benchmark: str
    policy: str
    label: str
    varied: Mapping[str, str]
    seeds: tuple[int, ...]
    problems: int
    accuracy: stats.Interval | None
    """None where nothing could be judged."""
    expense: Expense
    covered: bool
    """Whether it was read off another cell's run."""
    runs: tuple[str, ...]
    fronts: tuple[str, ...] = ()
    """Those of `AXES` on whose front it is."""


@dataclass(frozen=True, slots=True)
class CurvePoint:
    """A curve behind so many rollouts or samples."""

    k: int
    accuracy: float
    low: float
    high: float
    expense: Expense


@dataclass(frozen=True, slots=True)
class SweepCurve:
    """One selector of one run, or of the same run under several seeds."""

    benchmark: str
    method: str
    varied: Mapping[str, str]
    """The settings of its cell, but for what k counts."""
    unit: str
    """What k counts: `samples`, `subtrees`, or `rollouts`."""
    points: tuple[CurvePoint, ...]


@dataclass(frozen=True, slots=True)
class Swept:
    """A finished sweep."""

    rows: tuple[SweepRow, ...]
    curves: tuple[SweepCurve, ...]

    def to_json(self) -> dict[str, Any]:
        """Return JSON values, shares as fractions."""
        return {"schema": SCHEMA_VERSION, **asdict(self)}


@dataclass(slots=True)
class _Ledger:
    """What the runs cost, read once each."""

    ppms: Mapping[str, ModelSize]
    """By run: a cell that asks no PPM may be part of a run that has one."""
    spent: dict[str, list[list[Spent]]] = field(default_factory=dict)

    def open(self, cell: SweptCell) -> list[list[Spent]]:
        """Return what was spent after each event of each problem; nothing without a policy."""
        path, policy = str(cell.run.path), cell.policy
        if path not in self.spent:
            found = [
                list_spent(Trace.from_json(each.tree), policy, self.ppms.get(path))
                for each in cell.run.trees()
                if policy is not None and each.tree
            ]
            self.spent[path] = [each for each in found if each]
        return self.spent[path]

    def reckon(
        self, cell: SweptCell, method: str, rollouts: int | None, tokens: int | None
    ) -> Expense:
        """Return what a method had cost behind so many rollouts, or at so many tokens."""
        stored = self.open(cell)
        whole = seconds_of_problem(cell.run)
        if not stored:
            return Expense(seconds=whole)
        reached = [_reach(each, rollouts, tokens) for each in stored]
        asks_ppm = method in cell.entry.by_score
        policy = fmean(each.policy_flops for each in reached)
        ppm = fmean(each.ppm_flops for each in reached) if asks_ppm else 0.0
        most = fmean(each[-1].policy_flops + each[-1].ppm_flops for each in stored)
        seconds = None if whole is None or not most else whole * (policy + ppm) / most
        return Expense(fmean(each.generated for each in reached), policy, ppm, seconds)


def read_swept(cells: Sequence[SweptCell]) -> Swept:
    """Return the rows of all cells, in their order, and the curves of their runs.

    Raises BenchError: a tree is not stored.
    """
    groups: dict[tuple[tuple[str, str], ...], list[SweptCell]] = {}
    for cell in cells:
        groups.setdefault(cell.group, []).append(cell)
    ledger = _Ledger({str(each.run.path): each.ppm for each in cells if each.ppm is not None})
    every_k = _read_every_k(groups.values())
    rows, curves = [], []
    for group in groups.values():
        curve_of = every_k.get(_paths(group))
        rows += _read_rows(group, ledger, curve_of)
        if not group[0].covered:
            curves += _read_curves(group, ledger, curve_of)
    return Swept(tuple(_mark_fronts(rows)), tuple(curves))


def find_front(points: Sequence[tuple[float, float]]) -> list[int]:
    """Return which points, each a cost and an accuracy, no other one betters; cheapest first."""
    order = sorted(range(len(points)), key=lambda at: (points[at][0], -points[at][1]))
    front: list[int] = []
    for at in order:
        if not front or points[at][1] > points[front[-1]][1] or points[at] == points[front[-1]]:
            front.append(at)
    return front


def _paths(group: Sequence[SweptCell]) -> tuple[str, ...]:
    return tuple(str(cell.run.path) for cell in group)


def _read_every_k(groups: Iterable[Sequence[SweptCell]]) -> dict[tuple[str, ...], EveryK]:
    """Return the curves over k of the runs of samples, those of several seeds together.

    Subsets are of samples that are alike, so where the greedy one is among them there are none.
    """
    found = {}
    for group in groups:
        paths, knobs = _paths(group), group[0].run.knobs
        alike = group[0].entry.is_sampling and not knobs.get("greedy_first")
        if alike and paths not in found:
            (merged, *others) = merge_seeds(cell.run for cell in group)
            curve = None if others else read_every_k(merged)
            if curve is not None:
                found[paths] = curve
    return found


def _read_rows(
    group: Sequence[SweptCell], ledger: _Ledger, every_k: EveryK | None
) -> list[SweepRow]:
    first, rows = group[0], []
    runs = [_as_asked(cell) for cell in group]
    by_label = {row.method: row.label for row in leaderboard([runs[0]]).rows}
    for method in first.methods:
        answers: dict[str, list[bool]] = {}
        for run in runs:
            for name, judged in judged_answers(outcomes(run, method)).items():
                answers.setdefault(name, []).extend(judged)
        accuracy = stats.clustered_mean(list(answers.values())) if answers else None
        if first.covered and every_k is not None and first.tokens is None:
            curve = every_k.curves.get(_name_curve(method, first))
            k = first.rollouts or 0
            if curve is not None and 0 < k <= every_k.samples:
                accuracy = curve.points[k - 1]
        costs = [ledger.reckon(cell, method, cell.rollouts, cell.tokens) for cell in group]
        rows.append(
            SweepRow(
                benchmark=first.run.benchmark,
                policy=str(first.run.configured("policy") or "-"),
                label=by_label.get(method, method),
                varied=dict(first.group),
                seeds=tuple(cell.seed for cell in group),
                problems=len({record.problem_id for run in runs for record in run.records}),
                accuracy=accuracy,
                expense=_mean(costs),
                covered=first.covered,
                runs=_paths(group),
            )
        )
    return rows


def _as_asked(cell: SweptCell) -> Run:
    """Return what a cell's run answered within the cell's budget, by the cell's aggregate."""
    run = cell.run
    search = run.config["search"]
    if cell.covered and cell.aggregate is not None:
        search = {**search, "aggregate": cell.aggregate}
        config = {**run.config, "search": search}
        run = replace(run, header={**run.header, "config": config})
    if cell.tokens is not None and cell.rollouts is None:
        return cut(run, cell.tokens)
    if cell.rollouts is not None and (cell.covered or cell.tokens is not None):
        return cut_to(run, cell.rollouts, cell.tokens)
    return run


def _name_curve(method: str, cell: SweptCell) -> str:
    """Return what `every_k` calls a selector."""
    name = method.removeprefix("plan_")
    return name if name == "majority" else f"{name} {cell.aggregate}"


def _read_curves(
    group: Sequence[SweptCell], ledger: _Ledger, every_k: EveryK | None
) -> list[SweepCurve]:
    """Return a curve for each selector of runs that count their rollouts."""
    first = group[0]
    most = max((len(r.samples) for cell in group for r in cell.run.records), default=0)
    if first.entry.counts is None or first.policy is None or most == 0:
        return []
    if every_k is not None:
        most = min(most, every_k.samples)
    ks = list_powers(most)
    names = [_name_curve(method, first) for method in first.methods]
    exact = every_k.curves if every_k and all(name in every_k.curves for name in names) else {}
    cuts = {} if exact else {k: [cut_to(cell.run, k) for cell in group] for k in ks}
    varied = {key: value for key, value in first.group if key != first.entry.counts}
    curves = []
    for method, name in zip(first.methods, names, strict=True):
        if exact:
            curve = exact[name]
            found = [
                (curve.points[k - 1].estimate, curve.low[k - 1], curve.high[k - 1]) for k in ks
            ]
        else:
            found = _draw(cuts, method)
        points = [
            CurvePoint(k, *limits, _mean([ledger.reckon(cell, method, k, None) for cell in group]))
            for k, limits in zip(ks, found, strict=True)
        ]
        unit = {"n": "samples" if first.entry.is_sampling else "subtrees"}
        curves.append(
            SweepCurve(
                first.run.benchmark,
                method,
                varied,
                unit.get(first.entry.counts, "rollouts"),
                tuple(points),
            )
        )
    return curves


def _draw(cuts: Mapping[int, Sequence[Run]], method: str) -> list[tuple[float, float, float]]:
    """Return accuracy with its band behind each number of rollouts."""
    by_k = []
    for runs in cuts.values():
        answers: dict[str, list[bool]] = {}
        for run in runs:
            for name, judged in judged_answers(outcomes(run, method)).items():
                answers.setdefault(name, []).extend(judged)
        by_k.append(answers)
    shared = sorted(set.intersection(*(set(each) for each in by_k)))
    if not shared:
        return [(0.0, 0.0, 1.0)] * len(by_k)
    table = [[fmean(each[name]) for each in by_k] for name in shared]
    counts = [sum(len(each[name]) for name in shared) for each in by_k]
    band = simultaneous_band(table, counts)
    middle = [point.estimate for point in band.points]
    return list(zip(middle, band.low, band.high, strict=True))


def _mark_fronts(rows: Sequence[SweepRow]) -> list[SweepRow]:
    fronts: dict[int, list[str]] = {}
    for benchmark in dict.fromkeys(row.benchmark for row in rows):
        for axis in AXES:
            having = [
                (at, cost, row.accuracy.estimate)
                for at, row in enumerate(rows)
                if row.benchmark == benchmark
                and row.accuracy is not None
                and (cost := getattr(row.expense, axis)) is not None
            ]
            for place in find_front([(cost, right) for _, cost, right in having]):
                fronts.setdefault(having[place][0], []).append(axis)
    return [replace(row, fronts=tuple(fronts.get(at, ()))) for at, row in enumerate(rows)]


def _reach(spent: Sequence[Spent], rollouts: int | None, tokens: int | None) -> Spent:
    """Return what had been spent behind so many rollouts, or before more tokens than so many."""
    now = Spent()
    for each in spent:
        if tokens is not None and each.generated > tokens:
            break
        now = each
        if rollouts is not None and each.rollouts == rollouts:
            break
    return now


def _mean(expenses: Sequence[Expense]) -> Expense:
    seconds = [each.seconds for each in expenses if each.seconds is not None]
    return Expense(
        fmean(each.tokens for each in expenses),
        fmean(each.policy_flops for each in expenses),
        fmean(each.ppm_flops for each in expenses),
        fmean(seconds) if len(seconds) == len(expenses) else None,
    )
