"""What the checker computes with: rational polynomials, a Sturm sequence, definite matrices.

Everything is exact. Sizes have limits and a check has a budget of work, so that no data keeps it
busy for long.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextvars import ContextVar
from fractions import Fraction
from itertools import pairwise
from math import lcm
from operator import add

from bench.errors import BenchError

MAX_TERMS = 100_000  # of a polynomial
MAX_DEGREE = 10_000  # of a power, in one variable
MAX_BITS = 50_000  # of a coefficient
MAX_WORK = 10**8  # products of two short coefficients, or what takes as long, in one check

Exponents = tuple[int, ...]
Terms = Iterable[tuple[Exponents, Fraction]]


class ProofError(BenchError):
    """A certificate that is no proof of its statement; says which step failed, and on what."""


# What is left of the budget is a context variable: checks may run side by side.
budget = ContextVar("budget", default=MAX_WORK)


def require(holds: bool, message: str) -> None:
    """Raise ProofError with the message unless the condition holds."""
    if not holds:
        raise ProofError(message)


def charge(amount: int, bits: int = 0) -> None:
    """Take work from the budget of this check. Raises ProofError when none is left."""
    require(bits <= MAX_BITS, f"a number exceeds {MAX_BITS} bits")
    budget.set(budget.get() - amount)
    require(budget.get() >= 0, "checking this takes more work than is allowed")


class Ring:
    """Polynomials in variables and then radicals, of which each is a root of a polynomial.

    A radical t of index q is never negative, and t^q is its radicand, in the variables alone.
    """

    def __init__(self, count: int, indices: Sequence[int] = ()) -> None:
        """Set out with radicals whose radicands are still to come."""
        self.count, self.indices, self.width = count, indices, count + len(indices)
        self.radicands: list[Polynomial] = []

    def constant(self, c: Fraction | int) -> Polynomial:
        """Return a constant."""
        return Polynomial(self, {(0,) * self.width: Fraction(c)} if c else {})

    def unit(self, i: int) -> Polynomial:
        """Return the variable or radical at a place."""
        return Polynomial(self, {tuple(int(j == i) for j in range(self.width)): Fraction(1)})

    def gather(self, terms: Terms) -> Polynomial:
        """Return a sum of terms."""
        result = Polynomial(self, {})
        for exponents, c in terms:
            total = result.pop(exponents, 0) + c
            bits = total.numerator.bit_length() + total.denominator.bit_length()
            charge(1 + bits // 64, bits // 2)
            if total:
                result[exponents] = total
        return result


class Polynomial(dict[Exponents, Fraction]):
    """A polynomial as its coefficients, of which none is 0; products have radicals reduced."""

    def __init__(self, ring: Ring, terms: Terms | dict[Exponents, Fraction]) -> None:
        """Take terms with different exponents, as long as the ring is wide."""
        super().__init__(terms)
        self.ring = ring

    def __add__(self, other: Polynomial) -> Polynomial:
        """Return the sum."""
        return self.ring.gather([*self.items(), *other.items()])

    def __sub__(self, other: Polynomial) -> Polynomial:
        """Return the difference."""
        return self + other * -1

    def __mul__(self, other: Polynomial | Fraction | int) -> Polynomial:
        """Return the product, with radicals reduced."""
        if not isinstance(other, Polynomial):
            return self.ring.gather((exponents, c * other) for exponents, c in self.items())
        (over_p, whole_p, bits_p), (over_q, whole_q, bits_q) = self._scale(), other._scale()
        over, bits = over_p * over_q, bits_p + bits_q
        charge(20 + len(self) * len(other) * (1 + bits // 256), bits)
        result: dict[Exponents, int] = {}
        for e, c in whole_p.items():
            for f, d in whole_q.items():
                exponents = tuple(map(add, e, f))
                result[exponents] = result.get(exponents, 0) + c * d
            require(len(result) <= MAX_TERMS, f"a polynomial exceeds {MAX_TERMS} terms")
        charge(len(result) * (1 + over.bit_length() // 64))
        product = {exponents: Fraction(c, over) for exponents, c in result.items() if c}
        return Polynomial(self.ring, product)._reduce()

    __rmul__ = __mul__

    def __pow__(self, k: int) -> Polynomial:
        """Return a power."""
        degree = k * max((max(exponents) for exponents in self), default=0)
        require(degree <= MAX_DEGREE, f"an exponent exceeds {MAX_DEGREE}")
        result = self.ring.constant(1)
        for digit in f"{k:b}":
            result = result * result
            result = result * self if digit == "1" else result
        return result

    def _scale(self) -> tuple[int, dict[Exponents, int], int]:
        """Return a common denominator, this times that, and the bits of its coefficients."""
        over = _find_denominator(self.values())
        whole = {e: c.numerator * (over // c.denominator) for e, c in self.items()}
        return over, whole, max((c.bit_length() for c in whole.values()), default=0)

    def _reduce(self) -> Polynomial:
        result = self
        for i, (index, radicand) in enumerate(
            zip(self.ring.indices, self.ring.radicands, strict=True)
        ):
            at, by_times = self.ring.count + i, dict[int, Polynomial]()
            for e, c in result.items():
                times, left = divmod(e[at], index)
                part = by_times.setdefault(times, Polynomial(self.ring, {}))
                part[(*e[:at], left, *e[at + 1 :])] = c
            result = by_times.pop(0, Polynomial(self.ring, {}))
            for times, part in by_times.items():
                result = result + part * radicand**times
        return result

    def divide(self, other: Polynomial) -> Polynomial | None:
        """Return the quotient where it is a polynomial; the other one is not 0."""
        lead, rest = max(other), Polynomial(self.ring, self)
        quotient = Polynomial(self.ring, {})
        while rest:
            top = max(rest)
            shift = tuple(k - j for k, j in zip(top, lead, strict=True))
            if min(shift) < 0:
                return None
            c = quotient[shift] = rest[top] / other[lead]
            charge(len(rest) // 8)
            taken = {tuple(map(add, exponents, shift)): -c * d for exponents, d in other.items()}
            met = [(exponents, rest.pop(exponents)) for exponents in taken if exponents in rest]
            rest.update(self.ring.gather([*met, *taken.items()]))
        return quotient

    def insert(self, images: Sequence[Polynomial]) -> Polynomial:
        """Return this with polynomials in the places of the variables; it has no radicals."""
        ring = images[0].ring
        powers = [[ring.constant(1)] for _ in images]
        terms: list[tuple[Exponents, Fraction]] = []
        for exponents, c in self.items():
            require(max(exponents) <= MAX_DEGREE, f"an exponent exceeds {MAX_DEGREE}")
            product = ring.constant(c)
            for k, image, known in zip(exponents, images, powers, strict=False):
                while len(known) <= k:
                    known.append(known[-1] * image)
                product = product * known[k] if k else product
            terms += product.items()
            require(len(terms) <= 10 * MAX_TERMS, f"a sum exceeds {10 * MAX_TERMS} terms")
        return ring.gather(terms)

    def move(self, ring: Ring) -> Polynomial:
        """Return this in a ring of the same variables; it has no radicals."""
        blank = (0,) * len(ring.indices)
        return Polynomial(ring, ((e[: ring.count] + blank, c) for e, c in self.items()))

    def is_plain(self) -> bool:
        """Whether it has no radicals."""
        return not any(any(exponents[self.ring.count :]) for exponents in self)

    def is_constant(self) -> bool:
        """Whether it has neither variables nor radicals."""
        return not any(map(any, self))

    def has_no_minus(self) -> bool:
        """Whether no coefficient is below 0."""
        return all(c > 0 for c in self.values())


def _find_denominator(values: Iterable[Fraction]) -> int:
    over = 1
    for c in values:
        over = lcm(over, c.denominator)
        charge(0, over.bit_length())
    return over


def is_semidefinite(gram: Sequence[Sequence[Fraction]]) -> bool:
    """Whether a symmetric matrix is: no pivot of a fraction-free elimination is below 0."""
    over = _find_denominator(c for row in gram for c in row)
    rows, last = [[int(c * over) for c in row] for row in gram], 1
    for k in range(len(rows)):
        pivot, below = rows[k][k], range(k + 1, len(rows))
        if pivot < 0 or (pivot == 0 and any(rows[k][k + 1 :])):
            return False
        # Python divides in quadratic time.
        charge(len(below) ** 2 * (1 + (pivot.bit_length() // 640) ** 2))
        for i in below if pivot else ():
            for j in range(i, len(rows)):
                rows[i][j] = (pivot * rows[i][j] - rows[k][i] * rows[k][j]) // last
        last = pivot or last
    return True


def changes_sign(p: list[Fraction]) -> bool:
    """Whether a polynomial has a root above 0 of odd order; lowest power first, the last not 0."""
    while not p[0]:
        p = p[1:]
    # Roots of even order in p are those of odd order in gcd(p, p'), and p / gcd(p, p') has every
    # root once: odd(p) = p / gcd(p, p') / odd(gcd(p, p')).
    simple = []
    while len(p) > 1:
        common, other = p, _derive(p)
        while other:
            common, other = other, _divide(common, other)[1]
        simple.append(_divide(p, common)[0])
        p = common
    odd = [Fraction(1)]
    for each in reversed(simple):
        odd = _divide(each, odd)[0]
    chain = [odd, _derive(odd)]
    while chain[-1]:
        chain.append([-c for c in _divide(chain[-2], chain[-1])[1]])
    # Sturm: the roots above 0 are the changes of sign at 0 less those at infinity.
    ends = [[c for each in chain[:-1] if (c := each[end])] for end in (0, -1)]
    at_zero, at_infinity = (sum(c * d < 0 for c, d in pairwise(values)) for values in ends)
    return at_zero != at_infinity


def _derive(p: Sequence[Fraction]) -> list[Fraction]:
    return [k * c for k, c in enumerate(p)][1:]


def _divide(p: Sequence[Fraction], q: Sequence[Fraction]) -> tuple[list[Fraction], list[Fraction]]:
    """Return the quotient, and the remainder up to a factor above 0."""
    rest, quotient = list(p), [Fraction()] * max(len(p) - len(q) + 1, 0)
    for shift in reversed(range(len(quotient))):
        c = quotient[shift] = rest[shift + len(q) - 1] / q[-1]
        bits = c.numerator.bit_length() + c.denominator.bit_length()
        charge(10 + len(q) * (1 + bits // 32), bits // 2)
        for i, d in enumerate(q, shift):
            rest[i] -= c * d
    while rest and not rest[-1]:
        rest.pop()
    return quotient, [c / abs(rest[-1]) for c in rest]
