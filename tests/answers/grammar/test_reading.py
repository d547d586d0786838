"""What a text is read as: structure from cuts, expressions by the grammar, prose as it stands."""

from __future__ import annotations

import pytest

from bench.answers.expressions import Text
from bench.answers.forms import form
from bench.answers.grammar.reading import read
from bench.answers.grammar.tokens import Commas
from bench.answers.limits import MAX_TOKENS, TooLarge

READ = [
    (r"\frac12", "1/2"),
    (r"\frac2\pi", "2/pi"),
    (r"2\frac{1}{3}", "7/3"),
    (r"-2\frac{1}{3}", "-7/3"),
    ("1 1/2", "3/2"),
    (r"2\frac{3}{2}", "2*3/2"),  # improper: a product, and no mixed number
    ("0.\\overline{36}", "4/11"),
    ("0.1666\\ldots", "1/6"),
    ("1.5e3", "1500"),
    ("1{,}234", "1234"),
    ("-x^2", "-x^2"),
    ("2^3^2", "2^(3^2)"),
    ("1/2x", "x/2"),
    (r"\sqrt[3]{x}", "root(x, 3)"),
    ("sqrt(5)/2", "sqrt(5)/2"),
    (r"\sin^2 2x", "sin(2x)^2"),
    (r"\sin x \cos x", "sin(x)*cos(x)"),
    (r"\tan^{-1} x", "arctan(x)"),
    (r"\log_2 8", "log(8, 2)"),
    (r"|x|-|y|", "|x| - |y|"),
    (r"{5 \choose 2}", "binomial(5, 2)"),
    ("n!", "n!"),
    ("x_{1}^2", "x_1^2"),
    ("x^2_1", "x_1^2"),
    (r"k2^{k-1}", "k*2^(k - 1)"),
    (r"\sinx", "sin(x)"),
    ("twenty-one", "21"),
    ("3 million", "3*1000000"),
    ("1011_2", "1011 in base 2"),
    (r"10\text{ cm}^2", "10 cm^2"),
    ("5 square feet", "5 ft^2"),
    (r"3\text{ m/s}", "3 m s^-1"),
    (r"\$18.50", "18.50 dollar"),
    ("25%", "25%"),
    (r"60^\circ 30'", "(60 + 1/2)°"),
    ("4:30 p.m.", "4:30 pm"),
    ("3:4", "3:4"),
    ("1, 2 and 3", "1, 2, 3"),
    (r"1 \pm \sqrt2", "1 + sqrt(2), 1 - sqrt(2)"),
    ("(1, 2]", "(1, 2]"),
    (r"\{1, 2\}", "{1, 2}"),
    ("{1, 2}", "{1, 2}"),
    (r"\{x | x > 2\}", "{x | x > 2}"),
    (r"(0,1) \cup [2,\infty)", "(0, 1) cup [2, infinity)"),
    ("x = 3", "x = 3"),
    (r"0 \le x < 1", "0 <= x < 1"),
    (r"n \equiv 1, 5 \pmod 6", "n = 1, 5 (mod 6)"),
    (r"\begin{pmatrix}1&2\\3&4\end{pmatrix}", "[1, 2; 3, 4]"),
    (r"\left[\begin{array}{c}1\\2\end{array}\right]", "[1; 2]"),
    (r"2\begin{pmatrix}1\\x\end{pmatrix}", "[2; 2x]"),
    (r"f(x) = 2x \text{ for all } x", "f(x) = 2x"),
    (r"\text{Evelyn}", "Evelyn"),
]


@pytest.mark.parametrize(("text", "expected"), READ)
def test_a_text_is_read_as_what_it_looks_like(text: str, expected: str) -> None:
    assert form(read(text)) == expected


@pytest.mark.parametrize(
    "text",
    [r"\frac{", "1 2", "(1", "x +", "no solution", "the odd primes", r"\int_0^1 x\,dx"],
)
def test_what_is_not_in_the_grammar_is_words_and_never_half_read(text: str) -> None:
    assert isinstance(read(text), Text)


@pytest.mark.parametrize(
    ("commas", "expected"),
    [
        (Commas.SEPARATE, "1, 234"),
        (Commas.THOUSANDS, "1234"),
        (Commas.DECIMAL, "1.234"),
    ],
)
def test_a_comma_between_digits_has_three_readings(commas: Commas, expected: str) -> None:
    assert form(read("1,234", commas)) == expected


def test_in_brackets_a_comma_separates() -> None:
    assert form(read("(1,234)", Commas.THOUSANDS)) == "(1, 234)"


@pytest.mark.parametrize(
    "text",
    ["+1" * MAX_TOKENS, "x" * 5000, "(" * 50 + "1" + ")" * 50, "7" * 401, "1," * 600, "1e999999"],
)
def test_what_is_too_large_is_not_read(text: str) -> None:
    with pytest.raises(TooLarge):
        read(text)
