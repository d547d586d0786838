"""Goals with radicals: raised to a power, or every radical replaced by a rational bound.

A bound of `t = U^(1/q)` is made from a rational function `V` that is near `t`: by the weighted
AM-GM inequality, by a tangent, or by `V` itself where it is above or below `t` everywhere. Such a
bound is exact to first order wherever `V = t`. So `V` is chosen to agree with `t` where the goal is
0 (`bench.inequalities.proving.bounding`). The choices for all radicals are filtered by their
values at sampled points, and the survivors closed as polynomials.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Sequence
from fractions import Fraction
from typing import Any, NamedTuple

import numpy as np

from bench.inequalities.budget import Budget
from bench.inequalities.polynomials import (
    Exponents,
    Polynomial,
    compile_polynomial,
    constant,
    from_flint,
    generators,
    has_nonnegative_coefficients,
    lengthen,
    split_by_power,
    terms_of,
    to_json,
)
from bench.inequalities.proving.bounding import (
    Bounding,
    Points,
    find_equality_points,
    list_boundings,
    sample,
)
from bench.inequalities.proving.closers.orthant import prove_on_orthant
from bench.inequalities.proving.closers.signs import prove_not_negative
from bench.inequalities.proving.closing import close
from bench.inequalities.proving.goals import Step
from bench.inequalities.proving.polynomial_goals import (
    Assumptions,
    PolynomialGoal,
    Radical,
    add_radicals,
    apply_homogenise,
    cancel_positive_factors,
    go_inside,
    multiply,
    reduce_radicals,
)
from bench.inequalities.roots import exact_root

MOST_MULTIPLES = 5
"""Products of radicals by which a goal is multiplied, to begin with."""
FEW = 400
"""Points at which the sign of a coefficient is looked at."""
MOST_COMBINATIONS = 20_000
"""Choices of bounds for all radicals whose values are looked at."""
MOST_CLOSED = 8
"""Choices that are closed, best first."""
MOST_TERMS = 900
"""Terms of a polynomial that is closed after bounds."""
SLACK = -1e-9
"""Relative value below which a sampled point rules a choice out."""


class Effort(NamedTuple):
    """How much is tried for a goal with radicals."""

    further: bool
    """Whether bounds are made from more families."""
    seconds: float
    """For what is left where the radicals are bounded."""


def prove_with_radicals(goal: PolynomialGoal, budget: Budget, effort: Effort) -> list[Step] | None:
    """Return the steps of a proof of a goal with radicals; None if none is found."""
    found = _raise(goal, budget, effort)
    if found is not None:
        return found
    multiples = list(_list_multiples(goal))[:MOST_MULTIPLES]
    for i, multiple in enumerate(multiples):
        if budget.left < 1:
            return None
        share = 1.0 if i == len(multiples) - 1 else 0.6
        renamed = rename(multiple, budget)
        if renamed is not None:
            found = _bound(renamed, budget.part(budget.left, share), effort)
            if found is not None:
                return found
    return None


def group_by_radicals(goal: PolynomialGoal) -> dict[Exponents, Polynomial]:
    """Return the coefficient, in the variables alone, of every product of radicals."""
    n = goal.n
    found: dict[Exponents, dict[Exponents, Any]] = {}
    for e, c in goal.p.to_dict().items():
        exponents = tuple(map(int, e))
        found.setdefault(exponents[n:], {})[exponents[:n]] = c
    context = generators(n)[0].context()
    return {e: context.from_dict(terms) for e, terms in found.items()}


def _raise(goal: PolynomialGoal, budget: Budget, effort: Effort) -> list[Step] | None:
    """Prove `X t^a + Y t^b >= 0` by comparing powers of both sides."""
    groups = group_by_radicals(goal)
    if len(groups) != 2 or goal.strict:
        return None
    power = math.lcm(
        *(r.degree for i, r in enumerate(goal.radicals) if any(e[i] for e in groups)), 1
    )
    points = sample(goal, FEW, seed=3)
    for larger, smaller in itertools.permutations(groups):
        values = compile_polynomial(groups[larger])(points)
        if len(values) and values.min() < -1e-9 * abs(values).max():
            continue
        proof = prove_not_negative(groups[larger], goal.assumptions, budget.part(5))
        if proof is None:
            continue
        p = groups[larger] ** power * _power_of(goal, larger, power)
        q = (-groups[smaller]) ** power * _power_of(goal, smaller, power)
        step = {
            "step": "raise",
            "larger": list(larger),
            "smaller": list(smaller),
            "power": power,
            "proof": lengthen(proof, goal.more),
        }
        found = close(goal.then(step, goal.lift(p - q)), budget.part(effort.seconds))
        if found is not None:
            return found
    return None


def _power_of(goal: PolynomialGoal, exponents: Exponents, power: int) -> Polynomial:
    """Return a product of radicals to a power that makes it a polynomial."""
    product = constant(goal.n, 1)
    for k, (index, radicand) in zip(exponents, goal.radicals, strict=True):
        product = product * radicand ** (k * power // index)
    return product


def _list_multiples(goal: PolynomialGoal) -> Iterator[PolynomialGoal]:
    """Yield the goal, and the goal times products of radicals that free a term of them."""
    groups = group_by_radicals(goal)
    plain = (0,) * len(goal.radicals)
    positive = all(
        goal.assumptions.is_visibly_positive(radical.radicand) for radical in goal.radicals
    )
    if plain in groups or not positive:
        yield goal
    if not positive or (plain in groups and len(groups) > 5):
        return
    yielded = plain in groups
    for exponents, coefficient in groups.items():
        signs = {c > 0 for c in coefficient.coeffs()}
        if any(exponents) and (len(signs) == 1 or len(groups) <= 5):
            product = goal.p * 0 + 1
            for i, k in enumerate(exponents):
                if k:
                    product = product * goal.radical(i, goal.radicals[i].degree - k)
            yielded = True
            yield multiply(goal, product)
    if not yielded:
        yield goal


class _Image(NamedTuple):
    """What a product of radicals is: `factor * s^power`, `s` the new radical `number`."""

    factor: Polynomial
    number: int | None
    power: int


def rename(goal: PolynomialGoal, budget: Budget) -> PolynomialGoal | None:
    """Return the goal with a radical of its own for every product of radicals.

    None where a radicand's sign cannot be shown.
    """
    groups = group_by_radicals(goal)
    radicals: list[Radical] = []
    images: dict[Exponents, _Image] = {}
    for exponents in sorted(e for e in groups if any(e)):
        image = _as_one_radical(goal, exponents, radicals)
        if image is None:
            return None
        images[exponents] = image
    size = goal.n + len(radicals)
    written = []
    for radical in radicals:
        proof = prove_not_negative(radical.radicand, goal.assumptions, budget.part(4))
        if proof is None:
            return None
        written.append(
            {
                "index": radical.degree,
                "radicand": to_json(add_radicals(radical.radicand, len(radicals))),
                "nonnegative": lengthen(proof, len(radicals)),
            }
        )
    p = add_radicals(constant(goal.n, 0), len(radicals))
    for exponents, coefficient in groups.items():
        term = add_radicals(coefficient, len(radicals))
        if any(exponents):
            image = images[exponents]
            term = term * add_radicals(image.factor, len(radicals))
            if image.number is not None:
                term = term * generators(size)[goal.n + image.number] ** image.power
        p = p + term
    step = {
        "step": "rename",
        "radicals": written,
        "images": [
            [
                list(exponents),
                {
                    "factor": to_json(add_radicals(image.factor, len(radicals))),
                    "radical": image.number,
                    "power": image.power,
                },
            ]
            for exponents, image in images.items()
        ],
    }
    return goal.then(step, reduce_radicals(p, goal.n, radicals), radicals=tuple(radicals))


def _as_one_radical(
    goal: PolynomialGoal, exponents: Exponents, radicals: list[Radical]
) -> _Image | None:
    """Return a product of radicals as one, which is added to `radicals` if it is new."""
    index = math.lcm(*(r.degree for k, r in zip(exponents, goal.radicals, strict=True) if k))
    powers = [k * index // r.degree for k, r in zip(exponents, goal.radicals, strict=True)]
    shared = math.gcd(index, *powers)
    index, powers = index // shared, [k // shared for k in powers]
    known = goal.assumptions
    outside, scale = constant(goal.n, 1), Fraction(1)
    inside: list[tuple[Polynomial, int]] = []
    for k, radical in zip(powers, goal.radicals, strict=True):
        if not k:
            continue
        content, factors = radical.radicand.factor()
        scale *= from_flint(content) ** k
        for factor, multiplicity in factors:
            for at, (other, count) in enumerate(inside):
                if other == factor:
                    inside[at] = (factor, count + int(multiplicity) * k)
                    break
            else:
                inside.append((factor, int(multiplicity) * k))
    left: list[tuple[Polynomial, int]] = []
    for factor, count in inside:
        if known.is_visibly_nonnegative(factor) and count >= index:
            outside = outside * factor ** (count // index)
            count %= index
        if count:
            left.append((factor, count))
    if scale < 0:
        for at, (factor, count) in enumerate(left):
            if count % 2:
                left[at], scale = (-factor, count), -scale
                break
        else:
            return None
    root = exact_root(scale, index)
    if root is not None:
        outside, scale = outside * constant(goal.n, root), Fraction(1)
    if not left and scale == 1:
        return _Image(outside, None, 1)
    power = math.gcd(*(count for _, count in left)) if left else 1
    part = exact_root(scale, power)
    if power >= index or part is None:
        power, part = 1, scale
    radicand = constant(goal.n, part)
    for factor, count in left:
        radicand = radicand * factor ** (count // power)
    radical = Radical(index, radicand)
    if radical not in radicals:
        radicals.append(radical)
    return _Image(outside, radicals.index(radical), power)


class _Choice(NamedTuple):
    """A bound for each radical of a group, and what the group then adds to the goal's values."""

    bounding: Bounding
    values: Any


