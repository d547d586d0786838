"""Points that are closed under the symmetries of a goal."""

from __future__ import annotations

import numpy as np
import pytest

from bench.inequalities.lips.symmetries import Symmetries
from bench.inequalities.lips.terms import Algebra, Sum
from bench.inequalities.lips.values import Values
from bench.inequalities.texts.reading import read_expression

ALGEBRA = Algebra("abcd")


def read(text: str) -> Sum:
    return ALGEBRA.read(read_expression(text))


@pytest.mark.parametrize(
    ("side", "images"),
    [("a*b + b*c + c*a", 6), ("a/b + b/c + c/a", 3), ("a*b + c^2", 2), ("a + 2*b + 3*c", 1)],
)
def test_an_image_has_the_values_of_the_function_at_other_points(side: str, images: int) -> None:
    names = ["a", "b", "c"]
    found = Symmetries(names, (read(side), read("1")), ())
    points = {name: np.array([0.3 + i, 2.0 * i + 1]) for i, name in enumerate(names)}
    rows, tested, turn = found.lay_out(points)
    assert len(rows) - tested == images
    if found.shift is None:
        assert tested == 2
        return
    assert tested == 6
    other = read("a^2*b + sqrt(c)/b")
    values = Values(names, rows)
    assert values.of(found.shift(other)) == pytest.approx(values.of(other)[turn])


def test_a_symmetry_leaves_the_assumptions_as_they_are() -> None:
    free = Symmetries(["a", "b", "c"], (read("a + b + c"), ()), ())
    bound = Symmetries(["a", "b", "c"], (read("a + b + c"), ()), [(">=", read("a"), read("b"))])
    assert free.shift is not None and bound.shift is None
