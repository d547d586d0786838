"""Printed decimals: what rounds to one, and what does not."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bench.answers import DEFAULT, check
from bench.answers.arithmetic.decimals import Closeness

ROUNDED = [
    ("0.33", "0.333"),
    ("0.33", "0.3333"),
    ("0.33", r"\frac{1}{3}"),
    ("0.33", "0.325"),
    ("0.33", "0.33499"),
    ("3.7", "3.72"),
    ("-3.7", "-3.65"),
    ("1.3", "1.25"),
    ("12.50", "12.504"),
    ("1.2 \\times 10^5", "124000"),
    ("3.142", r"\pi"),
    ("12.5\\%", "0.12496"),
]
NOT_ROUNDED = [
    ("0.33", "0.335"),
    ("0.33", "0.3249"),
    ("0.33", "-0.33333"),
    ("-3.7", "-3.75"),
    ("1.2", "1.25"),
    ("0.333", "0.33"),
    ("0.34", "0.33"),
    ("0.5", "0.54"),
    ("2.0", "2.04"),
    ("3.14", r"\pi"),
    ("3.14", "3.15"),
    ("0.0", "0.04"),
]


@pytest.mark.parametrize(("gold", "prediction"), ROUNDED)
def test_what_rounds_to_the_reference_is_accepted_and_the_reason_says_so(
    gold: str, prediction: str
) -> None:
    verdict = check(gold, prediction)
    assert verdict.correct
    assert str(Closeness.ROUNDED) in verdict.reason or verdict.comparer == "percent"
    assert not check(gold, prediction, replace(DEFAULT, decimals=False)).correct


@pytest.mark.parametrize(("gold", "prediction"), NOT_ROUNDED)
def test_what_does_not_round_to_the_reference_is_rejected(gold: str, prediction: str) -> None:
    assert not check(gold, prediction).correct


@pytest.mark.parametrize(
    ("gold", "prediction", "closeness"),
    [
        ("0.25", r"\frac{1}{4}", Closeness.SAME),
        (r"\frac{2}{7}", "0.28571", Closeness.CORRECTLY_ROUNDED),
        (r"\frac{1}{4}", "0.2500001", Closeness.TOLERATED),
        ("0.333", "0.33", Closeness.NOT_ROUNDED),
        (r"\frac{1}{3}", "0.33", Closeness.APART),
    ],
)
def test_the_reason_says_how_near_a_decimal_is(
    gold: str, prediction: str, closeness: Closeness
) -> None:
    assert check(gold, prediction).reason == closeness
