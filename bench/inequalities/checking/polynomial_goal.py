"""Phase C of a proof: a step makes a polynomial goal another one, or closes the proof."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from math import lcm
from typing import Any

from bench.inequalities.checking.assumptions import Assumptions
from bench.inequalities.checking.data import (
    choose,
    get,
    pick,
    read_integer,
    read_list,
    read_numbered,
    read_plain,
    read_polynomial,
)
from bench.inequalities.checking.exact import (
    MAX_DEGREE,
    Exponents,
    Polynomial,
    ProofError,
    Ring,
    charge,
    require,
)


@dataclass(frozen=True)
class PolynomialGoal:
    """What is known, and the goal, a polynomial to be shown not negative."""

    known: Assumptions
    goal: Polynomial

    @property
    def ring(self) -> Ring:
        """Return the ring of the goal."""
        return self.known.ring

    def homogenise(self, step: Any) -> PolynomialGoal:
        """Return the goal homogenised by an equality."""
        return replace(self, goal=self.known.homogenise(self.goal, get(step, "equality")))

    def homogenise_fact(self, step: Any) -> PolynomialGoal:
        """Return the goal homogenised by an inequality, for which it only gets smaller."""
        self.known.require_orthant()
        split = self.known.split(pick(get(step, "fact"), self.known.facts))
        fits = self.goal.is_plain() and split.smaller.is_constant()
        require(fits, "the goal has radicals, or B is not constant")
        lower, proofs = self.known.part(self.goal)[1:], read_numbered(get(step, "parts"))
        fits = proofs.keys() == {degree for degree, _ in lower}
        require(fits, "`parts` has not just the degrees below the largest")
        for degree, part in lower:
            # A <= B where the fact is B - A, and then the part has to be >= 0; else the reverse.
            self.known.show_nonnegative(part * -split.sign, proofs[int(degree)])
        return replace(self, goal=self.known.lift(self.goal, split))

    def multiply(self, step: Any) -> PolynomialGoal:
        """Return the goal times a positive polynomial."""
        factor = read_polynomial(get(step, "by"), self.ring)
        require(self.known.is_positive(factor), "the factor is not visibly positive")
        return replace(self, goal=self.goal * factor)

    def divide(self, step: Any) -> PolynomialGoal:
        """Return the goal divided by a positive polynomial."""
        divisor = read_plain(get(step, "by"), self.ring)
        fits = self.known.is_positive_off_origin(divisor)
        require(fits, "the divisor is not positive off the origin")
        quotient = self.goal.divide(divisor)
        if quotient is None:
            raise ProofError("the goal is not a multiple of the polynomial")
        return replace(self, goal=quotient)

    def _merge(self, exponents: Sequence[int], k: int) -> Polynomial:
        """Return the power k of a product of radicals, which must be free of them."""
        result = self.ring.constant(1)
        radicals = zip(self.ring.indices, self.ring.radicands, exponents, strict=True)
        for index, radicand, e in radicals:
            fits = e * k % index == 0
            require(fits, f"power {k} of the product {exponents} still has a radical")
            result *= radicand ** (e * k // index)
        return result

    def _group(self) -> dict[Exponents, Polynomial]:
        """Return the factor of every product of radicals in the goal."""
        parts: dict[Exponents, Polynomial] = {}
        for e, c in self.goal.items():
            part = parts.setdefault(e[self.ring.count :], Polynomial(self.ring, {}))
            part[e[: self.ring.count] + (0,) * len(self.ring.indices)] = c
        return parts

    def rename(self, step: Any) -> PolynomialGoal:
        """Return the goal with other radicals."""
        known, old = self.known.with_radicals(get(step, "radicals")), self.ring.indices
        images = {(0,) * len(old): known.ring.constant(1)}
        for each in read_list(get(step, "images")):
            exponents, data = read_list(each, 2)
            product = tuple(read_integer(k) for k in read_list(exponents, len(old)))
            require(product not in images, f"the product {product} is empty, or comes twice")
            image = factor = read_plain(get(data, "factor"), known.ring)
            fits = known.is_nonnegative(factor)
            require(fits, f"{product}: the factor is not visibly nonnegative")
            # With no radical in the image, any power will do that leaves none in the product.
            q, radicand = lcm(*old), known.ring.constant(1)
            if (i := get(data, "radical")) is not None:
                radicand, q = pick(i, known.ring.radicands), known.ring.indices[i]
                p = read_integer(get(data, "power"), 1, q - 1)
                radicand, image = radicand**p, factor * known.ring.unit(known.ring.count + i) ** p
            fits = factor**q * radicand == self._merge(product, q).move(known.ring)
            require(fits, f"{product}: the image has another power {q}")
            images[product] = image
        goal = Polynomial(known.ring, {})
        for product, part in self._group().items():
            require(product in images, f"the product {product} is not listed")
            goal += part.move(known.ring) * images[product]
        return PolynomialGoal(known, goal)

    def bound(self, step: Any) -> PolynomialGoal:
        """Return the goal with a bound in the place of a radical's power."""
        i = read_integer(get(step, "radical"), 0, len(self.ring.indices) - 1)
        kind = get(step, "kind")
        at, q, u = self.ring.count + i, self.ring.indices[i], self.ring.radicands[i]
        p, sign = read_integer(get(step, "power"), 1, q - 1), choose(BOUNDS, kind)
        n, d = (read_plain(each, self.ring) for each in read_list(get(step, "by"), 2))
        fits = self.known.is_positive_off_origin(d)
        require(fits, "the bound's denominator is not positive off the origin")
        require({e[at] for e in self.goal} <= {0, p}, f"the goal has other powers than {p}")
        inner = {(*e[:at], 0, *e[at + 1 :]): c for e, c in self.goal.items() if e[at]}
        factor = Polynomial(self.ring, inner)
        rest = Polynomial(self.ring, {e: c for e, c in self.goal.items() if not e[at]})
        fits = self.known.is_nonnegative(factor * sign)
        require(fits, f"the radical's factor has not the sign that {kind} needs")
        if kind in ("above", "below"):
            self.known.require_orthant()
            require(n.has_no_minus(), "the bound's numerator has a coefficient below 0")
            self.known.show_nonnegative((u * d**q - n**q) * sign, get(step, "proof"))
            top, under = n**p, d**p
        else:
            fits = self.known.is_positive_off_origin(n)
            require(fits, "the bound's numerator is not positive off the origin")
        if kind == "upper":
            top = p * u * d**q + (q - p) * n**q
            under = q * n ** (q - p) * d**p
        if kind == "lower":
            top = q * u * n**p * d ** (q - p)
            under = (q - p) * u * d**q + p * n**q
        if kind == "convex":
            top = u * d ** (q - p) * ((2 * q - p) * n**q - (q - p) * u * d**q)
            under = q * n ** (2 * q - p)
        return replace(self, goal=factor * top + rest * under)

    def raise_sides(self, step: Any) -> PolynomialGoal:
        """Return a power of one side less the same power of the other, without radicals."""
        size = len(self.ring.indices)
        larger, smaller = (
            tuple(read_integer(e) for e in read_list(get(step, side), size))
            for side in ("larger", "smaller")
        )
        parts, k = self._group(), read_integer(get(step, "power"), 1)
        fits = larger != smaller and parts.keys() == {larger, smaller}
        require(fits, f"the goal has not just the products {larger} and {smaller}")
        self.known.show_sign(parts[larger], get(step, "proof"), strict=False)
        left = parts[larger] ** k * self._merge(larger, k)
        return replace(self, goal=left - (parts[smaller] * -1) ** k * self._merge(smaller, k))

    def insert_powers(self, step: Any) -> PolynomialGoal:
        """Return the goal with powers of the variables in their places, which ends all radicals."""
        self.known.require_orthant()
        k, ring = read_integer(get(step, "power"), 1), Ring(self.ring.count)
        terms: list[tuple[Exponents, Fraction]] = []
        for e, c in self.goal.items():
            powers = [Fraction(j * k) for j in e[: ring.count]]
            for i, f in enumerate(e[ring.count :]):
                if f:
                    index, radicand = self.ring.indices[i], self.ring.radicands[i]
                    require(len(radicand) == 1, f"radicand {i} is not one term")
                    ((inner, power),) = radicand.items()
                    c *= _find_root(power, index) ** f
                    inner = inner[: ring.count]
                    pairs = zip(powers, inner, strict=True)
                    powers = [old + Fraction(j * f * k, index) for old, j in pairs]
            whole = all(power.denominator == 1 for power in powers)
            require(whole, f"power {k} leaves an exponent that is not whole")
            require(max(powers) <= MAX_DEGREE, f"an exponent exceeds {MAX_DEGREE}")
            terms.append((tuple(map(int, powers)), c))
        return PolynomialGoal(Assumptions(ring, self.known.signs, (), (), ()), ring.gather(terms))

    def close_in_orthant(self, step: Any) -> None:
        """Refuse a proof that does not show the goal by the signs alone."""
        self.known.require_orthant()
        self.known.show_nonnegative(self.goal, get(step, "proof"))

    def close_by_squares(self, step: Any) -> None:
        """Refuse squares that do not show the goal under the assumptions."""
        self.known.show_squares(self.goal, step)


BOUNDS = {"upper": -1, "lower": 1, "convex": 1, "above": -1, "below": 1}
"""The sign of what a bounded power of a radical is multiplied by."""


def _find_root(c: Fraction, q: int) -> Fraction:
    """Return the rational root of index q, which must be one, of a number above 0."""
    require(c > 0, "a radicand is below 0")
    parts = []
    for n in (c.numerator, c.denominator):
        charge((1 + n.bit_length() // q) * (1 + n.bit_length() // 64))
        root = 0
        for bit in reversed(range(n.bit_length() // q + 1)):
            root |= (1 << bit) if (root | (1 << bit)) ** q <= n else 0
        require(root**q == n, f"a radicand's coefficient is no power {q} of a rational")
        parts.append(root)
    return Fraction(*parts)
