"""What is to be shown, before it is a polynomial: an expression that is not to be negative.

A goal is a statement's claim on the way through phase A of FORMAT.md. It is immutable; each step
returns a new goal that knows the steps so far, as the certificate will hold them.
"""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, NamedTuple

from flint import fmpq_mat

from bench.inequalities.polynomials import (
    Polynomial,
    from_flint,
    has_nonnegative_coefficients,
    terms_of,
    to_flint,
)
from bench.inequalities.statements import Expression, Relation, Statement, to_json_expression

FREE, NONNEGATIVE, POSITIVE = "free", "nonnegative", "positive"

Step = dict[str, Any]


class Fact(NamedTuple):
    """An assumption: an expression that is not negative, or positive."""

    expression: Expression
    strict: bool


@dataclass(frozen=True, slots=True)
class Goal:
    """An expression to be shown `>= 0`, and what may be used for that."""

    variables: tuple[str, ...]
    signs: Mapping[str, str]
    """`free`, `nonnegative` or `positive`, by variable."""
    facts: tuple[Fact, ...]
    equalities: tuple[Expression, ...]
    """Expressions that are 0."""
    expression: Expression
    steps: tuple[Step, ...] = ()
    strict: bool = False
    """Whether the expression is to be shown `> 0`."""

    @property
    def free(self) -> list[str]:
        """The variables of which no sign is known."""
        return [v for v in self.variables if self.signs[v] == FREE]

    def is_nonnegative(self, v: str) -> bool:
        """Whether a variable is known not to be negative."""
        return self.signs[v] != FREE

    def insert(self, images: Mapping[str, Expression], step: Step, **changes: Any) -> Goal:
        """Return the goal with variables replaced everywhere; `changes` are made besides."""
        put: Callable[[Expression], Expression] = lambda e: insert(e, images)  # noqa: E731
        return dataclasses.replace(
            self,
            **{
                "facts": tuple(Fact(put(f.expression), f.strict) for f in self.facts),
                "equalities": tuple(map(put, self.equalities)),
                "expression": put(self.expression),
                "steps": (*self.steps, step),
                **changes,
            },
        )


def begin(statement: Statement, claim: Relation) -> Goal:
    """Return the goal of a claim."""
    signs = dict.fromkeys(statement.variables, FREE)
    facts, equalities = [], []
    for relation in statement.assumptions:
        op, left, right = relation
        if op == "!=":
            continue
        if op == "=":
            equalities.append(subtract(left, right))
            continue
        strict = op in "<>"
        larger, smaller = (left, right) if op in (">=", ">") else (right, left)
        value = read_constant(smaller)
        if isinstance(larger, str) and value is not None and value >= 0:
            if strict or value > 0:
                signs[larger] = POSITIVE
            elif signs[larger] == FREE:
                signs[larger] = NONNEGATIVE
            if value == 0:
                continue
        facts.append(Fact(subtract(larger, smaller), strict))
    op, left, right = claim
    larger, smaller = (left, right) if op in (">=", ">") else (right, left)
    return Goal(
        tuple(statement.variables),
        signs,
        tuple(facts),
        tuple(equalities),
        subtract(larger, smaller),
        strict=op in "<>",
    )


def subtract(left: Expression, right: Expression) -> Expression:
    """Return a difference as the checker writes it."""
    return ("+", left, ("-", right))


def insert(e: Expression, images: Mapping[str, Expression]) -> Expression:
    """Return an expression with variables replaced; a power of a power is one power."""
    if isinstance(e, str):
        return images.get(e, e)
    if isinstance(e, Fraction):
        return e
    head, *parts = e
    if head == "^" and isinstance(parts[1], Fraction) and isinstance(parts[0], str):
        image = images.get(parts[0])
        if isinstance(image, tuple) and image[0] == "^" and isinstance(image[2], Fraction):
            return ("^", image[1], image[2] * parts[1])
    return (head, *(insert(part, images) for part in parts))


def read_constant(e: Expression) -> Fraction | None:
    """Return the value of an expression without variables; None of another, or of a root."""
    if isinstance(e, Fraction):
        return e
    if isinstance(e, str):
        return None
    head, *parts = e
    values = [read_constant(part) for part in parts]
    known = [value for value in values if value is not None]
    if len(known) < len(values):
        return None
    if head == "+":
        return sum(known, Fraction(0))
    if head == "*":
        product = Fraction(1)
        for value in known:
            product *= value
        return product
    if head == "-":
        return -known[0]
    if head == "/":
        return known[0] / known[1] if known[1] else None
    if known[1].denominator == 1 and (known[0] or known[1] >= 0):
        return known[0] ** int(known[1])
    return None


def walk(e: Expression) -> Iterator[Expression]:
    """Yield an expression and all its parts."""
    yield e
    if isinstance(e, tuple):
        for part in e[1:]:
            yield from walk(part)


def add_gap(goal: Goal, gap: Fraction) -> Goal:
    """Return the goal less a gap, which need not be positive then."""
    return dataclasses.replace(
        goal,
        expression=("+", goal.expression, ("-", gap)),
        strict=False,
        steps=(*goal.steps, {"step": "gap", "gap": str(gap)}),
    )


