"""The normal form joins spellings of one answer, and never two answers."""

from __future__ import annotations

import pytest

from bench.answers import canonicalize

SAME = [
    ("3.0", "3"),
    ("3.", "3"),
    ("0.50", "0.5"),
    (".5", "0.5"),
    ("+7", "7"),
    ("100", "100.00"),
    ("1,234,567", "1234567"),
    (r"1{,}234", "1234"),
    (r"\$18.00", "$18"),
    (r"$\dfrac{1}{2}$", r"\frac{1}{2}"),
    (r"\tfrac12", r"\frac{1}{2}"),
    (r"\frac{1}{2}", "1/2"),
    (r"-\frac{3}{4}", "-3/4"),
    (r"\left( 3, \frac{\pi}{2} \right)", r"(3,\frac{\pi}{2})"),
    (r"\text{Evelyn}", "Evelyn"),
    (r"1\quad 1/2", "1 1/2"),
    (r"\{ 1,\ 2 \}", r"\{1,2\}"),
    ("90°", r"90^{\circ}"),
    ("\u22125", "-5"),
    (r"\( x = 5 \)", "x=5"),
    ("2/4", "1/2"),
    ("0.5", r"\frac{3}{6}"),
    ("-1.25", r"-\frac{5}{4}"),
    ("4/2", "2"),
    (r"1\frac{1}{2}", "3/2"),
    ("1 1/2", "1.5"),
    (r"$\displaystyle \frac{a}{b}$", r"\frac{a}{b}"),
]
APART = [
    ("1 1/2", "11/2"),
    ("1  1/2", "11/2"),
    (r"2 \quad 3", "23"),
    ("3", "-3"),
    ("(1,234)", "(1234)"),
    ("1,23", "123"),
    ("0.5", "5"),
    ("10", "1"),
    ("100", "1"),
    (r"\sin x", r"\sinx"),
    ("[0,1)", "(0,1)"),
    ("x", "X"),
    (r"\frac{1}{2}x", r"\frac{1}{2x}"),
    ("1.5", "15"),
    ("1/3", "0.333"),
    ("1/0", "0"),
    (r"2\frac{3}{2}", "7/2"),
    (r"\sqrt{4}", "2"),
]


@pytest.mark.parametrize(("one", "other"), SAME)
def test_spellings_of_one_answer_have_one_form(one: str, other: str) -> None:
    assert canonicalize(one) == canonicalize(other)


@pytest.mark.parametrize(("one", "other"), APART)
def test_different_answers_keep_different_forms(one: str, other: str) -> None:
    assert canonicalize(one) != canonicalize(other)


@pytest.mark.parametrize("answer", [text for pair in SAME + APART for text in pair])
def test_the_form_of_a_form_is_itself(answer: str) -> None:
    assert canonicalize(canonicalize(answer)) == canonicalize(answer)


@pytest.mark.parametrize("answer", ["", " ", "$$", "$ $"])
def test_nothing_has_an_empty_form(answer: str) -> None:
    assert canonicalize(answer) == ""


def test_a_rational_number_is_one_vote_however_it_is_written() -> None:
    assert {canonicalize(text) for text in ("3/4", "6/8", "0.75", r"\dfrac{3}{4}", ".750")} == {
        "3/4"
    }
