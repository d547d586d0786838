"""The calibration of a PPM as a picture: an SVG, drawn by hand, that needs no plotting library."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import Protocol

WIDTH, HEIGHT, MARGIN = 360, 300, 44
LOWEST = 0.4
"""Of the vertical axis; a coin gets 0.5."""
INK, FAINT, DATA = "#333333", "#cccccc", "#1f6feb"


class Point(Protocol):
    """What is drawn of a bin."""

    @property
    def pairs(self) -> int:
        """Pairs in it."""

    @property
    def said(self) -> float:
        """Probability stated."""

    @property
    def share(self) -> float:
        """Share seen."""

    @property
    def low(self) -> float:
        """Lower end of the share's interval."""

    @property
    def high(self) -> float:
        """Upper end."""


def calibration_plot(bins: Sequence[Point], *, title: str = "Held-out pairs") -> str:
    """Return an SVG: stated probability across, share ordered rightly up, intervals as bars."""
    marks = [_line(0.5, 0.5, 1.0, 1.0, FAINT, dash=True)]
    for tick in (0.5, 0.6, 0.7, 0.8, 0.9, 1.0):
        marks.append(_text(_x(tick), HEIGHT - MARGIN + 16, f"{tick:.1f}"))
    for tick in (0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0):
        marks.append(_line(0.5, tick, 1.0, tick, "#eeeeee"))
        marks.append(_text(MARGIN - 8, _y(tick) + 4, f"{tick:.1f}", anchor="end"))
    for each in bins:
        label = f"{each.pairs} pairs: {each.share:.2f} right, {each.said:.2f} stated"
        marks.append(_line(each.said, each.low, each.said, each.high, DATA))
        marks.append(
            f'<circle cx="{_x(each.said):.1f}" cy="{_y(each.share):.1f}" r="4" fill="{DATA}">'
            f"<title>{escape(label)}</title></circle>"
        )
    middle = (MARGIN + WIDTH - 12) / 2
    marks += [
        _text(middle, 16, f"{title}: {sum(each.pairs for each in bins)}"),
        _text(middle, HEIGHT - 8, "probability that the PPM states"),
        f'<g transform="rotate(-90 12 {HEIGHT / 2})">'
        + _text(12, HEIGHT / 2, "share ordered rightly")
        + "</g>",
    ]
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" '
        f'width="{WIDTH}" height="{HEIGHT}" role="img" font-family="sans-serif" font-size="11">\n'
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="white"/>\n'
        + "\n".join(marks)
        + "\n</svg>\n"
    )


def _x(value: float) -> float:
    return MARGIN + (value - 0.5) / 0.5 * (WIDTH - MARGIN - 12)


def _y(value: float) -> float:
    share = (max(value, LOWEST) - LOWEST) / (1 - LOWEST)
    return HEIGHT - MARGIN - share * (HEIGHT - MARGIN - 26)


def _line(x1: float, y1: float, x2: float, y2: float, colour: str, *, dash: bool = False) -> str:
    dashes = ' stroke-dasharray="4 3"' if dash else ""
    return (
        f'<line x1="{_x(x1):.1f}" y1="{_y(y1):.1f}" x2="{_x(x2):.1f}" y2="{_y(y2):.1f}" '
        f'stroke="{colour}" stroke-width="1.5"{dashes}/>'
    )


def _text(x: float, y: float, text: str, *, anchor: str = "middle") -> str:
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" fill="{INK}">{escape(text)}</text>'
    )
