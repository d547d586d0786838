"""A reference with one digit changed is another answer: false accepts, hunted in the mirror."""

from __future__ import annotations

import os
import random
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from bench.answers import check, close_checkers
from bench.problems import BENCHMARKS
from bench.problems.mirror import VARIABLE, read

_NAMED = os.environ.get(VARIABLE)
MIRROR = Path(_NAMED) if _NAMED else Path(__file__).resolve().parents[3] / "shared" / "data"
SYMBOLS = re.compile(
    r"(?:[\d\s.,+\-*/()\[\]{}$|!]|\\[dt]?frac|\\sqrt|\\pi|\\left|\\right|\\infty|\\cup|\\circ|\^\\circ"
    r"|\\cdot|\\pm|\\%|\\\$|\\[,;! ]|[ixy])+"
)
"""Golds without words, names or powers: there, another digit is always another value."""
SAMPLE = 150
"""Golds of each benchmark."""
LETTERS = {"gaokao_choice"}
"""Benchmarks whose references are the letters of choices: there is no digit to change."""


@pytest.fixture(autouse=True, scope="module")
def _closed_in_the_end() -> Iterator[None]:
    yield
    close_checkers()


def with_another_digit(gold: str, draw: random.Random) -> str:
    place = draw.choice([match.start() for match in re.finditer(r"\d", gold)])
    digit = draw.choice([d for d in "123456789" if d != gold[place]])
    return gold[:place] + digit + gold[place + 1 :]


REFERENCES = {name for name, entry in BENCHMARKS.items() if not entry.verifier}
"""The others have none: a verifier decides."""


@pytest.mark.parametrize("name", sorted(REFERENCES - LETTERS))
def test_a_reference_with_another_digit_is_not_accepted(name: str) -> None:
    path = MIRROR / BENCHMARKS[name].file
    if not path.exists():
        pytest.skip(f"no {path.name} in the mirror; set {VARIABLE} to a folder that has it")
    golds = sorted({problem.answer for problem in read(BENCHMARKS[name], path)})
    golds = [g for g in golds if re.search(r"\d", g) and SYMBOLS.fullmatch(g)]
    draw = random.Random(name)
    pairs = [(g, with_another_digit(g, draw)) for g in draw.sample(golds, min(SAMPLE, len(golds)))]
    assert pairs
    assert [pair for pair in pairs if check(*pair).correct] == []
