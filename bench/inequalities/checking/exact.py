"""What the checker computes with: rational polynomials, a Sturm chain, semidefinite matrices.

Everything is exact. Sizes have limits and a check has a budget of work, so that no data keeps it
busy for long.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextvars import ContextVar
from fractions import Fraction
from functools import cache
from itertools import pairwise
from math import prod
from operator import add, mul, sub

from bench.errors import BenchError

MAX_TERMS = 100_000  # of a polynomial
MAX_DEGREE = 10_000  # of a power
MAX_BITS = 50_000  # of a number
MAX_WORK = 3 * 10**7  # numbers computed in one check, the long ones counted for more

Exponents = tuple[int, ...]


class ProofError(BenchError):
    """A certificate that is no proof of its statement; says which step failed, and on what."""


# What is left of the budget is a context variable: checks may run side by side.
budget = ContextVar("budget", default=MAX_WORK)


def require(holds: object, message: str) -> None:
    """Raise ProofError with the message unless the condition holds."""
    if not holds:
        raise ProofError(message)


def charge(amount: int) -> None:
    """Take work from the budget of this check."""
    budget.set(budget.get() - amount)
    require(budget.get() >= 0, "checking this takes more work than is allowed")


def limit(c: Fraction) -> Fraction:
    """Return a number that was computed, and take the work from the budget."""
    bits = c.numerator.bit_length() + c.denominator.bit_length()
    require(bits <= MAX_BITS, "a number exceeds the limit of bits")
    charge(1 + bits // 64 + (bits // 1000) ** 2)
    return c


class Ring:
    """Polynomials in variables and then radicals, of which each is a root of a polynomial.

    A radical t of index q is never negative, and t^q is its radicand, in the variables alone.
    """

    def __init__(self, count: int, indices: Sequence[int] = ()) -> None:
        """Set out with radicals whose radicands are still to come."""
        self.count, self.indices, self.width = count, indices, count + len(indices)
        self.radicands: list[Polynomial] = []
        places = [tuple(int(j == i) for j in range(self.width)) for i in range(self.width)]
        self.units = [Polynomial(self, {e: Fraction(1)}) for e in places]

    def constant(self, c: Fraction | int) -> Polynomial:
        """Return a constant."""
        return Polynomial(self, {(0,) * self.width: Fraction(c)} if c else {})

    def sum(self, polynomials: Iterable[Polynomial]) -> Polynomial:
        """Return the sum of polynomials."""
        result = Polynomial(self)
        for p in polynomials:
            for e, c in p.items():
                result.add_term(e, c)
        return result


class Polynomial(dict[Exponents, Fraction]):
    """A polynomial as its coefficients, of which none is 0; products have radicals reduced."""

    def __init__(self, ring: Ring, terms: Mapping[Exponents, Fraction] | tuple[()] = ()) -> None:
        """Take exponents, as many as the ring is wide, with their coefficients."""
        super().__init__(terms)
        self.ring = ring

    def add_term(self, e: Exponents, c: Fraction) -> None:
        """Add a term, in place. All that is computed comes by here, where the limits are kept."""
        if total := limit(self.pop(e, 0) + c):
            self[e] = total
        fits = len(self) <= MAX_TERMS and max(e) <= MAX_DEGREE
        require(fits, "a polynomial exceeds the limits of terms or of degrees")

    def __add__(self, other: Polynomial) -> Polynomial:
        """Return the sum."""
        return self.ring.sum((self, other))

    def __sub__(self, other: Polynomial) -> Polynomial:
        """Return the difference."""
        return self + other * -1

    def __mul__(self, other: Polynomial | Fraction | int) -> Polynomial:
        """Return the product, with radicals reduced."""
        charge(2)
        factor = other if isinstance(other, Polynomial) else self.ring.constant(other)
        result = Polynomial(self.ring)
        for e, c in self.items():
            for f, d in factor.items():
                result.add_term(tuple(map(add, e, f)), c * d)
        return result._reduce()

    __rmul__ = __mul__

    def _reduce(self) -> Polynomial:
        radicals = zip(self.ring.indices, self.ring.radicands, strict=True)
        for at, (q, radicand) in enumerate(radicals, self.ring.count):
            if any(e[at] >= q for e in self):
                return self.ring.sum(
                    part * self.ring.units[at] ** (k % q) * radicand ** (k // q)
                    for (k,), part in self.collect(at, at + 1).items()
                )
        return self

    def __pow__(self, k: int) -> Polynomial:
        """Return a power."""
        result = self.ring.constant(1)
        for digit in f"{k:b}":
            result = result * result
            result = result * self if digit == "1" else result
        return result

    def divide(self, other: Polynomial) -> Polynomial | None:
        """Return the quotient where it is a polynomial; the other one is not 0."""
        rest, quotient, lead = Polynomial(self.ring, self), Polynomial(self.ring), max(other)
        while rest:
            charge(len(rest) // 8)
            shift = tuple(map(sub, top := max(rest), lead))
            if min(shift) < 0:
                return None
            c = quotient[shift] = rest[top] / other[lead]
            for e, d in other.items():
                rest.add_term(tuple(map(add, e, shift)), -c * d)
        return quotient

    def insert(self, images: Sequence[Polynomial]) -> Polynomial:
        """Return this with polynomials in the places of the variables; it has no radicals."""
        power = cache(lambda i, k: images[i] ** k)
        return images[0].ring.sum(
            prod((power(i, k) for i, k in enumerate(e) if k), start=images[0].ring.constant(c))
            for e, c in self.items()
        )

    def collect(self, start: int, stop: int) -> dict[Exponents, Polynomial]:
        """Return the factor of every product of the variables and radicals at some places."""
        parts, blank = dict[Exponents, Polynomial](), (0,) * (stop - start)
        for e, c in self.items():
            part = parts.setdefault(e[start:stop], Polynomial(self.ring))
            part[e[:start] + blank + e[stop:]] = c
        return parts

    def parts(self) -> list[tuple[Fraction, Polynomial]]:
        """Return the parts by degree, the largest first; t has the degree of its radicand / q."""
        radicals = zip(self.ring.indices, self.ring.radicands, strict=True)
        degrees = [Fraction(1)] * self.ring.count
        degrees += [Fraction(max(map(sum, u), default=0), q) for q, u in radicals]
        parts: dict[Fraction, Polynomial] = {}
        for e, c in self.items():
            degree = sum(map(mul, e, degrees), Fraction())
            parts.setdefault(degree, Polynomial(self.ring))[e] = c
        return sorted(parts.items(), key=lambda part: -part[0])

    def move(self, ring: Ring) -> Polynomial:
        """Return this in a ring of the same variables; it has no radicals."""
        blank = (0,) * len(ring.indices)
        return Polynomial(ring, {e[: ring.count] + blank: c for e, c in self.items()})

    def places(self) -> set[int]:
        """Return the places of the variables and radicals that occur."""
        return {i for e in self for i, k in enumerate(e) if k}

    def is_plain(self) -> bool:
        """Whether it has no radicals."""
        return max(self.places(), default=0) < self.ring.count

    def has_no_minus(self) -> bool:
        """Whether no coefficient is below 0."""
        return all(c > 0 for c in self.values())


def is_semidefinite(gram: Sequence[Sequence[Fraction]]) -> bool:
    """Whether a symmetric matrix is: no pivot of its elimination is below 0."""
    while gram:
        (pivot, *top), *rest = gram
        if pivot < 0 or (pivot == 0 and any(top)):
            return False
        gram = [
            [limit(c - first * d / pivot) if first else c for c, d in zip(row, top, strict=True)]
            for first, *row in rest
        ]
    return True


def changes_sign(p: Sequence[Fraction]) -> bool:
    """Whether a polynomial, lowest power first, not 0, has a root above 0 of odd order."""
    while not p[0]:
        p = p[1:]
    # Sturm's chain counts the different roots above 0, and its last member is gcd(p, p'), in which
    # their orders are less by 1. So the k-th count is of the roots of order k or more, and with
    # alternating signs the counts add up to the number of roots of odd order.
    odd, sign = 0, 1
    while len(p) > 1:
        chain = [p, [k * c for k, c in enumerate(p)][1:]]
        while rest := _divide(chain[-2], chain[-1]):
            chain.append(rest)
        ends = ([c for each in chain if (c := each[end])] for end in (0, -1))
        at_zero, at_infinity = (sum(c * d < 0 for c, d in pairwise(values)) for values in ends)
        odd, sign, p = odd + sign * (at_zero - at_infinity), -sign, chain[-1]
    return odd > 0


def _divide(p: Sequence[Fraction], q: Sequence[Fraction]) -> list[Fraction]:
    """Return what a division leaves, times a number below 0."""
    rest = list(p)
    while len(rest) >= len(q):
        c = limit(rest.pop() / q[-1])
        for i, d in enumerate(q[:-1], len(rest) + 1 - len(q)):
            rest[i] = limit(rest[i] - c * d)
    while rest and not rest[-1]:
        rest.pop()
    return [-c / abs(rest[-1]) for c in rest]


def find_root(c: Fraction, q: int) -> Fraction:
    """Return the rational root of index q, which must be one, of a number above 0."""
    require(c > 0, "a radicand is below 0")
    roots = [0, 0]
    for i, n in enumerate(c.as_integer_ratio()):
        charge((1 + n.bit_length() // q) * (1 + n.bit_length() // 64))
        for bit in reversed(range(n.bit_length() // q + 1)):
            roots[i] += 2**bit if (roots[i] + 2**bit) ** q <= n else 0
    require(Fraction(*roots) ** q == c, f"a radicand's coefficient is no power {q} of a rational")
    return Fraction(*roots)
