"""Pictures for READMEs and cards: one house style, and SVG that is the same on every machine.

matplotlib is imported when a picture is drawn: harness and tables do without it.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from bench.errors import MissingExtraError

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

COLOURS = ("#1f6feb", "#d1570b", "#1a7f37", "#8250df", "#9a6700", "#57606a", "#cf222e")
"""Colours of the series, in their order."""
LINES = ("-", "--", ":", "-.")
"""Kinds of line, where colours are taken."""
_STYLE: Any = {  # matplotlib spells out the names of all its settings
    "svg.hashsalt": "rstar-bench",  # else element ids are random
    "svg.fonttype": "none",  # text stays text, in the reader's own font
    "font.family": "sans-serif",
    "font.size": 9,
    "axes.titlesize": 9,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "grid.color": "#eeeeee",
    "axes.axisbelow": True,
    "legend.frameon": False,
}


def new_figure(
    panels: int, *, width: float, height: float, rows: int = 1
) -> tuple[Figure, list[Axes]]:
    """Return a figure of so many inches with panels in rows. Raises MissingExtraError."""
    try:
        import matplotlib
        from matplotlib.figure import Figure
    except ImportError as error:
        raise MissingExtraError("a picture", "matplotlib", "train") from error
    with matplotlib.rc_context(_STYLE):
        # Not through pyplot, which keeps figures, and chooses a window system, for the process.
        figure = Figure(figsize=(width, height), layout="constrained")
        columns = -(-panels // rows)
        return figure, [figure.add_subplot(rows, columns, at + 1) for at in range(panels)]


def make_logarithmic(axes: Axes) -> None:
    """Make the x axis logarithmic, with plain numbers at 1, 2 and 5 of each decade."""
    from matplotlib.ticker import LogLocator, NullLocator

    axes.set_xscale("log")
    axes.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axes.xaxis.set_major_formatter("{x:g}")
    axes.xaxis.set_minor_locator(NullLocator())


def svg(figure: Figure) -> bytes:
    """Return a figure as SVG, byte for byte the same for the same figure."""
    import matplotlib

    out = io.BytesIO()
    with matplotlib.rc_context(_STYLE):
        figure.savefig(out, format="svg", metadata={"Date": None})
    return out.getvalue()


def error_bars(
    middle: Sequence[float], low: Sequence[float], high: Sequence[float]
) -> list[list[float]]:
    """Return how far intervals reach below and above their estimates."""
    below = [max(0.0, m - x) for m, x in zip(middle, low, strict=True)]
    above = [max(0.0, x - m) for m, x in zip(middle, high, strict=True)]
    return [below, above]
