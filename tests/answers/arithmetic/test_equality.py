"""Two expressions: the same value, the same function, or not; exactly, and as decimals."""

from __future__ import annotations

import pytest

from bench.answers.arithmetic.equality import equal, identical
from bench.answers.budget import OutOfTime, budget
from bench.answers.conventions import DEFAULT
from bench.answers.expressions import EXPRESSIONS, Expression
from bench.answers.grammar.reading import read
from bench.answers.limits import TooLarge


def parsed(text: str) -> Expression:
    found = read(text)
    assert isinstance(found, EXPRESSIONS), found
    return found


SAME = [
    ("2^{2025}", "2*2^{2024}"),
    ("(x+1)^{100000}", "(1+x)^{100000}"),
    (r"\frac{2^{99}+1}{3}", r"\frac{2^{100}+2}{6}"),
    (r"\sqrt{3+2\sqrt2}", r"1+\sqrt2"),
    (r"\sqrt[3]{-8}", "-2"),
    ("(-8)^{1/3}", "-2"),
    (r"\sin 75^\circ", r"\frac{\sqrt6+\sqrt2}{4}"),
    (r"e^{i\pi}", "-1"),
    ("(1+i)^2", "2i"),
    (r"\sin^2 x + \cos^2 x", "1"),
    (r"\frac{x^2-1}{x+1}", "x-1"),
    (r"\sqrt{x^2}", "|x|"),
    (r"\ln(x^2)", r"2\ln|x|"),
    (r"\sqrt{\frac{GM}{r}}", r"\frac{\sqrt{GM}}{\sqrt{r}}"),
    (r"\binom{n}{k}", r"\frac{n!}{k!(n-k)!}"),
    (r"\cos(\pi n)", "(-1)^n"),
    (r"\sum_{k=1}^{n} k^2", r"\frac{n(n+1)(2n+1)}{6}"),
    (r"\sum_{i=1}^{10} i", "55"),
    (r"\lfloor \frac{n^2}{4} \rfloor", r"\lfloor\frac n2\rfloor \lceil\frac n2\rceil"),
    ("f(x+1)-1", "-1+f(1+x)"),
]
APART = [
    ("2^{2025}", "3^{2025}"),
    (r"\frac{1}{2^{99}}", r"\frac{1}{2^{98}}"),
    (r"\frac{1}{2004!}", r"\frac{1}{2006!}"),
    (r"e^{\pi\sqrt{163}}", "262537412640768744"),
    (r"\sqrt{x^2}", "x"),
    (r"\sqrt{x-3}\sqrt{x-5}", r"\sqrt{(x-3)(x-5)}"),
    ("-x^2", "(-x)^2"),
    ("x", "y"),
    ("f(x)", "f(y)"),
    ("f(x)", "g(x)"),
    (r"\sin x", r"\cos x"),
    (r"\infty", r"-\infty"),
    (r"\binom{n}{k}", r"\binom{n}{k-1}"),
]


@pytest.mark.parametrize(("one", "other"), SAME)
def test_the_same_function_is_recognised(one: str, other: str) -> None:
    assert identical(parsed(one), parsed(other)) is True
    assert identical(parsed(other), parsed(one)) is True


@pytest.mark.parametrize(("one", "other"), APART)
def test_different_functions_are_told_apart(one: str, other: str) -> None:
    assert identical(parsed(one), parsed(other)) is False
    assert identical(parsed(other), parsed(one)) is False


@pytest.mark.parametrize(
    ("gold", "prediction", "expected"),
    [
        (r"\sqrt2", "1.414214", True),
        (r"\sqrt2", "1.41", False),
        (r"\frac83", "2.6667", True),
        ("21.93", r"\frac{307}{14}", True),  # rounds to it
        ("1.2", "1.25", False),  # would have been printed whole
        ("3.14", r"\pi", False),
        ("3.1416", r"\pi", True),
        ("3", "2.9999999999999996", True),  # floating-point noise
        ("1", "0.99999999", False),
        ("1000000", "1000001", False),
        ("641.8093517", "641.8094517", False),  # as finely printed, and different
        ("0", r"10^{-7}", False),
    ],
)
def test_a_decimal_stands_for_what_it_may_be_the_rounding_of(
    gold: str, prediction: str, expected: bool
) -> None:
    assert equal(parsed(gold), parsed(prediction), DEFAULT) is expected


@pytest.mark.parametrize("text", [r"\sin(10^{100})", "2^{2^{2^{2^{2^{2}}}}}", "(10^6)!"])
def test_what_is_not_worked_out_says_so(text: str) -> None:
    with pytest.raises(TooLarge):
        identical(parsed(text), parsed(r"\sqrt7"))


def test_arithmetic_stops_when_its_budget_is_spent() -> None:
    endless = parsed(r"\sum_{i=1}^{9999} \sum_{j=1}^{9999} \sin(ij)")
    with pytest.raises(OutOfTime), budget(0.05):
        identical(endless, parsed("1.5"))