def _bound(goal: PolynomialGoal, budget: Budget, effort: Effort) -> list[Step] | None:
    """Replace every radical by a bound, in each way that sampled points allow, and close."""
    if not goal.has_radicals:
        return close(goal, budget)
    split = goal.assumptions.find_split()
    if split is not None:
        goal = apply_homogenise(goal, split) or goal
    points = Points.draw(goal)
    if points is None:
        return None
    for at in find_equality_points(goal, points):
        choices = []
        for group in list_boundings(goal, at, further=effort.further):
            allowed = [
                _Choice(b, values) for b in group if (values := points.value_of(b)) is not None
            ]
            if not allowed:
                break
            choices.append(allowed)
        else:
            found = _close_choices(goal, points, choices, budget, effort)
            if found is not None:
                return found
    return None


def _close_choices(
    goal: PolynomialGoal,
    points: Points,
    choices: Sequence[Sequence[_Choice]],
    budget: Budget,
    effort: Effort,
) -> list[Step] | None:
    ranked = []
    for number, combination in enumerate(
        itertools.islice(itertools.product(*choices), MOST_COMBINATIONS)
    ):
        if number % 256 == 0 and budget.is_spent:
            break
        relative = (points.plain + sum(c.values for c in combination)) / points.size
        if relative.min() > SLACK:
            ease = sum(c.bounding.ease for c in combination)
            ranked.append((ease, -float(np.median(relative)), number, combination))
    ranked.sort(key=lambda each: each[:3])
    for _, _, _, combination in ranked[:MOST_CLOSED]:
        if budget.left < 1:
            return None
        budget.tried["choices of bounds of roots"] += 1
        bounded = _apply(goal, [c.bounding for c in combination], budget)
        if bounded is not None and len(bounded.p) <= MOST_TERMS:
            found = _finish(bounded, budget.part(effort.seconds))
            if found is not None:
                return found
    return None


