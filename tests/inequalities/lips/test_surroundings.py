"""Which inequalities of a search count as one, and which lose the symmetry of its start."""

from __future__ import annotations

from bench.inequalities.lips.filtering import Filter
from bench.inequalities.lips.surroundings import Surroundings
from bench.inequalities.texts.reading import read_expression, read_statement


def surround(text: str) -> Surroundings:
    statement = read_statement(text)
    return Surroundings(statement, Filter(statement, use_filter=False))


def is_new(around: Surroundings, larger: str, smaller: str) -> bool:
    return around.is_new(read_expression(larger), read_expression(smaller))


def test_an_inequality_is_new_once_in_whatever_order_it_is_written() -> None:
    around = surround("a^2 + b^2 + c >= 1 with a, b, c > 0")
    assert is_new(around, "a*b + 2*c", "a")
    assert not is_new(around, "c + b*a/2", "a/2")
    assert not is_new(around, "2*c + a*b - a", "0")
    assert is_new(around, "a*c + 2*b", "a"), "b and c do not change places in the start"
    assert is_new(around, "(a + b)^2", "0") and is_new(around, "a^2 + 2*a*b + b^2", "0")


def test_images_under_the_symmetry_of_the_start_count_as_one() -> None:
    around = surround("a^2*b + b^2*c + c^2*a >= 3 with a, b, c > 0")
    assert is_new(around, "a + b^2", "1")
    assert not is_new(around, "c + a^2", "1")
    assert is_new(around, "b + a^2", "1"), "the start is cyclic, and not symmetric"


def test_the_variables_go_round_no_longer() -> None:
    around = surround("a + b + c >= 3 with a, b, c > 0 and a*b*c = 1")
    sides = [("a + 2*sqrt(b*c)", "3"), ("sqrt(a*b) + sqrt(b*c) + sqrt(c*a)", "3")]
    broken = [around.breaks_symmetry(*map(read_expression, pair)) for pair in sides]
    assert broken == [True, False]
    other = surround("a + 2*b >= 3 with a, b > 0")
    assert not other.breaks_symmetry(*map(read_expression, ("a", "b"))), "there was none to lose"
