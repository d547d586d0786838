"""Rational points at which equalities hold."""

from __future__ import annotations

from fractions import Fraction

import pytest

from bench.inequalities.relations import Point, decide
from bench.inequalities.surfaces import Surface
from bench.inequalities.texts.reading import read_statement


def hundredths(x: float) -> Fraction:
    return Fraction(round(100 * x), 100)


def land(equalities: str, x: list[float]) -> list[Point]:
    """Return the points found near `x`, all of which are on the surface."""
    statement = read_statement(f"a >= 0 with {equalities}")
    points = list(Surface(statement.variables, statement.assumptions).land(x, hundredths))
    for point in points:
        assert all(decide(each, point) for each in statement.assumptions), point
    return points


@pytest.mark.parametrize(
    ("equalities", "near"),
    [
        ("a + b + c = 1", [0.21, 0.33, 0.46]),
        ("a*b*c = 1", [2.0, 0.7, 0.714]),
        ("1/a + 1/b + 1/c = 2", [1.2, 1.6, 1.846]),
        ("a^2 + b^2 + c^2 = 3", [0.5, 1.1, 1.241]),
        ("a^2 + b^2/2 = 1", [0.62, 1.11]),
        ("sqrt(a) + sqrt(b) + sqrt(c) = 3", [0.64, 1.21, 1.21]),
        ("sqrt(2*a + 1) + sqrt(2*b + 3) = 4", [1.31, 0.665]),
        ("a*b^2*c^3 = 1", [1.1, 0.9, 1.039]),
        ("a + b + c = 3 and a^2 + b^2 + c^2 = 5", [0.0, 1.0, 2.0]),
        ("a + b = 1 and c = a*b", [0.3, 0.7, 0.21]),
        ("a + 2*b = 3 and c*d = 1", [1.2, 0.9, 0.8, 1.25]),
        ("(a + b + c)*(1/a + 1/b + 1/c) = 10", [1.0, 1.0, 2.0]),
    ],
)
def test_points_of_a_surface_lie_near_the_given_one(equalities: str, near: list[float]) -> None:
    points = land(equalities, near)
    distances = [
        max(abs(float(x) - y) for x, y in zip(point.values(), near, strict=True))
        for point in points
    ]
    assert min(distances) < 0.1


def test_equalities_of_different_variables_are_landed_on_together() -> None:
    (point, *_) = land("a + b = 1 and x*y = 2 and u^2 + v^2 = 1", [0.3, 0.7, 0.6, 0.8, 1.6, 1.25])
    assert set(point) == {"a", "b", "u", "v", "x", "y"}


@pytest.mark.parametrize("equalities", ["a^2 = 2", "a + b = sqrt(5)", "a = a + 1"])
def test_a_surface_without_rational_points_has_none(equalities: str) -> None:
    assert not land(equalities, [1.4, 0.8][: 1 + ("b" in equalities)])
