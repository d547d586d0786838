"""The prover's polynomials: rational coefficients, any number of variables, FLINT underneath.

A polynomial lives in the ring of its number of variables, `x0`, `x1`, ...; their names are the
goal's business. The checker has arithmetic of its own (`bench.inequalities.checker`).
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Mapping, Sequence
from fractions import Fraction
from typing import Any

import numpy as np
from flint import Ordering, fmpq, fmpq_mpoly, fmpq_mpoly_ctx
from numpy.typing import NDArray

Polynomial = fmpq_mpoly
Exponents = tuple[int, ...]
Terms = Mapping[Exponents, Fraction]
Floats = NDArray[np.float64]


@functools.cache
def ring(n: int) -> Any:
    """Return the ring of polynomials in `n` variables."""
    return fmpq_mpoly_ctx.get([f"x{i}" for i in range(n)], Ordering.degrevlex)


def size_of(p: Polynomial) -> int:
    """Return the number of variables of a polynomial's ring."""
    return int(p.context().nvars())


def generators(n: int) -> tuple[Polynomial, ...]:
    """Return the variables of a ring as polynomials."""
    return tuple(ring(n).gens())


def constant(n: int, value: Fraction | int) -> Polynomial:
    """Return a constant polynomial."""
    found: Polynomial = ring(n).constant(to_flint(Fraction(value)))
    return found


def make(n: int, terms: Terms) -> Polynomial:
    """Return the polynomial with these terms."""
    found: Polynomial = ring(n).from_dict({tuple(e): to_flint(c) for e, c in terms.items()})
    return found


def terms_of(p: Polynomial) -> dict[Exponents, Fraction]:
    """Return the terms of a polynomial."""
    return {tuple(map(int, e)): from_flint(c) for e, c in p.to_dict().items()}


def to_flint(value: Fraction) -> fmpq:
    """Return a rational as FLINT has it."""
    return fmpq(value.numerator, value.denominator)


def from_flint(value: fmpq) -> Fraction:
    """Return a rational of FLINT's as Python has it."""
    return Fraction(int(value.p), int(value.q))


def to_json(p: Polynomial) -> list[list[Any]]:
    """Return a polynomial as certificates hold it."""
    return [[list(map(int, e)), str(c)] for e, c in sorted(p.to_dict().items())]


def lengthen(data: Any, count: int) -> Any:
    """Return a proof's data with so many exponents of 0 more in every term of its polynomials."""
    if isinstance(data, dict):
        return {key: lengthen(value, count) for key, value in data.items()}
    if not isinstance(data, list) or not count:
        return data
    if len(data) == 2 and isinstance(data[0], list) and isinstance(data[1], str):
        return [[*data[0], *[0] * count], data[1]]
    return [lengthen(value, count) for value in data]


def has_nonnegative_coefficients(p: Polynomial) -> bool:
    """Whether no coefficient is negative."""
    return all(c >= 0 for c in p.coeffs())


def is_homogeneous(p: Polynomial) -> bool:
    """Whether all terms have one degree."""
    return len({sum(e) for e in p.monoms()}) <= 1


def degree_of(p: Polynomial) -> int:
    """Return the total degree; -1 of zero."""
    return int(p.total_degree()) if not p.is_zero() else -1


def variables_of(p: Polynomial) -> list[int]:
    """Return the numbers of the variables that occur."""
    return [i for i, d in enumerate(p.degrees()) if d > 0]


def split_by_power(p: Polynomial, i: int) -> dict[int, Polynomial]:
    """Return the coefficients of the powers of `x_i`, in the same ring."""
    found: dict[int, dict[Exponents, Any]] = {}
    for e, c in p.to_dict().items():
        k = int(e[i])
        found.setdefault(k, {})[tuple(0 if j == i else int(x) for j, x in enumerate(e))] = c
    context = p.context()
    return {k: context.from_dict(terms) for k, terms in found.items()}


def split_by_degree(p: Polynomial) -> dict[int, Polynomial]:
    """Return the homogeneous parts by degree."""
    found: dict[int, dict[Exponents, Any]] = {}
    for e, c in p.to_dict().items():
        found.setdefault(int(sum(e)), {})[tuple(map(int, e))] = c
    context = p.context()
    return {k: context.from_dict(terms) for k, terms in found.items()}


def insert(p: Polynomial, images: Sequence[Polynomial]) -> Polynomial:
    """Return `p` with each variable replaced by its image."""
    found: Polynomial = p.compose(*images, ctx=images[0].context())
    return found


def add_minimum(p: Polynomial, i: int) -> Polynomial:
    """Return `p` with `x_j + x_i` for every other `x_j`: `x_i` is the smallest variable."""
    x = generators(size_of(p))
    return insert(p, [each if j == i else each + x[i] for j, each in enumerate(x)])


def put_in_order(p: Polynomial, order: Sequence[int]) -> Polynomial:
    """Return `p` for variables that grow in an order: the r-th is the sum of the first r steps."""
    x = generators(size_of(p))
    images: list[Polynomial] = list(x)
    total = x[0] * 0
    for step, i in zip(x, order, strict=True):
        total = total + step
        images[i] = total
    return insert(p, images)


def evaluate(p: Polynomial, point: Iterable[Fraction]) -> Fraction:
    """Return the value at a rational point."""
    return from_flint(fmpq(p(*(to_flint(Fraction(x)) for x in point))))


def compile_polynomial(p: Polynomial) -> Callable[[Floats], Floats]:
    """Return a function of points, shape (points, variables), in floating point."""
    terms = p.to_dict()
    exponents = np.array([list(map(int, e)) for e in terms], dtype=int)
    weights = np.array([float(from_flint(c)) for c in terms.values()])

    def value(points: Floats) -> Floats:
        if not len(weights):
            return np.zeros(len(points))
        products = np.ones((len(points), len(weights)))
        with np.errstate(all="ignore"):
            for i, most in enumerate(exponents.max(axis=0)):
                if most:
                    powers = np.ones((len(points), most + 1))
                    powers[:, 1:] = np.cumprod(np.repeat(points[:, [i]], most, axis=1), axis=1)
                    products *= powers[:, exponents[:, i]]
            found: Floats = products @ weights
        return found

    return value


def is_cyclic(p: Polynomial) -> bool:
    """Whether the shift of the variables by one leaves `p` as it is."""
    terms = p.to_dict()
    return all(terms.get((*e[1:], e[0])) == c for e, c in terms.items())
