"""The curves over k as tables and as a picture; nothing is computed here but the rounding."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import cycle

from bench.errors import BenchError, MissingRunError
from bench.reports.every_k import Curve, EveryK, describe_falls
from bench.reports.figure import COLOURS, new_figure, svg
from bench.reports.grid import Grid
from bench.stats.choices import MOST_LISTED

_COLUMNS = 7
"""Numbers of samples that 80 columns have room for."""


def lay_out(found: Sequence[EveryK], asked: Sequence[int] = ()) -> list[Grid]:
    """Return a table for each run, a row a selector, a column each k that is asked for.

    Without any, they are those for which 80 columns have room. Raises BenchError: a run has fewer
    samples.
    """
    return [
        Grid(
            _title(each),
            ["k", *map(str, ks)],
            [[name, *(_cell(curve, k) for k in ks)] for name, curve in each.curves.items()],
            _notes(each),
        )
        for each in found
        for ks in (_choose_ks(each, asked),)
    ]


def draw_every_k(found: Sequence[EveryK]) -> bytes:
    """Draw a panel for each run as SVG, by the aggregate that it goes by; shaded is the band.

    Raises MissingRunError: there is no run to draw. MissingExtraError: matplotlib is absent.
    """
    if not found:
        raise MissingRunError(
            "a picture over k is drawn of independent samples, and none of these runs has any; "
            "give a run of --search sample, or a budget with --tokens"
        )
    figure, panels = new_figure(len(found), width=1.6 + 3.6 * len(found), height=3.6)
    for axes, each in zip(panels, found, strict=True):
        names = ("oracle", "majority", f"best_of_n {each.aggregate}", f"weighted {each.aggregate}")
        shown = [(name, each.curves[name]) for name in names if name in each.curves]
        ks = range(1, each.samples + 1)
        for (name, curve), colour in zip(shown, cycle(COLOURS), strict=False):
            middle = [100 * point.estimate for point in curve.points]
            low, high = ([100 * x for x in side] for side in (curve.low, curve.high))
            label = name.removesuffix(f" {each.aggregate}")
            axes.plot(ks, middle, color=colour, label=label, gid=f"curve-{name}")
            axes.fill_between(ks, low, high, color=colour, alpha=0.08, linewidth=0)
        axes.set_xscale("log", base=2)
        axes.set_xticks(each.shown, [str(k) for k in each.shown], minor=False)
        axes.set_title(f"{each.policy}\n{each.benchmark}, n = {each.problems}")
        axes.set_xlabel(f"samples, k; scores by {each.aggregate}" if each.falls else "samples, k")
    panels[0].set_ylabel("right, %; shade: 95 % band of the curve")
    panels[-1].legend(fontsize=8, loc="center left", bbox_to_anchor=(1.0, 0.5))
    return svg(figure)


def _title(each: EveryK) -> str:
    ppm = "" if each.ppm is None else f" and PPM {each.ppm}"
    if each.ppm == each.policy:
        ppm = " and its PPM"
    return (
        f"Every k to {each.samples} · {each.policy}{ppm} on {each.benchmark} · "
        f"{each.problems} problems"
    )


def _choose_ks(each: EveryK, asked: Sequence[int]) -> Sequence[int]:
    """Return the numbers of samples asked for, else those with room, the last one among them."""
    if asked and max(asked) > each.samples:
        raise BenchError(
            f"--k {max(asked)}: {each.path} has {each.samples} samples of each problem, so k goes "
            f"from 1 to {each.samples}; repeat its command with a larger --n for more"
        )
    if asked:
        return asked
    ks = each.shown
    while len(ks) > _COLUMNS:
        ks = ks[::-2][::-1]
    return ks


def _cell(curve: Curve, k: int) -> str:
    low, high = (f"{100 * side[k - 1]:.0f}" for side in (curve.low, curve.high))
    return f"{100 * curve.points[k - 1].estimate:.1f}\n[{low},{high}]"


def _notes(each: EveryK) -> list[str]:
    notes = [
        "Percent right, a mean over all subsets of k samples; in brackets a 95 % band that covers "
        "a row as a whole (sup-t over problems)."
    ]
    notes += describe_falls(each.falls)
    if each.drawn:
        notes.append(
            f"Weighted votes of {each.drawn} problems with more than {MOST_LISTED} scored samples "
            "are over random subsets."
        )
    if each.left_out:
        notes.append(f"{each.left_out} problems are left out: the harness failed on them.")
    return notes
