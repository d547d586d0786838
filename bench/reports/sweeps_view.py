"""A sweep as tables and pictures; nothing is computed here but the rounding."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import cycle
from typing import Any

from bench.reports.figure import COLOURS, make_logarithmic, new_figure, svg
from bench.reports.grid import Grid
from bench.reports.sweeps import CurvePoint, SweepCurve, SweepRow, Swept, find_front

_FRONT = {"tokens": "t", "flops": "f", "seconds": "s"}
_IN_LABEL = ("benchmark", "search", "limit", "n", "rollouts", "iterations")
"""Keys whose values a title or a method tells."""
_COSTS: tuple[tuple[str, Callable[[CurvePoint | SweepRow], float | None]], ...] = (
    ("generated tokens of a problem", lambda point: point.expense.tokens),
    ("GFLOPs of a problem, policy + PPM", lambda point: point.expense.flops / 1e9),
    ("seconds of a problem", lambda point: point.expense.seconds),
)

_Panel = Any
"""Axes of matplotlib, which `bench.reports.figure` alone imports."""
_DECADE = 10
"""Costs that differ by more are drawn on a logarithmic axis."""


def lay_out(swept: Swept) -> list[Grid]:
    """Return a table for each benchmark that fits 80 columns."""
    return [
        _lay_out_benchmark(name, [row for row in swept.rows if row.benchmark == name])
        for name in list_benchmarks(swept)
    ]


def list_benchmarks(swept: Swept) -> list[str]:
    """Return the benchmarks of a sweep, in the order of its rows."""
    return list(dict.fromkeys(row.benchmark for row in swept.rows))


def draw_sweep(swept: Swept, benchmark: str) -> bytes:
    """Draw the curves and rows of one benchmark as SVG: over k, and over each cost.

    Shaded is the band of a whole curve. Raises MissingExtraError: matplotlib is absent.
    """
    curves = [curve for curve in swept.curves if curve.benchmark == benchmark]
    rows = [row for row in swept.rows if row.benchmark == benchmark and row.accuracy is not None]
    units = list(dict.fromkeys(curve.unit for curve in curves))
    names = [
        " ".join([curve.method, *told])
        for curve, told in zip(curves, _tell_apart([c.varied for c in curves]), strict=True)
    ]
    drawn = list(zip(curves, names, cycle(COLOURS), strict=False))
    panels = len(units) + len(_COSTS) + 1
    figure, (*axes, key) = new_figure(panels, width=10, height=6.4, rows=2)
    for panel, unit in zip(axes, units, strict=False):
        ks = sorted({p.k for curve in curves if curve.unit == unit for p in curve.points})
        for curve, name, colour in drawn:
            if curve.unit == unit:
                _draw_curve(panel, curve, [point.k for point in curve.points], name, colour)
        panel.set_xscale("log", base=2)
        panel.set_xticks(ks, [str(k) for k in ks], minor=False)
        panel.set_xlabel(f"{unit}, k")
    for panel, (words, cost) in zip(axes[len(units) :], _COSTS, strict=True):
        for curve, name, colour in drawn:
            costs = [found for point in curve.points if (found := cost(point)) is not None]
            if len(costs) == len(curve.points):
                _draw_curve(panel, curve, costs, name, colour)
        placed = [
            (found, 100 * row.accuracy.estimate)
            for row in rows
            if row.accuracy is not None and (found := cost(row))
        ]
        if placed:
            _draw_front(panel, placed)
        panel.set_xlabel(words)
    policies = ", ".join(dict.fromkeys(row.policy for row in rows))
    problems = max((row.problems for row in rows), default=0)
    axes[0].set_title(f"{policies} on {benchmark}, n = {problems}", loc="left")
    axes[0].set_ylabel("right, %")
    for panel in axes[1:]:
        panel.sharey(axes[0])
    key.axis("off")
    handles, told = axes[-1].get_legend_handles_labels()
    key.legend(handles, told, loc="center left", title="shade: 95 % band of a curve")
    return svg(figure)


def _tell_apart(varied: Sequence[Mapping[str, str]]) -> list[list[str]]:
    """Return the settings in which each cell differs from others of its search, `name=value`."""
    shared = _list_shared(varied)
    return [
        [
            f"{key}={value}"
            for key, value in each.items()
            if key not in _IN_LABEL and key not in shared[each.get("search", "")]
        ]
        for each in varied
    ]


def _list_shared(varied: Sequence[Mapping[str, str]]) -> dict[str, dict[str, str]]:
    """Return by search the settings that all its cells have in common."""
    cells: dict[str, list[Mapping[str, str]]] = {}
    for each in varied:
        cells.setdefault(each.get("search", ""), []).append(each)
    return {
        search: {
            key: value
            for key, value in of[0].items()
            if key not in _IN_LABEL and all(other.get(key) == value for other in of)
        }
        for search, of in cells.items()
    }


def _draw_curve(
    panel: _Panel, curve: SweepCurve, at: Sequence[float], name: str, colour: str
) -> None:
    middle, low, high = (
        [100 * getattr(point, name) for point in curve.points]
        for name in ("accuracy", "low", "high")
    )
    panel.plot(at, middle, color=colour, label=name, gid=f"curve-{name}")
    panel.fill_between(at, low, high, color=colour, alpha=0.05, linewidth=0)


def _draw_front(panel: _Panel, points: Sequence[tuple[float, float]]) -> None:
    """Draw what cells cost, and ring those that no other betters."""
    xs, ys = zip(*points, strict=True)
    panel.scatter(xs, ys, 14, color="#57606a", label="cells")
    xs, ys = zip(*(points[at] for at in find_front(points)), strict=True)
    panel.plot(
        xs,
        ys,
        drawstyle="steps-post",
        color="black",
        linewidth=0.8,
        marker="o",
        markersize=7,
        markerfacecolor="none",
        label="Pareto front",
        gid="front",
    )
    costs = [cost for cost, _ in points]
    if max(costs) > _DECADE * min(costs):
        make_logarithmic(panel)


def _lay_out_benchmark(benchmark: str, rows: Sequence[SweepRow]) -> Grid:
    policies = list(dict.fromkeys(row.policy for row in rows))
    problems = max(row.problems for row in rows)
    title = f"{benchmark} · {problems} problems"
    if len(policies) == 1:
        title = f"{policies[0]} on {title}"
    notes = [
        "Right: 95 %, clustered by problem. Tokens: generated. GFLOPs: policy + PPM, with "
        "attention, prompts computed once. s: of the run, over its problems; of a part of it "
        "(~, or a vote without the PPM) in proportion to FLOPs. All are means of a problem.",
        "Front: no other row is as cheap and as often right, by tokens (t), FLOPs (f), seconds "
        "(s); it is marked, not tested: `rstar-bench compare-runs` tests.",
    ]
    if any(row.covered for row in rows):
        notes.append(
            "~ read off a larger run: a tree by its clock, samples as a mean over all subsets."
        )
    varied = [
        {key: value for key, value in row.varied.items() if key != "policy" or len(policies) > 1}
        for row in rows
    ]
    notes += [
        f"{search or 'All'}: {', '.join(f'{key} {value}' for key, value in shared.items())}."
        for search, shared in _list_shared(varied).items()
        if shared
    ]
    cells = [_describe_cell(*each) for each in zip(rows, _tell_apart(varied), strict=True)]
    heads = ["Cell", "Method", "Right, %", "Tokens", "GFLOPs", "s", "Front"]
    first = 0 if any(cells) else 1
    return Grid(
        title,
        heads[first:],
        [[cell or "-", *_row(row)][first:] for row, cell in zip(rows, cells, strict=True)],
        notes,
        left=frozenset(at - first for at in (0, 1, 6)),
    )


def _describe_cell(row: SweepRow, told: Sequence[str]) -> str:
    return " ".join([*told, *([f"{len(row.seeds)} seeds"] if len(row.seeds) > 1 else [])])


def _row(row: SweepRow) -> list[str]:
    found, cost = row.accuracy, row.expense
    right = "-"
    if found is not None:
        right = f"{100 * found.estimate:.1f} [{100 * found.low:.0f},{100 * found.high:.0f}]"
    ppm = f"+{cost.ppm_flops / 1e9:,.0f}" if cost.ppm_flops else ""
    return [
        f"{'~ ' * row.covered}{row.label}",
        right,
        f"{cost.tokens:,.0f}",
        f"{cost.policy_flops / 1e9:,.0f}{ppm}",
        "-" if cost.seconds is None else f"{cost.seconds:.2f}",
        " ".join(_FRONT[axis] for axis in row.fronts),
    ]
