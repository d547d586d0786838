"""Phase C: what is known, what it proves of a polynomial, and the steps of a polynomial goal.

A method that shows something returns nothing, or raises ProofError.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import combinations, permutations
from math import lcm, prod
from operator import mul

from bench.inequalities.checking.exact import (
    Exponents,
    Polynomial,
    ProofError,
    Ring,
    changes_sign,
    charge,
    find_root,
    is_semidefinite,
    require,
)
from bench.inequalities.checking.reading import Data

FREE, NONNEGATIVE, POSITIVE = range(3)
"""What is known of the sign of a variable."""

NONNEG_PROOFS = ("coefficients", "product", "sturm", "variable", "minimum", "orders", "squares")
SIGN_PROOFS = ("visible", "fact", "orthant", "squares")
STRICT_SIGN_PROOFS = ("visible", "homogenised", "fact", "margin", "power", "gap", "above")

BOUNDS = {"upper": -1, "lower": 1, "convex": 1, "above": -1, "below": 1}
"""The sign of what a bounded power of a radical is multiplied by."""


@dataclass(frozen=True)
class PolynomialGoal:
    """What is known, and a polynomial that is to be shown >= 0, or > 0.

    Equalities and facts are None where they cannot be used.
    """

    ring: Ring
    signs: tuple[int, ...]
    equalities: tuple[Polynomial | None, ...]
    facts: tuple[Polynomial | None, ...]
    strict: tuple[bool, ...]
    goal: Polynomial

    def with_radicals(self, radicals: Data) -> PolynomialGoal:
        """Return this with other radicals, whose radicands are proved not negative."""
        given = radicals.items()
        ring = Ring(self.ring.count, [each["index"].whole(2) for each in given])
        ring.radicands += [each["radicand"].plain(ring) for each in given]
        equalities, facts = (
            tuple(p if p is None else p.move(ring) for p in each)
            for each in (self.equalities, self.facts)
        )
        result = replace(self, ring=ring, equalities=equalities, facts=facts)
        for each, radicand in zip(given, ring.radicands, strict=True):
            result.show_sign(radicand, each["nonnegative"], strict=False)
        return result

    # The words.

    def require_orthant(self) -> None:
        """Refuse a variable that may be negative."""
        require(FREE not in self.signs, "not all variables are nonnegative")

    def is_nonnegative(self, p: Polynomial) -> bool:
        """Whether a polynomial is visibly nonnegative."""
        free = [i for i, sign in enumerate(self.signs) if sign == FREE]
        return p.has_no_minus() and not any(e[i] % 2 for e in p for i in free)

    def is_positive(self, p: Polynomial) -> bool:
        """Whether a polynomial is visibly positive."""
        known = [sign == POSITIVE for sign in self.signs]
        known += map(self.is_positive, self.ring.radicands if not p.is_plain() else ())
        shown = any(all(known[i] for i, k in enumerate(e) if k) for e in p)
        return shown and self.is_nonnegative(p)

    def excludes_origin(self) -> bool:
        """Whether the assumptions say that not all variables are 0."""
        origin = (0,) * self.ring.width
        return POSITIVE in self.signs or any(p and origin in p for p in self.equalities)

    def is_positive_off_origin(self, p: Polynomial) -> bool:
        """Whether a polynomial without radicals is positive off the origin."""
        alone = {e.index(max(e)) for e in p if 0 < max(e) == sum(e)}
        covers = len(alone) == len(self.signs) and p.has_no_minus() and FREE not in self.signs
        return self.is_positive(p) or (covers and self.excludes_origin())

    def split(self, p: Polynomial) -> tuple[Polynomial, Polynomial, Fraction, int]:
        """Return A, B, the difference of their degrees, and s, where p is s times A - B."""
        parts = p.parts()
        require(len(parts) == 2, f"found {len(parts)} parts by degree, needed A and B")
        (high, larger), (low, smaller) = parts
        sign = 1 if larger.has_no_minus() else -1
        larger, smaller = larger * sign, smaller * -sign
        require(larger.has_no_minus() and self.is_positive(smaller), "it does not split into A - B")
        return larger, smaller, high - low, sign

    def homogenise(self, p: Polynomial, relation: Polynomial) -> Polynomial:
        """Return a polynomial homogenised by an equality or a fact."""
        (larger, smaller, difference, _), parts = self.split(relation), p.parts()
        times = [(parts[0][0] - degree) / difference for degree, _ in parts]
        require(all(m.denominator == 1 for m in times), f"degrees differ not by {difference} times")
        return self.ring.sum(
            part * larger ** int(m) * smaller ** int(times[-1] - m)
            for m, (_, part) in zip(times, parts, strict=True)
        )

    # Proofs that p >= 0 where all variables are.

    def show_nonnegative(self, p: Polynomial, proof: Data) -> None:
        """Refuse a nonneg-proof that does not show p >= 0."""
        charge(100 + len(p))
        require(p.is_plain(), "the polynomial that is to be shown nonnegative has radicals")
        n, xs, fits = self.ring.count, self.ring.units[: self.ring.count], False
        match proof["by"].word(NONNEG_PROOFS):
            case "coefficients":
                fits = p.has_no_minus()
            case "product":
                c = proof["constant"].rational()
                product = self.ring.constant(c)
                for each in proof["factors"].items():
                    data, power, inner = each.items(3)
                    factor, k = data.plain(self.ring), power.whole(1)
                    if k % 2 or inner.value is not None:
                        self.show_nonnegative(factor, inner)
                    product *= factor**k
                fits = c >= 0 and product == p
            case "sturm":
                i, used = proof["variable"].whole(0, n - 1), p.places()
                fits = used <= {i} or (len(used) == 2 and i in used and len(p.parts()) == 1)
                # In one variable, or in two and homogeneous: no power of x_i comes twice.
                powers = {e[i]: c for e, c in p.items()}
                listed = [powers.get(k, Fraction()) for k in range(max(powers, default=-1) + 1)]
                fits = fits and bool(p) and listed[-1] > 0 and not changes_sign(listed)
            case "variable":
                i = proof["variable"].whole(0, n - 1)
                for (k,), part in p.collect(i, i + 1).items():
                    self.show_nonnegative(part, proof["coefficients"][str(k)])
                fits = True
            case "minimum":
                cyclic = {(e[n - 1], *e[: n - 1], *e[n:]): c for e, c in p.items()} == p
                chosen = [i for i in range(n) if not cyclic or str(i) in proof["cases"].keys()]
                for i in chosen:
                    images = [x if j == i else x + xs[i] for j, x in enumerate(xs)]
                    self.show_nonnegative(p.insert(images), proof["cases"][str(i)])
                fits = bool(chosen)
            case "orders":
                sums = [self.ring.sum(xs[: r + 1]) for r in range(n)]
                for order in permutations(range(n)):
                    case = proof["cases"][",".join(map(str, order))]
                    self.show_nonnegative(p.insert([sums[order.index(i)] for i in range(n)]), case)
                fits = True
            case "squares":
                m = proof["multiplier"].plain(self.ring)
                total = self.add_blocks(proof["blocks"], Polynomial.has_no_minus)
                fits = bool(m) and m.has_no_minus() and m * p == total
        proof.expect(fits, "a proof that the polynomial is >= 0")

    def add_blocks(self, blocks: Data, allows: Callable[[Polynomial], bool]) -> Polynomial:
        """Return a sum of weights times sums of squares."""
        total = list[Polynomial]()
        for block in blocks.items():
            weight = block["weight"].plain(self.ring)
            block["weight"].expect(allows(weight), "one of the weights that are allowed")
            basis = [each.plain(self.ring) for each in block["basis"].items()]
            rows = [row.items(len(basis)) for row in block["gram"].items(len(basis))]
            gram = [[each.rational() for each in row] for row in rows]
            fits = all(gram[j][k] == gram[k][j] for j in range(len(gram)) for k in range(j))
            block["gram"].expect(fits, "a symmetric matrix")
            block["gram"].expect(is_semidefinite(gram), "a semidefinite matrix")
            values = (self.ring.sum(map(mul, basis, row)) for row in gram)
            total.append(weight * self.ring.sum(map(mul, basis, values)))
        return self.ring.sum(total)

    # Proofs that p >= 0, or > 0 where it is to be strict, under the assumptions.

    def show_sign(self, p: Polynomial, proof: Data, *, strict: bool) -> None:
        """Refuse a sign-proof that does not show p >= 0, or p > 0."""
        charge(100 + len(p))
        kind, fits = proof["by"].word(STRICT_SIGN_PROOFS if strict else SIGN_PROOFS), False
        xs = self.ring.units[: self.ring.count]
        if kind in ("margin", "power", "orthant"):
            self.require_orthant()
        match kind:
            case "visible":
                fits = self.is_positive(p) if strict else self.is_nonnegative(p)
            case "fact":
                fits = p == proof["fact"].member(self.facts)
                fits = fits and (self.strict[proof["fact"].value] or not strict)
            case "homogenised":
                p = self.homogenise(p, proof["equality"].member(self.equalities))
                fits = self.is_positive(p)
            case "margin":
                require(self.excludes_origin(), "the assumptions do not exclude the origin")
                if proof["equality"].value is not None:
                    p = self.homogenise(p, proof["equality"].member(self.equalities))
                degrees = [int(degree) for degree, _ in p.parts()] or [0]
                total = self.ring.sum([*xs, self.ring.constant(len(degrees) > 1)])
                margin = total ** degrees[0] * proof["margin"].above_0()
                self.show_nonnegative(p - margin, proof["proof"])
                fits = True
            case "power":
                larger, smaller, _, _ = self.split(proof["equality"].member(self.equalities))
                power, m = larger ** proof["p"].whole(1), proof["m"].whole()
                fits = (
                    not smaller.places()
                    and (20 * p * self.ring.sum(xs) ** m - power).has_no_minus()
                )
            case "gap":
                gap = self.ring.constant(proof["gap"].above_0())
                self.show_squares(p - gap, proof["squares"])
                fits = True
            case "above":
                least = proof["least"].plain(self.ring)
                proof["least"].expect(self.is_positive(least), "a visibly positive polynomial")
                self.show_sign(p - least, proof["proof"], strict=False)
                fits = True
            case "orthant":
                self.show_nonnegative(p, proof["proof"])
                fits = True
            case "squares":
                self.show_squares(p, proof)
                fits = True
        proof.expect(fits, f"a proof that the polynomial is {'>' if strict else '>='} 0")

    def show_squares(self, p: Polynomial, proof: Data) -> None:
        """Refuse squares, with weights and equalities, that do not show p >= 0."""
        require(p.is_plain(), "squares: the polynomial has radicals")
        m, negated = proof["multiplier"].plain(self.ring), proof["negated"].flag()
        fits = self.is_positive(m)
        if not self.equalities and not self.facts:
            fits = bool(m) and self.is_nonnegative(m)
        proof["multiplier"].expect(fits, "a positive polynomial")
        total = [self.add_blocks(proof["blocks"], lambda w: w in self.list_weights(p, negated))]
        for each in proof["equalities"].items():
            j, factor = each.items(2)
            total.append(factor.plain(self.ring) * j.member(self.equalities))
        proof.expect(m * p == self.ring.sum(total), "squares with the polynomial as their sum")

    def list_weights(self, p: Polynomial, negated: bool) -> Iterator[Polynomial]:
        """Yield products of up to three of what is known not to be negative, and with -p."""
        units = zip(self.ring.units, self.signs, strict=False)
        known = [unit for unit, sign in units if sign != FREE]
        known += [fact for fact in self.facts if fact is not None]
        yield (one := self.ring.constant(1))
        yield from (each * p * -1 for each in (one, *known) if negated)
        for size in (1, 2, 3):
            yield from (prod(chosen, start=one) for chosen in combinations(known, size))

    # The steps. Each returns the next goal, or nothing where it shows the goal.

    def read_positive(self, data: Data) -> Polynomial:
        """Return a polynomial that is positive off the origin."""
        p = data.plain(self.ring)
        data.expect(self.is_positive_off_origin(p), "a polynomial that is positive off the origin")
        return p

    def take_interior(self, _: Data) -> PolynomialGoal:
        """Return the goal where no variable is 0: it is continuous, and such points are dense."""
        self.require_orthant()
        require(not self.facts, "there are facts")
        require(len(self.equalities) < 2, "there are equalities, more than one")
        for p in self.equalities:
            require(p is not None, "the equality cannot be used")
            self.split(p or self.ring.constant(0))
        return replace(self, signs=(POSITIVE,) * len(self.signs))

    def take_homogenise(self, step: Data) -> PolynomialGoal:
        """Return the goal homogenised by an equality."""
        equality = step["equality"].member(self.equalities)
        return replace(self, goal=self.homogenise(self.goal, equality))

    def take_homogenise_fact(self, step: Data) -> PolynomialGoal:
        """Return the goal homogenised by an inequality, for which it only gets smaller."""
        self.require_orthant()
        fact = step["fact"].member(self.facts)
        _, smaller, _, sign = self.split(fact)
        require(self.goal.is_plain(), "the goal has radicals")
        step["fact"].expect(not smaller.places(), "a fact with a constant B")
        for degree, part in self.goal.parts()[1:]:
            # A <= B where the fact is B - A, and then the part has to be >= 0; else the reverse.
            self.show_nonnegative(part * -sign, step["parts"][str(degree)])
        return replace(self, goal=self.homogenise(self.goal, fact))

    def take_multiply(self, step: Data) -> PolynomialGoal:
        """Return the goal times a positive polynomial."""
        factor = step["by"].polynomial(self.ring)
        step["by"].expect(self.is_positive(factor), "a visibly positive polynomial")
        return replace(self, goal=self.goal * factor)

    def take_divide(self, step: Data) -> PolynomialGoal:
        """Return the goal divided by a positive polynomial."""
        quotient = self.goal.divide(self.read_positive(step["by"]))
        if quotient is None:
            raise ProofError("the goal is not a multiple of the polynomial")
        return replace(self, goal=quotient)

    def group(self) -> dict[Exponents, Polynomial]:
        """Return the factor of every product of radicals in the goal."""
        return self.goal.collect(self.ring.count, self.ring.width)

    def raise_product(self, product: Exponents, k: int) -> Polynomial:
        """Return the power k of a product of radicals, which must be free of them."""
        result = self.ring.constant(1)
        for e, q, u in zip(product, self.ring.indices, self.ring.radicands, strict=True):
            require(e * k % q == 0, f"power {k} of the product {product} still has a radical")
            result *= u ** (e * k // q)
        return result

    def take_rename(self, step: Data) -> PolynomialGoal:
        """Return the goal with other radicals."""
        new, size = self.with_radicals(step["radicals"]), len(self.ring.indices)
        images = {(0,) * size: new.ring.constant(1)}
        for each in step["images"].items():
            exponents, data = each.items(2)
            product, factor = exponents.exponents(size), data["factor"].plain(new.ring)
            exponents.expect(product not in images, "a product that is not empty, nor comes twice")
            data["factor"].expect(new.is_nonnegative(factor), "a visibly nonnegative polynomial")
            # With no radical in the image, any power will do that leaves none in the product.
            q, p, u, t = lcm(*self.ring.indices), 0, new.ring.constant(1), new.ring.constant(1)
            if data["radical"].value is not None:
                u, i = data["radical"].member(new.ring.radicands), data["radical"].value
                q, t = new.ring.indices[i], new.ring.units[new.ring.count + i]
                p = data["power"].whole(1, q - 1)
            fits = factor**q * u**p == self.raise_product(product, q).move(new.ring)
            data.expect(fits, f"an image with the power {q} of the product")
            images[product] = factor * t**p
        require(self.group().keys() <= images.keys(), "a product in the goal is not listed")
        parts = (part.move(new.ring) * images[e] for e, part in self.group().items())
        return replace(new, goal=new.ring.sum(parts))

    def take_bound(self, step: Data) -> PolynomialGoal:
        """Return the goal with a bound in the place of a radical's power."""
        kind, i = step["kind"].word(BOUNDS), step["radical"].whole(0, len(self.ring.indices) - 1)
        q, u, at = self.ring.indices[i], self.ring.radicands[i], self.ring.count + i
        p, (top, below) = step["power"].whole(1, q - 1), step["by"].items(2)
        n, d = top.plain(self.ring), self.read_positive(below)
        parts, zero = self.goal.collect(at, at + 1), self.ring.constant(0)
        require(parts.keys() <= {(0,), (p,)}, f"the goal has other powers than {p}")
        factor, rest = parts.get((p,), zero), parts.get((0,), zero)
        require(self.is_nonnegative(factor * BOUNDS[kind]), f"{kind} needs another sign of t^{p}")
        match kind:
            case "upper":
                above, under = p * u * d**q + (q - p) * n**q, q * n ** (q - p) * d**p
            case "lower":
                above, under = q * u * n**p * d ** (q - p), (q - p) * u * d**q + p * n**q
            case "convex":
                above = u * d ** (q - p) * ((2 * q - p) * n**q - (q - p) * u * d**q)
                under = q * n ** (2 * q - p)
            case _:
                above, under = n**p, d**p
        if kind in ("above", "below"):
            self.require_orthant()
            top.expect(n.has_no_minus(), "no coefficient below 0")
            self.show_nonnegative((u * d**q - n**q) * BOUNDS[kind], step["proof"])
        else:
            self.read_positive(top)
        return replace(self, goal=factor * above + rest * under)

    def take_raise(self, step: Data) -> PolynomialGoal:
        """Return a power of one side less the same power of the other, without radicals."""
        size, parts, k = len(self.ring.indices), self.group(), step["power"].whole(1)
        larger, smaller = (step[side].exponents(size) for side in ("larger", "smaller"))
        require(len(parts) == 2, "the goal has not two products of radicals")
        require(parts.keys() == {larger, smaller}, "the goal has other products of radicals")
        self.show_sign(parts[larger], step["proof"], strict=False)
        left = parts[larger] ** k * self.raise_product(larger, k)
        right = (parts[smaller] * -1) ** k * self.raise_product(smaller, k)
        return replace(self, goal=left - right)

    def take_power_variables(self, step: Data) -> PolynomialGoal:
        """Return the goal with powers of the variables in their places, which ends all radicals."""
        self.require_orthant()
        k, ring = step["power"].whole(1), Ring(self.ring.count)
        goal = Polynomial(ring)
        for e, c in self.goal.items():
            powers = [Fraction(n * k) for n in e[: ring.count]]
            radicals = zip(e[ring.count :], self.ring.indices, self.ring.radicands, strict=True)
            for f, q, u in radicals:
                require(not f or len(u) == 1, "a radicand is not one term")
                for inner, d in u.items() if f else ():
                    c *= find_root(d, q) ** f
                    powers = [n + Fraction(inner[j] * f * k, q) for j, n in enumerate(powers)]
            require(all(n.denominator == 1 for n in powers), "an exponent is not whole")
            goal.add_term(tuple(map(int, powers)), c)
        return replace(self, ring=ring, equalities=(), facts=(), strict=(), goal=goal)

    def take_orthant(self, step: Data) -> None:
        """Refuse a proof that does not show the goal by the signs alone."""
        self.require_orthant()
        self.show_nonnegative(self.goal, step["proof"])

    def take_squares(self, step: Data) -> None:
        """Refuse squares that do not show the goal under the assumptions."""
        self.show_squares(self.goal, step)

    def take_positive(self, step: Data) -> None:
        """Refuse a proof that does not show the goal to be > 0."""
        fits = self.goal.is_plain() or step["proof"]["by"].value == "visible"
        require(fits, "the goal has radicals, and is not shown to be visibly positive")
        self.show_sign(self.goal, step["proof"], strict=True)
