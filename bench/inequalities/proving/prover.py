"""From a statement to a certificate: which steps are tried in which order.

Everything here is a guess that the checker decides about. A strategy is a way to change the goal
before it is cleared; each gets a part of the budget, cheapest first.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Sequence
from fractions import Fraction
from typing import Any

from bench.inequalities.budget import Budget
from bench.inequalities.proving.balancing import find_balance
from bench.inequalities.proving.cauchy import add_squares
from bench.inequalities.proving.clearing import clear, read_assumptions
from bench.inequalities.proving.closing import close
from bench.inequalities.proving.defining import insert_definitions
from bench.inequalities.proving.goals import (
    Goal,
    Step,
    add_gap,
    begin,
    bound_logarithm,
    change_linearly,
    contradicts,
    find_product_of_one,
    find_roots,
    has_variable_exponent,
    negate,
    raise_equality,
    raise_variables,
    scale_variables,
    use_ratios,
    use_weighted_mean,
    walk,
)
from bench.inequalities.proving.homogenising import even_out_degrees
from bench.inequalities.proving.radicals import Effort, prove_with_radicals
from bench.inequalities.statements import Expression, Statement, find_variables, to_json

FORMAT = "rstar-bench inequality 1"
GAPS = (Fraction(1, 20), Fraction(1, 1000))
MOST_FREE = 4
"""Free variables whose signs are told apart by cases."""
MOST_VARIABLES = 6
MOST_AT_FIRST = 8.0
"""Seconds for forms of a goal that are proved soon or not at all."""
EFFORTS = (Effort(False, 3.0), Effort(True, 3.0), Effort(True, 25.0))
"""What is tried of roots in turn: all forms of a goal get the first before one gets the second."""
MOST_POWER = 8
"""Power of the variables that is tried against roots."""


def prove(statement: Statement, budget: Budget) -> dict[str, Any] | None:
    """Return a certificate for a statement; None if no proof is found within the budget."""
    proofs = []
    for i, claim in enumerate(statement.claims):
        goal = begin(statement, claim)
        share = budget.part(budget.left, 1 / (len(statement.claims) - i))
        steps = prove_claim(goal, share)
        if steps is None:
            return None
        proofs.append(steps)
    return {"format": FORMAT, "statement": to_json(statement), "proofs": proofs}


def prove_claim(goal: Goal, budget: Budget) -> list[Step] | None:
    """Return the steps of a proof of a whole claim, which may be strict; None if none is found."""
    if not goal.strict:
        return prove_goal(goal, budget)
    for variant in (goal, *(add_gap(goal, gap) for gap in GAPS)):
        found = prove_goal(variant, budget.part(budget.left, 0.5))
        if found is not None:
            return found
    return None


def prove_goal(goal: Goal, budget: Budget) -> list[Step] | None:
    """Return the steps of a proof; None if none is found."""
    if len(goal.variables) > MOST_VARIABLES:
        return None
    goal = _free_equalities(goal)
    if has_variable_exponent(goal.expression):
        return _prove_with_exponents(goal, budget)
    if goal.free:
        return _prove_with_free(insert_definitions(goal, budget), budget)
    few = budget.part(MOST_AT_FIRST, 0.2)
    found = _try_variants(list(even_out_degrees(goal, few)), few)
    if found is not None:
        return found
    squared = add_squares(goal, few)
    found = _try_variants([squared], few) if squared is not None else None
    if found is not None:
        return found
    changed = change_linearly(goal, _facts(goal))
    return _try_variants(
        [*([changed] if changed is not None else []), *_list_variants(goal)], budget
    )


def _free_equalities(goal: Goal) -> Goal:
    """Return the goal with powers of the equalities that have roots, where these go away."""
    for j, p in enumerate(read_assumptions(goal).equalities):
        roots = find_roots(goal.equalities[j])
        if p is None and roots:
            power = math.lcm(*(index for _, index in roots))
            raised = raise_equality(goal, j, power)
            if read_assumptions(raised).equalities[-1] is not None:
                goal = raised
    return goal


def _try_variants(variants: Sequence[Goal], budget: Budget) -> list[Step] | None:
    """Try each form of a goal, with more effort from time to time where there are roots."""
    efforts = EFFORTS if any(find_roots(v.expression) for v in variants) else EFFORTS[-1:]
    for effort in efforts:
        last = effort == efforts[-1]
        time = budget if last else budget.part(budget.left, 0.4)
        for i, variant in enumerate(variants):
            share = 0.5 if i < len(variants) - 1 else 1.0
            found = _attempt(variant, time.part(time.left, share), effort, last=last)
            if found is not None:
                return found
    return None


def _facts(goal: Goal) -> list[Any]:
    return [None if fact is None else fact[0] for fact in read_assumptions(goal).facts]


def _list_variants(goal: Goal) -> Iterator[Goal]:
    one = find_product_of_one(goal, read_assumptions(goal).equalities)
    if one is not None:
        yield use_ratios(goal, one, reverse=False)
        yield use_ratios(goal, one, reverse=True)
    balance = find_balance(goal)
    scaled = scale_variables(goal, balance) if balance is not None else None
    if scaled is not None:
        yield scaled
    yield goal
    if one is not None:
        cubes = raise_variables(goal, goal.variables, len(goal.variables))
        if cubes is not None:
            yield cubes


def _prove_with_exponents(goal: Goal, budget: Budget) -> list[Step] | None:
    changed = use_weighted_mean(goal)
    if changed is not None:
        return prove_goal(changed, budget)
    powers = {Fraction(-1), Fraction(-1, 2)}
    for e in itertools.chain.from_iterable(walk(h) for h in goal.equalities):
        if isinstance(e, tuple) and e[0] == "^" and isinstance(e[2], Fraction):
            powers.add(e[2] - 1)
    for power in sorted(power for power in powers if power < 0):
        budget.tried["bounds of logarithms"] += 1
        bounded = bound_logarithm(goal, power)
        found = None if bounded is None else prove_goal(bounded, budget.part(20))
        if found is not None:
            return found
    return None


def _prove_with_free(goal: Goal, budget: Budget) -> list[Step] | None:
    changed = change_linearly(goal, _facts(goal))
    if changed is not None:
        return _try_variants([changed], budget)
    if not find_variables(goal.expression).isdisjoint(goal.free):
        found = _try_variants([goal], budget.part(budget.left, 0.5))
        if found is not None:
            return found
    if len(goal.free) > MOST_FREE:
        return None
    proofs = []
    for signs in itertools.product((False, True), repeat=len(goal.free)):
        negated = [v for v, minus in zip(goal.free, signs, strict=True) if minus]
        case = negate(goal, negated)
        steps = _prove_case(case, budget.part(15))
        if steps is None:
            return None
        proofs.append({"negated": negated, "proof": steps})
    return [*goal.steps, {"step": "cases", "proofs": proofs}]


def _prove_case(case: Goal, budget: Budget) -> list[Step] | None:
    absurd = contradicts(case, read_assumptions(case).equalities)
    if absurd is not None:
        return [{"step": "absurd", "equality": absurd}]
    return _try_variants([case], budget)


def _attempt(goal: Goal, budget: Budget, effort: Effort, *, last: bool) -> list[Step] | None:
    """Clear a goal in each way that may help, and close what comes of it."""
    for variant, raised in _list_clearings(goal):
        if budget.is_spent:
            return None
        budget.tried["forms of the goal"] += 1
        try:
            found = _clear_and_close(variant, raised, budget, effort, last=last)
        except OverflowError:  # a coefficient that no float holds: what guesses is numerical
            continue
        if found is not None:
            return found
    return None


def _clear_and_close(
    goal: Goal, raised: bool, budget: Budget, effort: Effort, *, last: bool
) -> list[Step] | None:
    known = read_assumptions(goal)
    cleared = clear(goal, known, budget.part(budget.left, 0.5), raise_radicands=raised)
    if cleared is None:
        return None
    if cleared.has_radicals:
        return prove_with_radicals(cleared, budget.part(budget.left, 0.7), effort)
    return close(cleared, budget if last else budget.part(effort.seconds))


def _list_clearings(goal: Goal) -> Iterator[tuple[Goal, bool]]:
    """Yield the goal as it is, and in powers of its variables, which takes roots of these away.

    The powers come first where a root of a single term occurs. They double the degree, and help
    less with roots of sums.
    """
    roots = {root for root in find_roots(goal.expression) if find_variables(root[0])}
    power = math.lcm(*(index for _, index in roots)) if roots else 1
    raised = raise_variables(goal, goal.variables, power) if 1 < power <= MOST_POWER else None
    of_terms = any(not any(_is_sum(part) for part in walk(base)) for base, _ in roots)
    if raised is not None and of_terms:
        yield raised, True
    yield goal, True
    if roots:
        yield goal, False
    if raised is not None and not of_terms:
        yield raised, True


def _is_sum(e: Expression) -> bool:
    return isinstance(e, tuple) and e[0] == "+"
