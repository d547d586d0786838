"""Decides proofs that a polynomial is not negative, or positive, under what is known.

The first half is the words of `FORMAT.md` that phase C uses, such as "visibly positive"; the second
half is its two kinds of proof. A method that shows something returns nothing, or raises ProofError.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from enum import IntEnum
from fractions import Fraction
from itertools import combinations, permutations
from math import factorial
from typing import Any

from bench.inequalities.checking.data import (
    choose,
    get,
    pick,
    read_flag,
    read_integer,
    read_list,
    read_numbered,
    read_plain,
    read_rational,
)
from bench.inequalities.checking.exact import (
    MAX_DEGREE,
    Polynomial,
    Ring,
    changes_sign,
    charge,
    is_semidefinite,
    require,
)


class Sign(IntEnum):
    """What is known of a variable."""

    FREE = 0
    NONNEGATIVE = 1
    POSITIVE = 2


@dataclass(frozen=True)
class Split:
    """A difference A - B as the format wants it for homogenising."""

    larger: Polynomial
    """A, the part of the larger degree."""
    smaller: Polynomial
    """B, which is visibly positive."""
    difference: int
    """Of their degrees."""
    sign: int
    """1 where A - B was given, -1 where it was B - A."""


@dataclass(frozen=True)
class Assumptions:
    """What is known in phase C; facts and equalities are None where they cannot be used."""

    ring: Ring
    signs: tuple[Sign, ...]
    equalities: tuple[Polynomial | None, ...]
    facts: tuple[Polynomial | None, ...]
    strict: tuple[bool, ...]

    def with_radicals(self, data: Any) -> Assumptions:
        """Return this with other radicals, whose radicands are proved not negative."""
        given = read_list(data)
        ring = Ring(len(self.signs), [read_integer(get(each, "index"), 2) for each in given])
        radicands = [read_plain(get(each, "radicand"), ring) for each in given]
        ring.radicands += radicands
        equalities = tuple(p if p is None else p.move(ring) for p in self.equalities)
        facts = tuple(p if p is None else p.move(ring) for p in self.facts)
        result = replace(self, ring=ring, equalities=equalities, facts=facts)
        for each, radicand in zip(given, radicands, strict=True):
            result.show_sign(radicand, get(each, "nonnegative"), strict=False)
        return result

    # The words.

    def require_orthant(self) -> None:
        """Refuse a variable that may be negative."""
        require(Sign.FREE not in self.signs, "not all variables are nonnegative")

    def is_nonnegative(self, p: Polynomial) -> bool:
        """Whether a polynomial is visibly nonnegative."""
        free = [i for i, sign in enumerate(self.signs) if sign is Sign.FREE]
        return p.has_no_minus() and not any(e[i] % 2 for e in p for i in free)

    def is_positive(self, p: Polynomial) -> bool:
        """Whether a polynomial is visibly positive."""
        known = [sign is Sign.POSITIVE for sign in self.signs]
        for radicand in self.ring.radicands if not p.is_plain() else ():
            known.append(self.is_positive(radicand))
        shown = any(all(known[i] for i, k in enumerate(e) if k) for e in p)
        return shown and self.is_nonnegative(p)

    def excludes_origin(self) -> bool:
        """Whether the assumptions say that not all variables are 0."""
        origin = (0,) * self.ring.width
        return Sign.POSITIVE in self.signs or any(p and origin in p for p in self.equalities)

    def is_positive_off_origin(self, p: Polynomial) -> bool:
        """Whether a polynomial is positive off the origin."""
        alone = {e.index(max(e)) for e in p if 0 < max(e) == sum(e)}
        covers = len(alone) == len(self.signs) and p.has_no_minus() and Sign.FREE not in self.signs
        return p.is_plain() and (self.is_positive(p) or (covers and self.excludes_origin()))

    def part(self, p: Polynomial) -> list[tuple[Fraction, Polynomial]]:
        """Return the parts of a polynomial by degree, the largest first."""
        degrees = [Fraction(1) for _ in self.signs]
        for index, radicand in zip(self.ring.indices, self.ring.radicands, strict=True):
            degrees.append(Fraction(max(map(sum, radicand), default=0), index))
        parts: dict[Fraction, Polynomial] = {}
        for e, c in p.items():
            degree = sum((k * d for k, d in zip(e, degrees, strict=True) if k), Fraction())
            parts.setdefault(degree, Polynomial(self.ring, {}))[e] = c
        return sorted(parts.items(), key=lambda part: -part[0])

    def split(self, p: Polynomial) -> Split:
        """Return an equality or a fact as A - B, up to sign."""
        parts = self.part(p)
        require(len(parts) == 2, f"found {len(parts)} parts by degree, needed A and B")
        (high, larger), (low, smaller) = parts
        sign = 1 if larger.has_no_minus() else -1
        result = Split(larger * sign, smaller * -sign, int(high - low), sign)
        fits = result.larger.has_no_minus() and self.is_positive(result.smaller)
        require(fits, "it does not split into A - B with signs as needed")
        return result

    def lift(self, p: Polynomial, split: Split) -> Polynomial:
        """Return a polynomial homogenised by A and B."""
        parts = self.part(p)
        if len(parts) < 2:
            return p
        times = [(parts[0][0] - degree) / split.difference for degree, _ in parts]
        fits = all(m.denominator == 1 for m in times)
        require(fits, f"degrees do not differ by multiples of {split.difference}")
        result = Polynomial(self.ring, {})
        for m, (_, part) in zip(map(int, times), parts, strict=True):
            result += part * split.larger**m * split.smaller ** (int(times[-1]) - m)
        return result

    def homogenise(self, p: Polynomial, j: Any) -> Polynomial:
        """Return a polynomial homogenised by equality j."""
        return self.lift(p, self.split(pick(j, self.equalities)))

    # Proofs that p >= 0 where all variables are.

    def show_nonnegative(self, p: Polynomial, proof: Any) -> None:
        """Refuse a nonneg-proof that does not show p >= 0."""
        charge(100 + len(p))
        kind = get(proof, "by")
        require(p.is_plain(), "the polynomial that is to be shown nonnegative has radicals")
        choose(NONNEGATIVE, kind)(self, p, proof)

    def _show_by_coefficients(self, p: Polynomial, proof: Any) -> None:
        require(p.has_no_minus(), "coefficients: one is below 0")

    def _show_by_product(self, p: Polynomial, proof: Any) -> None:
        c = read_rational(get(proof, "constant"))
        require(c >= 0, "product: the constant is below 0")
        result = self.ring.constant(c)
        for each in read_list(get(proof, "factors")):
            data, k, inner = read_list(each, 3)
            factor = read_plain(data, self.ring)
            result *= factor ** read_integer(k, 1)
            if k % 2 or inner is not None:
                self.show_nonnegative(factor, inner)
        require(result == p, "product: the factors have another product")

    def _show_by_sturm(self, p: Polynomial, proof: Any) -> None:
        i = read_integer(get(proof, "variable"), 0, len(self.signs) - 1)
        used = {j for e in p for j, k in enumerate(e) if k}
        fits = used <= {i} or (len(used) == 2 and i in used and len(self.part(p)) == 1)
        require(fits and bool(p), "sturm: it is 0, or has other variables, or is not homogeneous")
        # In one variable, or in two and homogeneous: no two terms have the same power of x_i.
        dense = {e[i]: c for e, c in p.items()}
        require(max(dense) <= MAX_DEGREE, f"sturm: an exponent exceeds {MAX_DEGREE}")
        listed = [dense.get(k, Fraction()) for k in range(max(dense) + 1)]
        require(
            listed[-1] > 0 and not changes_sign(listed), "sturm: it changes sign or ends below 0"
        )

    def _show_by_variable(self, p: Polynomial, proof: Any) -> None:
        i = read_integer(get(proof, "variable"), 0, len(self.signs) - 1)
        parts: dict[int, Polynomial] = {}
        for e, c in p.items():
            part = parts.setdefault(e[i], Polynomial(self.ring, {}))
            part[(*e[:i], 0, *e[i + 1 :])] = c
        proofs = read_numbered(get(proof, "coefficients"))
        require(proofs.keys() == parts.keys(), "variable: found no proof for just each power")
        for k, part in parts.items():
            self.show_nonnegative(part, proofs[k])

    def _show_by_minimum(self, p: Polynomial, proof: Any) -> None:
        proofs, count = read_numbered(get(proof, "cases")), len(self.signs)
        cyclic = {(e[count - 1], *e[: count - 1], *e[count:]): c for e, c in p.items()} == p
        fits = proofs.keys() <= set(range(count)) and len(proofs) >= (1 if cyclic else count)
        require(fits, "minimum: cases are missing, or for no variable")
        units = [self.ring.unit(i) for i in range(count)]
        for i, case in proofs.items():
            images = [unit if j == i else unit + units[i] for j, unit in enumerate(units)]
            self.show_nonnegative(p.insert(images), case)

    def _show_by_orders(self, p: Polynomial, proof: Any) -> None:
        proofs, count = get(proof, "cases"), len(self.signs)
        fits = isinstance(proofs, Mapping) and len(proofs) == factorial(count)
        require(fits, "orders: found no case for just each order")
        for order in permutations(range(count)):
            images, total = [self.ring.constant(0)] * count, self.ring.constant(0)
            for r, i in enumerate(order):
                images[i] = total = total + self.ring.unit(r)
            self.show_nonnegative(p.insert(images), get(proofs, ",".join(map(str, order))))

    def _show_by_multiplied_squares(self, p: Polynomial, proof: Any) -> None:
        multiplier = read_plain(get(proof, "multiplier"), self.ring)
        fits = multiplier and multiplier.has_no_minus()
        require(bool(fits), "squares: the multiplier is 0 or has a coefficient below 0")
        blocks = self._add_blocks(get(proof, "blocks"), Polynomial.has_no_minus)
        require(multiplier * p == blocks, "squares: the blocks have another sum")

    def _add_blocks(self, data: Any, allows: Callable[[Polynomial], bool]) -> Polynomial:
        """Return a sum of weights times sums of squares."""
        result = Polynomial(self.ring, {})
        for i, block in enumerate(read_list(data)):
            weight = read_plain(get(block, "weight"), self.ring)
            require(allows(weight), f"squares: the weight of block {i} is not one of those allowed")
            basis = [read_plain(p, self.ring) for p in read_list(get(block, "basis"))]
            rows = [read_list(r, len(basis)) for r in read_list(get(block, "gram"), len(basis))]
            gram = [[read_rational(c) for c in row] for row in rows]
            symmetric = all(gram[j][k] == gram[k][j] for j, k in combinations(range(len(gram)), 2))
            require(symmetric, f"squares: the matrix of block {i} is not symmetric")
            require(is_semidefinite(gram), f"squares: the matrix of block {i} is not semidefinite")
            total = Polynomial(self.ring, {})
            for p, row in zip(basis, gram, strict=True):
                scaled = zip(row, basis, strict=True)
                total += p * self.ring.gather((e, c * x) for x, q in scaled for e, c in q.items())
            result += weight * total
        return result

    # Proofs that p > 0 or p >= 0 under the assumptions.

    def show_sign(self, p: Polynomial, proof: Any, *, strict: bool) -> None:
        """Refuse a sign-proof that does not show p > 0 where it is to be strict, else p >= 0."""
        charge(100 + len(p))
        choose(POSITIVE if strict else AT_LEAST_0, get(proof, "by"))(self, p, proof)

    def _show_positive_visibly(self, p: Polynomial, proof: Any) -> None:
        require(self.is_positive(p), "visible: it is not visibly positive")

    def _show_visibly(self, p: Polynomial, proof: Any) -> None:
        require(self.is_nonnegative(p), "visible: it is not visibly nonnegative")

    def _show_by_strict_fact(self, p: Polynomial, proof: Any) -> None:
        self._show_by_fact(p, proof)
        require(self.strict[get(proof, "fact")], "fact: it is not strict")

    def _show_by_fact(self, p: Polynomial, proof: Any) -> None:
        require(pick(get(proof, "fact"), self.facts) == p, "fact: it is about another polynomial")

    def _show_homogenised(self, p: Polynomial, proof: Any) -> None:
        fits = self.is_positive(self.homogenise(p, get(proof, "equality")))
        require(fits, "homogenised: it is not visibly positive")

    def _show_by_margin(self, p: Polynomial, proof: Any) -> None:
        self.require_orthant()
        require(self.excludes_origin(), "margin: the assumptions do not exclude the origin")
        margin, j = read_rational(get(proof, "margin"), positive=True), get(proof, "equality")
        p = p if j is None else self.homogenise(p, j)
        require(p.is_plain(), "margin: the polynomial has radicals")
        parts = self.part(p)
        total = self._sum_variables() + self.ring.constant(int(len(parts) > 1))
        degree = int(parts[0][0]) if parts else 0
        self.show_nonnegative(p - total**degree * margin, get(proof, "proof"))

    def _show_by_power(self, p: Polynomial, proof: Any) -> None:
        self.require_orthant()
        split = self.split(pick(get(proof, "equality"), self.equalities))
        require(split.smaller.is_constant(), "power: B is not constant")
        total = self._sum_variables() ** read_integer(get(proof, "m"))
        power = split.larger ** read_integer(get(proof, "p"), 1)
        require((20 * p * total - power).has_no_minus(), "power: a coefficient is below 0")

    def _sum_variables(self) -> Polynomial:
        units = (self.ring.unit(i) for i in range(len(self.signs)))
        return self.ring.gather(term for unit in units for term in unit.items())

    def _show_by_gap(self, p: Polynomial, proof: Any) -> None:
        gap = read_rational(get(proof, "gap"), positive=True)
        self.show_squares(p - self.ring.constant(gap), get(proof, "squares"))

    def _show_in_orthant(self, p: Polynomial, proof: Any) -> None:
        self.require_orthant()
        self.show_nonnegative(p, get(proof, "proof"))

    def show_squares(self, p: Polynomial, proof: Any) -> None:
        """Refuse squares, with weights and equalities, that do not show p >= 0."""
        require(p.is_plain(), "squares: the polynomial has radicals")
        one, multiplier = self.ring.constant(1), read_plain(get(proof, "multiplier"), self.ring)
        fits = self.is_positive(multiplier)
        if not self.equalities and not self.facts:
            fits = bool(multiplier) and self.is_nonnegative(multiplier)
        require(fits, "squares: the multiplier is not positive")
        negated, weights = read_flag(get(proof, "negated")), list[Polynomial]()

        def allows(weight: Polynomial) -> bool:
            if weight != one and not weights:
                weights.extend(self._list_weights(p if negated else None))
            return weight == one or weight in weights

        total = self._add_blocks(get(proof, "blocks"), allows)
        for each in read_list(get(proof, "equalities")):
            j, factor = read_list(each, 2)
            total += read_plain(factor, self.ring) * pick(j, self.equalities)
        require(multiplier * p == total, "squares: the sum is not what it has to be")

    def _list_weights(self, negated: Polynomial | None) -> list[Polynomial]:
        """Return what is >= 0: products of up to three of what is known to be, and with -F."""
        known = [self.ring.unit(i) for i, sign in enumerate(self.signs) if sign is not Sign.FREE]
        known += [fact for fact in self.facts if fact is not None]
        products: dict[tuple[int, ...], Polynomial] = {(): self.ring.constant(1)}
        for size in (1, 2, 3):
            for chosen in combinations(range(len(known)), size):
                products[chosen] = products[chosen[:-1]] * known[chosen[-1]]
        single = [product for chosen, product in products.items() if len(chosen) < 2]
        with_negated = [] if negated is None else [negated * -1 * each for each in single]
        return [*products.values(), *with_negated]


Rule = Callable[[Assumptions, Polynomial, Any], None]

NONNEGATIVE: Mapping[str, Rule] = {
    "coefficients": Assumptions._show_by_coefficients,
    "product": Assumptions._show_by_product,
    "sturm": Assumptions._show_by_sturm,
    "variable": Assumptions._show_by_variable,
    "minimum": Assumptions._show_by_minimum,
    "orders": Assumptions._show_by_orders,
    "squares": Assumptions._show_by_multiplied_squares,
}
"""The nonneg-proofs."""

POSITIVE: Mapping[str, Rule] = {
    "visible": Assumptions._show_positive_visibly,
    "homogenised": Assumptions._show_homogenised,
    "fact": Assumptions._show_by_strict_fact,
    "margin": Assumptions._show_by_margin,
    "power": Assumptions._show_by_power,
    "gap": Assumptions._show_by_gap,
}
"""The sign-proofs that something is > 0."""

AT_LEAST_0: Mapping[str, Rule] = {
    "visible": Assumptions._show_visibly,
    "fact": Assumptions._show_by_fact,
    "orthant": Assumptions._show_in_orthant,
    "squares": Assumptions.show_squares,
}
"""The sign-proofs that something is >= 0."""
