"""Accuracy against generated tokens: one curve for each selector of each run, from stored runs.

Every point is what the run would have answered with that budget (`bench.reports.token_budget`), so
a curve costs no generation and says what a table at a few budgets cannot: where methods cross.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from bench.errors import BenchError
from bench.reports.figure import COLOURS, LINES, new_figure, svg
from bench.reports.leaderboard import leaderboard
from bench.reports.token_budget import cut
from bench.runs.reader import Run

POINTS = 16
"""Budgets between nothing and the largest."""

Point = tuple[int, float, float, float]
"""A budget in tokens; accuracy, and the lower and upper end of its interval, in percent."""


Curves = dict[tuple[str, str], list[Point]]
"""The points of each policy's methods, by the names of both."""


def budget_curves(runs: Sequence[Run], largest: int) -> Curves:
    """Return each method's points up to a budget of tokens of a problem.

    Raises BenchError: a tree is not stored, `largest` is too small to be cut into points, or no
        answer could be judged.
    """
    if largest < POINTS:
        raise BenchError(f"a curve up to {largest} tokens has no points; give at least {POINTS}")
    curves: Curves = defaultdict(list)
    for step in range(1, POINTS + 1):
        tokens = largest * step // POINTS
        for row in leaderboard([cut(run, tokens) for run in runs]).rows:
            if row.accuracy is not None:
                estimate, low, high = row.accuracy.estimate, row.accuracy.low, row.accuracy.high
                curves[row.policy, row.label].append(
                    (tokens, 100 * estimate, 100 * low, 100 * high)
                )
    if not curves:
        raise BenchError(
            "a curve shows answers that were judged, and these runs have none; see in "
            "`rstar-bench report` what failed"
        )
    return dict(curves)


def budget_plot(runs: Sequence[Run], largest: int) -> bytes:
    """Draw the curves as SVG; the shade is the 95 % interval. Raises BenchError.

    A method has one colour, whatever the policy; a policy has one kind of line, as long as there
    are no more methods than colours.
    """
    curves = budget_curves(runs, largest)
    policies = list(dict.fromkeys(policy for policy, _ in curves))
    labels = list(dict.fromkeys(label for _, label in curves))
    figure, (axes,) = new_figure(1, width=6.4, height=3.8)
    for (policy, label), points in curves.items():
        tokens, right, low, high = zip(*points, strict=True)
        name = f"{policy} {label}" if len(policies) > 1 else label
        colour = COLOURS[labels.index(label) % len(COLOURS)]
        line = LINES[(policies.index(policy) + labels.index(label) // len(COLOURS)) % len(LINES)]
        axes.plot(tokens, right, color=colour, linestyle=line, label=name, gid=f"curve-{name}")
        axes.fill_between(tokens, low, high, color=colour, alpha=0.06, linewidth=0)
    axes.set_title(_title(runs, policies))
    axes.set_xlabel("generated tokens of a problem, at most")
    axes.set_ylabel("right, %; shade: 95 %")
    axes.margins(x=0, y=0.03)
    axes.legend(fontsize=8, loc="center left", bbox_to_anchor=(1.0, 0.5))
    return svg(figure)


def _title(runs: Sequence[Run], policies: Sequence[str]) -> str:
    benchmarks = dict.fromkeys(run.benchmark for run in runs)
    ns = [str(n) for n in dict.fromkeys(len(run.records) for run in runs)]
    return f"{', '.join(policies)} on {', '.join(benchmarks)}, n = {' and '.join(ns)}"