def _apply(
    goal: PolynomialGoal, boundings: Sequence[Bounding], budget: Budget
) -> PolynomialGoal | None:
    allowed = [
        _is_allowed(goal.assumptions, bounding.kind, top, bottom)
        for bounding in boundings
        for top, bottom in bounding.by.values()
    ]
    if not all(allowed):
        goal = go_inside(goal) or goal
    for bounding in boundings:
        for i, (top, bottom) in bounding.by.items():
            bounded = apply_bound(goal, i, bounding.kind, top, bottom, budget)
            if bounded is None:
                return None
            goal = cancel_positive_factors(bounded)
    return goal


def _is_allowed(known: Assumptions, kind: str, n: Polynomial, d: Polynomial) -> bool:
    """Whether `n / d` has the signs that a bound of a kind needs."""
    if not known.is_positive_off_origin(d):
        return False
    if kind in ("above", "below"):
        return has_nonnegative_coefficients(n)
    return known.is_positive_off_origin(n)


def apply_bound(
    goal: PolynomialGoal, i: int, kind: str, n: Polynomial, d: Polynomial, budget: Budget
) -> PolynomialGoal | None:
    """Return the goal with radical `i` replaced by the bound that `n / d` makes (FORMAT.md)."""
    parts = split_by_power(goal.p, goal.n + i)
    powers = [k for k in parts if k]
    if len(powers) != 1:
        return None
    (p,) = powers
    q, radicand = goal.radicals[i]
    if not _is_allowed(goal.assumptions, kind, n, d):
        return None
    step: Step = {"step": "bound", "radical": i, "power": p, "kind": kind}
    step["by"] = [to_json(goal.lift(n)), to_json(goal.lift(d))]
    if kind in ("above", "below"):
        side = n**q - radicand * d**q
        proof = prove_on_orthant(side if kind == "above" else -side, budget.part(5))
        if proof is None:
            return None
        step["proof"] = lengthen(proof, goal.more)
    top, bottom = bound_power(radicand, q, p, kind, n, d)
    plain = parts.get(0, goal.p * 0)
    replaced = parts[p] * goal.lift(top) + plain * goal.lift(bottom)
    return goal.then(step, goal.reduce(replaced))


