"""What a search knows of the inequality that it starts from: its domain, and what it saw so far.

Inequalities that are written in other orders, or are images of one another under a permutation of
the variables that leaves the start as it is, count as one.
"""

from __future__ import annotations

import numpy as np

from bench.inequalities.lips.filtering import Filter
from bench.inequalities.lips.rationals import divide
from bench.inequalities.lips.sides import take_difference
from bench.inequalities.lips.symmetries import Symmetries
from bench.inequalities.lips.terms import find_algebra, find_content, join, scale
from bench.inequalities.proving.goals import begin
from bench.inequalities.statements import Expression, Statement, compile_float


class Surroundings:
    """The domain of a search, and the inequalities that were looked at in it."""

    def __init__(self, statement: Statement, checked: Filter) -> None:
        """Know the statement, whose first claim `larger >= smaller` the search starts from."""
        self.checked = checked
        goal = begin(statement, statement.claims[0])
        self._algebra = find_algebra(frozenset(filter(goal.is_nonnegative, statement.variables)))
        read = self._algebra.read
        _, larger, smaller = statement.claims[0]
        self._symmetries = Symmetries(
            statement.variables,
            (read(larger), read(smaller)),
            [(op, read(left), read(right)) for op, left, right in statement.assumptions],
        )
        self._seen: set[str] = set()
        self._names = statement.variables
        self._point = self._symmetries.lay_out_shift()

    def breaks_symmetry(self, larger: Expression, smaller: Expression) -> bool:
        """Whether the variables no longer go round in an inequality, as they do at the start."""
        if len(self._point) < 2:
            return False
        values = compile_float(take_difference(larger, smaller), self._names)(self._point)
        return not np.allclose(values, values[0], rtol=1e-9)

    def is_new(self, larger: Expression, smaller: Expression) -> bool:
        """Whether an inequality was not looked at before; from now on it was."""
        terms = join(self._algebra.read(larger), scale(self._algebra.read(smaller), -1))
        unit = divide(1, find_content(terms)) if terms else 1
        spelled = self._symmetries.spell(scale(terms, unit))
        if spelled in self._seen:
            return False
        self._seen.add(spelled)
        return True
