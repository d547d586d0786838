"""A comparison of runs as a table, as flips in words and as JSON; nothing is computed here."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

from bench.reports.comparing import LEVEL, Answer, Comparison, Contrast, Flip
from bench.reports.grid import Grid
from bench.reports.render import show_p

SCHEMA_VERSION = 1
"""Version of the JSON that `to_json` returns."""
_TEXT = 600
"""Characters of a solution that are shown."""


def to_json(comparison: Comparison) -> dict[str, Any]:
    """Return the comparison as JSON values, shares as fractions, with every flip's whole texts."""
    contrasts = [{**asdict(each), "detectable": each.detectable} for each in comparison.contrasts]
    return {"schema": SCHEMA_VERSION, **asdict(comparison), "contrasts": contrasts}


def lay_out(comparison: Comparison) -> Grid:
    """Return a row for each contrast, in 80 columns."""
    at = f", each cut at {comparison.at}" if comparison.at else ""
    tests = len(comparison.contrasts)
    notes = [
        "Right: percent of the problems that both could be judged on. Change: points, Newcombe's "
        "paired interval. Won/lost: problems that one alone solved. p: exact McNemar, and its "
        f"mid-p. Holm: the exact p, corrected for {tests} contrast{'s' * (tests != 1)}; shown "
        f"below {LEVEL:g}. Finds: the change that would be found four times in five."
    ]
    return Grid(
        f"{comparison.benchmark}{at}",
        [
            "Run, method\nagainst",
            "n",
            "Right\nbefore",
            "Change\n95 %",
            "Won/\nlost",
            "p\nmid-p",
            "Holm",
            "Finds",
        ],
        [_row(each) for each in comparison.contrasts],
        [*notes, *comparison.notes, *_left_out(comparison)],
    )


def list_flips(comparison: Comparison, most: int) -> list[str]:
    """Return the flips of each contrast in words, losses first, so many of each."""
    lines = []
    for each in comparison.contrasts:
        flips = sorted(each.flips, key=lambda flip: flip.is_gain)
        of = each.difference
        lines.append(
            f"{_name(each.run, each.method)} against {_name(each.base, each.base_method)}: "
            f"{of.only_b} lost, {of.only_a} won"
        )
        for flip in flips[:most]:
            lines += _tell(flip, each)
        if len(flips) > most:
            lines.append(f"  ... and {len(flips) - most} more; --flips {len(flips)} shows them")
    return lines


def _row(each: Contrast) -> list[str]:
    of = each.difference
    detectable = "none" if each.detectable is None else _points(each.detectable)
    return [
        f"{_name(each.run, each.method)}\n{_name(each.base, each.base_method)}",
        str(of.n),
        f"{_points(each.accuracy.estimate)}\n{_points(each.base_accuracy.estimate)}",
        f"{_points(of.estimate, '+')}\n[{_points(of.low, '+')},{_points(of.high, '+')}]",
        f"{of.only_a}/{of.only_b}",
        f"{show_p(of.p)}\n{show_p(each.mid_p)}",
        show_p(each.corrected_p),
        detectable,
    ]


def _name(run: str, method: str) -> str:
    return run if run == method else f"{run} {method}"


def _left_out(comparison: Comparison) -> list[str]:
    most = max((each.left_out for each in comparison.contrasts), default=0)
    return [f"Up to {most} problems are left out: a run could not be judged on them."] * bool(most)


def _tell(flip: Flip, contrast: Contrast) -> Iterator[str]:
    said = "won" if flip.is_gain else "lost"
    yield f"  {flip.problem_id}: {said}; reference {_cut(flip.gold) or '-'}"
    for name, answer in ((contrast.base, flip.base), (contrast.run, flip.run)):
        yield f"    {name}: {answer.outcome}, {_show_answer(answer)}"
        if answer.text:
            yield from (f"      | {line}" for line in _cut(answer.text).splitlines())


def _show_answer(answer: Answer) -> str:
    return "no answer" if answer.answer is None else " ".join(_cut(answer.answer).split())


def _cut(text: str) -> str:
    return text if len(text) <= _TEXT else f"{text[:_TEXT]} ... ({len(text)} characters)"


def _points(share: float, sign: str = "") -> str:
    return f"{round(100 * share, 1) + 0.0:{sign}.1f}"