def negate(goal: Goal, variables: Sequence[str]) -> Goal:
    """Return the case in which these free variables are not positive, the others not negative."""
    signs = {v: NONNEGATIVE if s == FREE else s for v, s in goal.signs.items()}
    changed = goal.insert({v: ("-", v) for v in variables}, {}, signs=signs)
    return dataclasses.replace(changed, steps=())


def raise_variables(goal: Goal, variables: Sequence[str], power: int) -> Goal | None:
    """Return the goal with powers of some variables in their place; None where one is free."""
    if not all(goal.is_nonnegative(v) for v in variables):
        return None
    step = {"step": "power", "variables": list(variables), "power": power}
    return goal.insert({v: ("^", v, Fraction(power)) for v in variables}, step)


def raise_equality(goal: Goal, equality: int, power: int) -> Goal:
    """Return the goal with powers of both sides of an equality equal as well."""
    e = goal.equalities[equality]
    assert isinstance(e, tuple) and isinstance(e[2], tuple), "a left side less a right side"
    sides = (_raise_power(e[1], power), _raise_power(e[2][1], power))
    step = {"step": "raise_equality", "equality": equality, "power": power}
    return dataclasses.replace(
        goal, equalities=(*goal.equalities, subtract(*sides)), steps=(*goal.steps, step)
    )


def _raise_power(e: Expression, power: int) -> Expression:
    """Return a power of an expression, factor by factor; a power of a power is one power."""
    if isinstance(e, tuple) and e[0] in ("*", "/"):
        return (e[0], *(_raise_power(part, power) for part in e[1:]))
    if isinstance(e, tuple) and e[0] == "^" and isinstance(e[2], Fraction):
        return ("^", e[1], e[2] * power)
    return ("^", e, Fraction(power))


def find_product_of_one(goal: Goal, polynomials: Sequence[Polynomial | None]) -> int | None:
    """Return the equality that says that all variables' product is 1, given their numerators."""
    n = len(goal.variables)
    if n < 2 or goal.free:
        return None
    for j, p in enumerate(polynomials):
        if p is not None:
            terms = terms_of(p)
            one, every = terms.get((0,) * n), terms.get((1,) * n)
            if len(terms) == 2 and one and every == -one:
                return j
    return None


def use_ratios(goal: Goal, equality: int, *, reverse: bool) -> Goal:
    """Return the goal with each variable replaced by a ratio of two, whose product is 1."""
    names = goal.variables
    following = [*names[1:], names[0]]
    images: dict[str, Expression] = {
        v: ("/", w, v) if reverse else ("/", v, w) for v, w in zip(names, following, strict=True)
    }
    step = {"step": "ratio", "equality": equality, "reverse": reverse}
    kept = tuple(e for j, e in enumerate(goal.equalities) if j != equality)
    return goal.insert(
        images,
        step,
        equalities=tuple(insert(e, images) for e in kept),
        signs=dict.fromkeys(names, POSITIVE),
    )


def change_linearly(goal: Goal, facts: Sequence[Polynomial | None]) -> Goal | None:
    """Return the goal in new variables that are linear assumptions: triangles, orders.

    `facts` are their numerators. None unless the assumptions and the signs make a cone with as many
    edges as there are variables.
    """
    n = len(goal.variables)
    forms: list[list[Fraction]] = []
    origins: list[int | str] = []
    for j, p in enumerate(facts):
        if p is not None and all(sum(e) == 1 for e in terms_of(p)):
            terms = terms_of(p)
            forms.append([terms.get(_unit(n, i), Fraction(0)) for i in range(n)])
            origins.append(j)
    if not forms:
        return None
    for i, v in enumerate(goal.variables):
        if goal.is_nonnegative(v):
            forms.append([Fraction(int(k == i)) for k in range(n)])
            origins.append(v)
    for chosen in itertools.combinations(range(len(forms)), n):
        if not any(isinstance(origins[k], int) for k in chosen):
            continue
        matrix = fmpq_mat(n, n, [to_flint(c) for k in chosen for c in forms[k]])
        if matrix.det() == 0:
            continue
        inverse = matrix.inv()
        by = [[from_flint(inverse[a, b]) for b in range(n)] for a in range(n)]
        if all(sum(form[a] * by[a][b] for a in range(n)) >= 0 for form in forms for b in range(n)):
            return _in_new_variables(goal, by, [origins[k] for k in chosen], origins)
    return None


def scale_variables(goal: Goal, scales: Mapping[str, Fraction]) -> Goal | None:
    """Return the goal in `v / scales[v]` for every variable; None where one is free."""
    if goal.free:
        return None
    by = [[scales[v] if v == w else Fraction(0) for w in goal.variables] for v in goal.variables]
    return _in_new_variables(goal, by, goal.variables, ())


def _unit(n: int, i: int) -> tuple[int, ...]:
    return tuple(int(k == i) for k in range(n))


