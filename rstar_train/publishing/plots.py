"""The picture of a training: what the rounds gained."""

from __future__ import annotations

from collections.abc import Sequence

from bench.reports.figure import COLOURS, error_bars, new_figure, svg
from rstar_train.figures import EvaluationFigures
from rstar_train.publishing.tables import RoundLike


def rounds_plot(figures: Sequence[RoundLike], base: EvaluationFigures | None = None) -> bytes:
    """Return an SVG of the published rounds: coverage of the pool by tier, accuracy by method.

    `base` is the base model's evaluation, drawn as round 0.
    """
    figure, (coverage, accuracy) = new_figure(2, width=8.4, height=3.4)
    rounds = list(range(1, len(figures) + 1))
    names = [name for name in figures[-1].coverage if "/" not in name]
    for name, colour in zip(names, COLOURS, strict=False):
        found = [each.coverage[name] for each in figures]
        in_round = [cell.percent for cell in found]
        ever = [cell.ever_percent for cell in found]
        coverage.plot(rounds, ever, color=colour, linestyle=":", linewidth=1.2)
        coverage.plot(rounds, in_round, "o-", color=colour, label=name, gid=f"coverage-{name}")
    coverage.set_title("Pool solved, % (dotted: in any round so far)")
    evaluations = [(0, base.methods)] if base is not None else []
    evaluations += [(at, each.evaluation.methods) for at, each in enumerate(figures, start=1)]
    last = evaluations[-1][1]
    methods = [name for name, cell in last.items() if cell.accuracy is not None]
    for at, method in enumerate(methods):
        cells = [
            (number, shown)
            for number, found in evaluations
            if method in found and (shown := found[method].accuracy) is not None
        ]
        right = [100 * cell.estimate for _, cell in cells]
        lows = [100 * cell.low for _, cell in cells]
        highs = [100 * cell.high for _, cell in cells]
        accuracy.errorbar(
            [number + 0.05 * (at - len(methods) / 2) for number, _ in cells],  # bars side by side
            right,
            yerr=error_bars(right, lows, highs),
            fmt="o-",
            markersize=4,
            linewidth=1.2,
            color=COLOURS[at % len(COLOURS)],
            label=last[method].label,
        )
    accuracy.set_title("Held-out accuracy, % (95 % intervals)")
    for axes in (coverage, accuracy):
        axes.set_xlabel("round")
        axes.set_xticks(sorted({number for number, _ in evaluations} | set(rounds)))
        axes.set_ylim(-3, 103)
        axes.legend(fontsize=8)
    return svg(figure)
