"""Accuracy against generated tokens: one curve for each selector of each run, from stored runs.

Every point is what the run would have answered with that budget (`bench.reports.token_budget`), so
a curve costs no generation and says what a table at a few budgets cannot: where methods cross.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence

from bench.errors import BenchError
from bench.reports.figure import COLOURS, new_figure, svg
from bench.reports.leaderboard import leaderboard, policy_of
from bench.reports.token_budget import cut
from bench.runs.reader import Run

POINTS = 16
"""Budgets between nothing and the largest."""

Point = tuple[int, float, float, float]
"""A budget in tokens; accuracy, and the lower and upper end of its interval, in percent."""


def budget_curves(runs: Sequence[Run], largest: int) -> dict[str, list[Point]]:
    """Return each method's points, by its label, up to a budget of tokens of a problem.

    Raises BenchError: a tree is not stored, or `largest` is too small to be cut into points.
    """
    if largest < POINTS:
        raise BenchError(f"a curve up to {largest} tokens has no points; give at least {POINTS}")
    several = len({policy_of(run) for run in runs}) > 1
    curves: dict[str, list[Point]] = defaultdict(list)
    for step in range(1, POINTS + 1):
        tokens = largest * step // POINTS
        for row in leaderboard([cut(run, tokens) for run in runs]).rows:
            if row.accuracy is not None:
                estimate, low, high = row.accuracy.estimate, row.accuracy.low, row.accuracy.high
                label = f"{row.policy} {row.label}" if several else row.label
                curves[label].append((tokens, 100 * estimate, 100 * low, 100 * high))
    return dict(curves)


def budget_plot(runs: Sequence[Run], largest: int) -> bytes:
    """Draw the curves as SVG; the shade is the 95 % interval. Raises BenchError."""
    figure, (axes,) = new_figure(1, width=6.4, height=3.8)
    for (label, points), (colour, line) in zip(
        budget_curves(runs, largest).items(), _styles(), strict=False
    ):
        tokens, right, low, high = zip(*points, strict=True)
        axes.plot(tokens, right, color=colour, linestyle=line, label=label, gid=f"curve-{label}")
        axes.fill_between(tokens, low, high, color=colour, alpha=0.06, linewidth=0)
    axes.set_xlabel("generated tokens of a problem, at most")
    axes.set_ylabel("accuracy, %")
    axes.set_ylim(bottom=0)
    axes.legend(fontsize=8, loc="center left", bbox_to_anchor=(1.0, 0.5))
    return svg(figure)


def _styles() -> Iterator[tuple[str, str]]:
    """Yield a colour and a kind of line for each of any number of curves."""
    while True:
        for line in ("-", "--", ":"):
            for colour in COLOURS:
                yield colour, line
