"""The reference answers of every benchmark in the mirror equal themselves, also restyled."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from bench.answers import check, close_checkers
from bench.problems import BENCHMARKS
from bench.problems.mirror import VARIABLE, read
from bench.types import Outcome

_NAMED = os.environ.get(VARIABLE)
MIRROR = Path(_NAMED) if _NAMED else Path(__file__).resolve().parents[3] / "shared" / "data"


@pytest.fixture(autouse=True, scope="module")
def _closed_in_the_end() -> Iterator[None]:
    yield
    close_checkers()


def restyled(gold: str) -> str:
    """The same answer in another style: display fractions, sized parentheses, delimiters."""
    text = re.sub(r"\\[tc]?frac(?![a-zA-Z])", r"\\dfrac", gold)
    pairs = text.count("(") == text.count(")")
    if pairs and not any(mark in text for mark in (r"\left", r"\(", "$")):
        text = text.replace("(", r"\left(").replace(")", r"\right)")
    return text if "$" in text else f"${text}$"


@pytest.mark.parametrize("name", sorted(BENCHMARKS))
def test_every_reference_equals_itself_in_either_style(name: str) -> None:
    path = MIRROR / BENCHMARKS[name].file
    if not path.exists():
        pytest.skip(f"no {path.name} in the mirror; set {VARIABLE} to a folder that has it")
    golds = dict.fromkeys(problem.answer for problem in read(BENCHMARKS[name], path))
    rejected = [
        (gold, prediction, verdict.reason)
        for gold in golds
        if gold.strip()
        for prediction in (gold, restyled(gold))
        if not (verdict := check(gold, prediction)).correct
    ]
    assert rejected == [], f"{len(rejected)} of {2 * len(golds)}"
    assert all(check(g, g).outcome is Outcome.INVALID_GOLD for g in golds if not g.strip())