def _in_new_variables(
    goal: Goal,
    by: Sequence[Sequence[Fraction]],
    chosen: Sequence[int | str],
    forms: Sequence[int | str],
) -> Goal:
    taken = {str(v) for v in goal.variables}
    names: list[str] = []
    for letter in ("x", "y", "z", "u", "v", "w", *(f"x{i}" for i in range(1, 99))):
        if letter not in taken and len(names) < len(chosen):
            names.append(letter)
    images: dict[str, Expression] = {}
    for v, row in zip(goal.variables, by, strict=True):
        terms: list[Expression] = [
            name if c == 1 else ("*", c, name) for name, c in zip(names, row, strict=True) if c
        ]
        images[v] = terms[0] if len(terms) == 1 else ("+", *terms)
    drop = sorted(j for j in forms if isinstance(j, int))
    signs = {}
    for name, origin in zip(names, chosen, strict=True):
        strict = (
            goal.facts[origin].strict if isinstance(origin, int) else goal.signs[origin] == POSITIVE
        )
        signs[name] = POSITIVE if strict else NONNEGATIVE
    step = {
        "step": "linear",
        "variables": names,
        "by": {v: to_json_expression(e) for v, e in images.items()},
        "from": list(chosen),
        "drop": drop,
    }
    facts = tuple(
        Fact(insert(f.expression, images), f.strict)
        for j, f in enumerate(goal.facts)
        if j not in drop
    )
    return goal.insert(images, step, variables=tuple(names), signs=signs, facts=facts)


def list_factors(e: Expression) -> list[Expression]:
    """Return the factors of a product, nested ones as well."""
    if isinstance(e, tuple) and e[0] == "*":
        return [factor for part in e[1:] for factor in list_factors(part)]
    return [e]


def list_terms(e: Expression) -> Iterator[Expression]:
    """Yield the terms of a sum, nested ones as well, with their signs; 0 is none."""
    if isinstance(e, tuple) and e[0] == "+":
        for part in e[1:]:
            yield from list_terms(part)
    elif isinstance(e, tuple) and e[0] == "-":
        for term in list_terms(e[1]):
            yield -term if isinstance(term, Fraction) else ("-", term)
    elif e != 0:
        yield e


def find_roots(e: Expression) -> set[tuple[Expression, int]]:
    """Return what roots are taken of, and their indices."""
    return {
        (part[1], part[2].denominator)
        for part in walk(e)
        if isinstance(part, tuple)
        and part[0] == "^"
        and isinstance(part[2], Fraction)
        and part[2].denominator > 1
    }


def has_variable_exponent(e: Expression) -> bool:
    """Whether a power in an expression has a variable in its exponent."""
    return any(
        isinstance(part, tuple) and part[0] == "^" and read_constant(part[2]) is None
        for part in walk(e)
    )


def use_weighted_mean(goal: Goal) -> Goal | None:
    """Return the goal `R - K b1^w1 ... bk^wk` with the product replaced by the weighted mean."""
    e = goal.expression
    if not (isinstance(e, tuple) and e[0] == "+" and len(e) == 3):
        return None
    rest, last = e[1], e[2]
    if not (isinstance(last, tuple) and last[0] == "-"):
        return None
    factors = list_factors(last[1])
    powers = [f for f in factors if _is_variable_power(f)]
    others = [f for f in factors if not _is_variable_power(f)]
    if len(powers) < 2 or any(map(has_variable_exponent, [rest, *others])):
        return None
    mean: Expression = ("+", *(("*", w, b) for b, w in map(_base_and_exponent, powers)))
    bound: Expression = ("*", *others, mean) if others else mean
    return dataclasses.replace(
        goal,
        expression=("+", rest, ("-", bound)),
        steps=(*goal.steps, {"step": "weighted_mean"}),
    )


def bound_logarithm(goal: Goal, power: Fraction) -> Goal | None:
    """Return the goal `b1^w1 ... bk^wk - 1` replaced by a bound of its logarithm; `power < 0`."""
    e = goal.expression
    if not (isinstance(e, tuple) and e == ("+", e[1], ("-", Fraction(1)))):
        return None
    factors = list_factors(e[1])
    if not all(map(_is_variable_power, factors)):
        return None
    terms: list[Expression] = [
        ("+", w, ("-", ("*", w, ("^", b, power)))) for b, w in map(_base_and_exponent, factors)
    ]
    changed: Expression = terms[0] if len(terms) == 1 else ("+", *terms)
    step = {"step": "log_bound", "power": str(power)}
    return dataclasses.replace(goal, expression=changed, steps=(*goal.steps, step))


def _base_and_exponent(e: Expression) -> tuple[Expression, Expression]:
    assert isinstance(e, tuple) and len(e) == 3
    return e[1], e[2]


def _is_variable_power(e: Expression) -> bool:
    return isinstance(e, tuple) and e[0] == "^" and isinstance(e[1], str) and isinstance(e[2], str)


def contradicts(goal: Goal, polynomials: Sequence[Polynomial | None]) -> int | None:
    """Return an equality that cannot hold where no variable is negative, given their numerators."""
    n = len(goal.variables)
    for j, p in enumerate(polynomials):
        if p is not None and terms_of(p).get((0,) * n):
            if has_nonnegative_coefficients(p) or has_nonnegative_coefficients(-p):
                return j
    return None
