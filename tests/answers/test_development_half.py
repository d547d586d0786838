"""The figures that the checker is held to, on the development half of the labelled pairs.

The pairs are not part of the project; they lie beside the mirror of the benchmarks, and are skipped
where they do not. The limits are what was reached or asked for: what is lost here is a promise.
"""

from __future__ import annotations

import os
from contextlib import closing
from functools import cache
from pathlib import Path

import pytest

from bench.checkers import Tally, judge, load_cases, tallies
from bench.checkers.panel import OURS, open_checker

_NAMED = os.environ.get("RSTAR_BENCH_DATA")
_BESIDE = Path(__file__).resolve().parents[3] / "shared" / "checkers"
FOLDER = Path(_NAMED).parent / "checkers" if _NAMED else _BESIDE

FIGURES = [
    # file, tier, accuracy at least, false accepts at most, false rejects at most
    ("unseen_dev", "answer", 0.99, 0.0, 0.03),
    ("unseen_dev", "response", 0.99, 0.0, 0.03),
    ("dev", "answer", 0.99, 0.0, 0.02),
    ("dev", "response", 0.985, 0.0, 0.02),
    # One of 44: ln|x-3| + ln|x+3| = ln|x^2-9|, which its source marks as different and is not.
    ("dev_cas_gpl3", "cas", 0.95, 1 / 44, 1.0),
    ("reformatted_golds_dev", "reformat", 1.0, None, 0.0),
    ("reformatted_golds_dev", "reformat (words)", 0.99, None, 0.01),
    ("adversarial_dev", "hostile: format", 1.0, 0.0, 0.0),
    ("adversarial_dev", "hostile: hang", 1.0, 0.0, 0.0),
    ("adversarial_dev", "hostile: code", 1.0, 0.0, None),
]


@cache
def measured(name: str) -> dict[str, Tally]:
    file = FOLDER / f"{name}.jsonl"
    if not file.exists():
        pytest.skip(f"no {file.name} beside the mirror; set RSTAR_BENCH_DATA to a folder beside it")
    with closing(open_checker(OURS)) as checker:
        return {tally.name: tally for tally in tallies(judge(checker, load_cases(file)))}


@pytest.mark.parametrize(
    ("name", "tier", "accuracy", "accepts", "rejects"),
    FIGURES,
    ids=[f"{tier} in {name}" for name, tier, *_ in FIGURES],
)
def test_the_promised_figure_is_reached(
    name: str, tier: str, accuracy: float, accepts: float | None, rejects: float | None
) -> None:
    found = measured(name)[tier]
    assert found.accuracy is not None and found.accuracy.estimate >= accuracy
    if accepts is not None:
        assert found.false_accepts is not None and found.false_accepts.estimate <= accepts
    if rejects is not None:
        assert found.false_rejects is not None and found.false_rejects.estimate <= rejects
    assert (found.executed, found.crashed) == (0, 0)
