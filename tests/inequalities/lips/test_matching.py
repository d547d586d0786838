"""Patterns laid upon sums of terms, and the sums themselves."""

from __future__ import annotations

import numpy as np
import pytest

from bench.inequalities.lips.matching import Match, Target
from bench.inequalities.lips.patterns import is_usable, make_pattern
from bench.inequalities.lips.terms import Algebra, Sum, join, scale, spread
from bench.inequalities.lips.writing import write
from bench.inequalities.statements import compile_float, format_expression
from bench.inequalities.texts.reading import read_expression

ALGEBRA = Algebra("abcduvwxj")


def read(text: str) -> Sum:
    return ALGEBRA.read(read_expression(text))


def show(terms: Sum) -> str:
    return format_expression(write(terms))


def lay(pattern: str, target: str, other: str = "1", steps: int = 4000) -> list[tuple[Match, Sum]]:
    """Return the matches that use up a term, each with the part of the target that it takes."""
    laid, searched = make_pattern(read(pattern), read(other)), Target(read(target), ALGEBRA)
    found = ((each, searched.find_part(laid, each)) for each in searched.match(laid, steps))
    return [(each, part) for each, part in found if part is not None]


def values(found: tuple[Match, Sum]) -> dict[str, str]:
    return {name: show((value,)) for name, value in sorted(found[0].values.items())}


@pytest.mark.parametrize(
    ("pattern", "target"),
    [
        ("u^2 + v^2", "c + b^2 + 3*a*d + a^2"),
        ("u*v", "a*b*c + d"),
        ("u^2/v + v^2/u", "a^2/(b + c) + (b + c)^2/a + 1"),
        ("u/(u + j) + v/(v + j)", "a/(a + b + c) + d/(b + d + c)"),
        ("(u + v)*(v + w)*(w + u)", "2*(a + b)*(b + c)*(c + a)"),
        ("u^3 + v^3 + w^3 + 3*u*v*w", "a^3 + b^3 + 6*a*b*c + c^3"),
        ("sqrt(u) + sqrt(v)", "sqrt(a + b) + c"),
    ],
)
def test_a_match_is_a_multiple_of_the_pattern_and_a_part_of_the_target(
    pattern: str, target: str
) -> None:
    found = lay(pattern, target)
    assert found
    for each, part in found:
        instance = ALGEBRA.substitute(make_pattern(read(pattern), ()).terms, each.values)
        assert spread(each.multiplier, instance) == part
        context = join(read(target), scale(part, -1))
        assert all(term.coefficient > 0 for term in context)


def test_terms_are_found_in_any_order_and_interchangeable_ones_once() -> None:
    found = lay("u + v", "a + b + c + d", other="2*sqrt(u*v)")
    assert len(found) == 6
    assert {"u": "a", "v": "c"} in map(values, found)


def test_factors_are_shared_out_among_variables() -> None:
    shared = [values(found) for found in lay("u*v", "a*b*c", other="u^2 + v^2")]
    assert {"u": "a*b", "v": "c"} in shared
    assert {"u": "a", "v": "b"} in shared  # times a multiplier c


def test_powers_are_laid_upon_powers() -> None:
    assert {"u": "a^2*b"} in [values(found) for found in lay("u^2", "a^4*b^2", other="u")]
    assert [values(found) for found in lay("sqrt(u)", "a", other="u + 1")][0] == {"u": "a^2"}
    assert not lay("u^2 + v^2", "a + b")


def test_a_common_factor_and_a_common_coefficient_are_the_multiplier() -> None:
    found = lay("u^2 + v^2", "3*a*c^2 + 12*a*b^2", other="2*u*v")
    shown = {(show((each[0].multiplier,)), *values(each).values()) for each in found}
    assert ("3*a", "2*b", "c") in shown


def test_a_variable_keeps_its_value() -> None:
    assert lay("u/v + v/u", "a/b + b/a")
    assert not lay("u/v + v/u", "a/b + b/c")


def test_one_variable_of_a_factor_may_stand_for_several_terms() -> None:
    assert {"j": "b + c", "u": "a"} in map(values, lay("u/(u + j)", "a/(a + b + c)"))


def test_a_multiplier_that_could_be_larger_is_not_found() -> None:
    found = lay("u^2 + v^2 + 2*u*v", "a^2 + b^2 + 6*a*b")
    assert {show((each[0].multiplier,)) for each in found} == {"1"}


def test_matching_ends_after_so_many_steps() -> None:
    few, more = (len(lay("u*v*w", "a^9*b^9*c^9", steps=steps)) for steps in (50, 100))
    assert 0 < few < more


def test_a_pattern_that_leaves_a_variable_open_is_not_usable() -> None:
    assert is_usable(make_pattern(read("u + v"), read("2*sqrt(u*v)")))
    assert not is_usable(make_pattern(read("3"), read("u/v + v/u")))


# Terms


@pytest.mark.parametrize(
    "text",
    [
        "sqrt(8*a*b^2) - 3*sqrt(2*a)/b",
        "(2*a + 4*b)/(6*c) + a/(a + b)^(3/2) - b^0",
        "a*(b + c) + b*(c + a) + c*(a + b) - (a - b)^2",
        "sqrt(x^2*a) + sqrt(x^3) + sqrt(x*y)*sqrt(x*y) - (-x)^3",
        "1/(1/a + 1/b) + 2^(1/3)/4^(1/3) - a^b*a",
    ],
)
def test_reading_shortening_and_writing_keep_the_value(text: str) -> None:
    e, names = read_expression(text), "abcxy"
    algebra = Algebra("abc")
    points = np.random.default_rng(0).uniform(0.2, 3, (40, len(names)))
    for terms in (algebra.read(e), algebra.shorten(algebra.read(e))):
        written = compile_float(write(terms), names)(points)
        assert written == pytest.approx(compile_float(e, names)(points))


def test_a_root_of_a_square_is_its_base_only_where_that_is_not_negative() -> None:
    e = read_expression("sqrt(x^2)")
    assert write(Algebra("x").read(e)) == "x"
    assert format_expression(write(Algebra("").read(e))) == "sqrt(x^2)"


def test_like_terms_are_together_and_products_multiplied_out_where_that_is_shorter() -> None:
    assert show(read("2*(a + b) + c - 3*a")) == "2*b + c - a"
    assert show(ALGEBRA.shorten(read("a*(b + c) + b*(c + a) + c*(a + b)"))) == (
        "2*(a*b + a*c + b*c)"
    )
    assert show(ALGEBRA.shorten(read("(a + b)^3/(c*d)"))) == "(a + b)^3/(c*d)"
