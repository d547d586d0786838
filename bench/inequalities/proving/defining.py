"""Variables of any sign that an equality defines by the others, left out of the goal.

What is left is a goal in fewer variables, of which more is known.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import NamedTuple

from bench.inequalities.budget import Budget
from bench.inequalities.proving.clearing import clear, read_assumptions
from bench.inequalities.proving.closing import add_up_equalities
from bench.inequalities.proving.goals import Goal, insert, subtract
from bench.inequalities.statements import Expression, find_variables, to_json_expression


class _Definition(NamedTuple):
    """An equality as `variable = value`, the variable not in the value."""

    equality: int
    variable: str
    value: Expression


def insert_definitions(goal: Goal, budget: Budget) -> Goal:
    """Return the goal without the free variables that equalities define."""
    for each in _list_definitions(goal):
        if each.variable in goal.free and each.variable in find_variables(goal.expression):
            goal = _insert(goal, each, budget) or goal
    return goal


def _list_definitions(goal: Goal) -> Iterator[_Definition]:
    for j, e in enumerate(goal.equalities):
        assert isinstance(e, tuple) and isinstance(e[2], tuple), "a left side less a right side"
        for variable, value in ((e[1], e[2][1]), (e[2][1], e[1])):
            if isinstance(variable, str) and variable not in find_variables(value):
                yield _Definition(j, variable, value)


def _insert(goal: Goal, defined: _Definition, budget: Budget) -> Goal | None:
    """Return the goal with a variable's value in its place; None where equality is not seen."""
    by = insert(goal.expression, {defined.variable: defined.value})
    lemma = dataclasses.replace(
        goal, expression=subtract(goal.expression, by), steps=(), strict=False
    )
    known = read_assumptions(goal)
    h = known.equalities[defined.equality]
    cleared = None if h is None else clear(lemma, known, budget)
    if cleared is None or h is None or cleared.has_radicals:
        return None
    multiplier, rest = divmod(cleared.plain, h)
    if not rest.is_zero():
        return None
    closed = add_up_equalities(cleared, [(defined.equality, multiplier)])
    step = {
        "step": "replace",
        "by": to_json_expression(by),
        "proof": [*cleared.steps, closed],
    }
    return dataclasses.replace(goal, expression=by, steps=(*goal.steps, step))