def bound_power(
    u: Polynomial, q: int, p: int, kind: str, n: Polynomial, d: Polynomial
) -> tuple[Polynomial, Polynomial]:
    """Return numerator and denominator of a bound of `u^(p/q)` made from `n / d`."""
    if kind == "upper":
        return p * u * d**q + (q - p) * n**q, q * n ** (q - p) * d**p
    if kind == "lower":
        return q * u * n**p * d ** (q - p), (q - p) * u * d**q + p * n**q
    if kind == "convex":
        inner = (2 * q - p) * n**q - (q - p) * u * d**q
        return u * d ** (q - p) * inner, q * n ** (2 * q - p)
    return n**p, d**p


def _finish(goal: PolynomialGoal, budget: Budget) -> list[Step] | None:
    """Close what bounds left; radicals of single terms that were kept go by powers of variables."""
    if not goal.has_radicals:
        return close(goal, budget)
    power = 1
    for i, (index, _) in enumerate(goal.radicals):
        if goal.p.degrees()[goal.n + i]:
            power = math.lcm(power, index)
    raised = raise_all_variables(goal, power)
    if raised is None or len(raised.p) > MOST_TERMS or goal.strict:
        return None
    proof = prove_on_orthant(raised.plain, budget)
    return None if proof is None else [*raised.steps, {"step": "orthant", "proof": proof}]


def raise_all_variables(goal: PolynomialGoal, power: int) -> PolynomialGoal | None:
    """Return the goal in `x^power` for every `x`; None where a radical does not become a term."""
    n = goal.n
    x = generators(n)
    total = constant(n, 0)
    for e, c in terms_of(goal.p).items():
        term = constant(n, c)
        for i, k in enumerate(e[:n]):
            term = term * x[i] ** (k * power)
        for f, (index, radicand) in zip(e[n:], goal.radicals, strict=True):
            if not f:
                continue
            inner = terms_of(radicand)
            if len(inner) != 1:
                return None
            ((exponents, value),) = inner.items()
            root = exact_root(value, index)
            if root is None or any(k * f * power % index for k in exponents):
                return None
            term = term * constant(n, root**f)
            for i, k in enumerate(exponents):
                term = term * x[i] ** (k * f * power // index)
        total = total + term
    step = {"step": "power_variables", "power": power}
    return goal.then(step, total, radicals=())
