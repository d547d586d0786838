"""The points at which two expressions are compared, and which of their variables are integers."""

from __future__ import annotations

import random
from collections.abc import Iterator
from fractions import Fraction

from bench.answers.expressions import Apply, Expression, Number, Power, Product, variables, walk

_COUNTERS = frozenset("n k m j l N".split())


_INTEGRAL = frozenset(("factorial", "factorial2", "binomial", "gcd", "lcm", "sum", "prod"))


def is_signed(a: Expression, b: Expression) -> bool:
    r"""Whether negative values of the variables count.

    Those of one variable do; several are lengths and masses more often than not, and formulas such
    as `\sqrt{G M / r}` are written for positive ones, unless an absolute value says otherwise.
    """
    names = variables(a) | variables(b)
    absolute = any(isinstance(n, Apply) and n.function == "abs" for x in (a, b) for n in walk(x))
    return len(names) == 1 or absolute


def nested_power_point(
    a: Expression, b: Expression, positive: frozenset[str]
) -> dict[str, Fraction] | None:
    """Return a point at which `(x^m)^n` with letters m and n is a root, and x is negative.

    None where there is no such power, where its base is said to be positive, or where n counts.
    """
    for node in (*walk(a), *walk(b)):
        if not (isinstance(node, Power) and isinstance(node.base, Power)):
            continue
        base, inner = variables(node.base.base), variables(node.base.exponent)
        outer = variables(node.exponent) - inner
        if not base or not inner or not outer or base & positive:
            continue
        if (inner | outer) & (_COUNTERS | base):
            continue
        point = dict.fromkeys(variables(a) | variables(b), Fraction(5, 3))
        point |= dict.fromkeys(inner, Fraction(2)) | dict.fromkeys(outer, Fraction(1, 2))
        return point | dict.fromkeys(base, Fraction(-7, 3))
    return None


def integral_variables(x: Expression) -> frozenset[str]:
    """Return the variables that the expression makes sense for only if they are integers.

    Those in a factorial or a binomial coefficient, in bounds of sums, and in exponents of negative
    constants; and n, k, m and the like under a floor or in the exponent of a variable.
    """
    found: set[str] = set()
    broken: set[str] = set()
    for node in walk(x):
        if isinstance(node, Apply) and node.function in _INTEGRAL:
            found |= variables(node)
        if isinstance(node, Apply) and node.function in ("floor", "ceil"):
            found |= variables(node) & _COUNTERS
        if isinstance(node, Power) and _is_negative(node.base):
            found |= variables(node.exponent)
        elif isinstance(node, Power) and variables(node.base):
            if _is_integral(node.exponent):
                found |= variables(node.exponent) & _COUNTERS
            else:
                broken |= variables(node.exponent)
    return frozenset(found - broken)


def _is_integral(x: Expression) -> bool:
    """Whether an exponent is an integer wherever its variables are: no fractions in it."""
    return all(
        (not isinstance(n, Number) or n.value.denominator == 1)
        and not (isinstance(n, Power) and isinstance(n.exponent, Number) and n.exponent.value < 0)
        for n in walk(x)
    )


def _is_negative(x: Expression) -> bool:
    if isinstance(x, Product):
        return any(isinstance(f, Number) and f.value < 0 for f in x.factors)
    return isinstance(x, Number) and x.value < 0


def sample_points(
    names: frozenset[str], integers: frozenset[str], signed: bool
) -> Iterator[dict[str, Fraction]]:
    """Points of several sizes; each of them an odd fraction, so that nothing vanishes by chance."""
    source = random.Random(" ".join(sorted(names)))
    ordered = sorted(names)
    sizes = (
        1,
        4,
        Fraction(1, 3),
        2,
        12,
        Fraction(3, 2),
        40,
        Fraction(1, 9),
        Fraction(5, 2),
        3,
        Fraction(6, 5),
        Fraction(8, 5),
        2,
    )
    for size in sizes * 4 if integers else sizes:
        point: dict[str, Fraction] = {}
        for name in ordered:
            if name in integers:
                point[name] = Fraction(source.randrange(1, 12))
                continue
            value = size * Fraction(source.randrange(3001, 9973), 7919)
            point[name] = value * source.choice((1, -1)) if signed and size != 1 else value
        yield point
        if signed and len(names) == 1 and not integers:
            yield {name: -value for name, value in point.items()}
