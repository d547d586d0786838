"""Answer checkers on labelled answers: how long a verdict takes, and how often it is right.

The answers are the development half of the published figures where it lies beside the mirror of the
benchmarks, else the golden corpus. Ours is timed as a caller sees it, and math-verify by its own
clock, without the way to its process and back; both are warm, and take turns.
"""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

from bench.checkers import Case, golden_corpus, judge, load_cases
from bench.checkers.panel import OURS, Checker, names, open_checker
from bench.checkers.tables import NOTES, tally_table
from bench.checkers.tally import tally
from bench.errors import BenchError
from bench.problems.mirror import VARIABLE
from bench.speed.measure import Figure, measure_time, percentile

PEER = "math-verify"
_FILE = Path("checkers") / "dev.jsonl"
_TIER = "answer"
"""Tier of the headline figures: bare answers of the development half."""


async def measure_answers(limit: int | None = None) -> list[Figure]:
    """Time every labelled answer, ours and math-verify in turn."""
    cases, source = load_labelled(limit)
    with closing(open_checker(OURS)) as ours, closing(open_checker(PEER)) as peer:
        with measure_time() as start:
            ours.check(r"x^2+\frac{2}{3}", r"\frac{4}{6}+x^2")
        for each in (ours, peer):
            each.warm()
        seconds: dict[str, list[float]] = {ours.version: [], peer.version: []}
        for case in cases:
            with measure_time() as one:
                ours.check(case.gold, case.prediction)
            seconds[ours.version].append(one.wall)
            seconds[peer.version].append(peer.check(case.gold, case.prediction).seconds)
    figures = [
        Figure(f"labelled answers ({source})", len(cases), "answers"),
        Figure("first check, with whatever it starts", start.wall, "s"),
    ]
    for version, values in seconds.items():
        for name, percent in (("median", 50), ("99th percentile", 99), ("slowest", 100)):
            figures.append(Figure(f"{version}, {name}", 1000 * percentile(values, percent), "ms"))
    medians = [percentile(values, 50) for values in seconds.values()]
    return [*figures, Figure("math-verify / rstar-bench, medians", medians[1] / medians[0], "x")]


async def measure_panel(limit: int | None = None, members: Sequence[str] | None = None) -> str:
    """Judge every labelled answer by every member of the panel, or by those named."""
    from rich.console import Console

    cases, source = load_labelled(limit)
    rows = []
    for name in members or names():
        try:
            member: Checker = open_checker(name)
        except BenchError as error:
            sys.stderr.write(f"panel: {error}\n")
            continue
        with closing(member):
            rows.append(tally(member.version, judge(member, cases)))
    text = io.StringIO()
    table = tally_table(f"{len(cases)} labelled answers, {source}", rows, first="Checker")
    Console(file=text, width=160).print(table)
    return f"{text.getvalue()}{NOTES}"


def load_labelled(limit: int | None = None) -> tuple[tuple[Case, ...], str]:
    """Return uncontested cases with a label, evenly thinned to `limit`, and where they come from.

    Raises:
        DataError: there are none at hand.
    """
    file = next((found for found in _places() if found.is_file()), None)
    source = "development half" if file else "golden corpus"
    cases = load_cases(file or golden_corpus())
    kept = [
        case
        for case in cases
        if case.equal is not None and not case.contested and (file is None or case.tier == _TIER)
    ]
    step = max(1, len(kept) // limit) if limit else 1
    return tuple(kept[::step][:limit]), source


def _places() -> list[Path]:
    named = os.environ.get(VARIABLE)
    beside = [Path.cwd().parent / "shared", Path(__file__).resolve().parents[3] / "shared"]
    return [root / _FILE for root in ([Path(named).expanduser().parent] if named else beside)]
