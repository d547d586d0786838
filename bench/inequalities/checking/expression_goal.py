"""Phase A of a proof: the goal is a difference of expressions, until it is cleared."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from itertools import permutations
from math import prod
from reprlib import repr as show

from bench.inequalities.checking.exact import Polynomial, ProofError, Ring, require
from bench.inequalities.checking.polynomial_goal import FREE, NONNEGATIVE, POSITIVE, PolynomialGoal
from bench.inequalities.checking.reading import (
    Data,
    Expression,
    Fractions,
    find_variables,
    raise_power,
    substitute,
    subtract,
)

Lemma = tuple[str, "ExpressionGoal", Data]
"""What it is called, a goal, and its proof."""


@dataclass(frozen=True)
class ExpressionGoal:
    """What is known, and the goal, `larger - smaller`, that is to be shown >= 0, or > 0."""

    signs: Mapping[str, int]
    larger: Expression
    smaller: Expression
    equalities: tuple[Expression, ...]
    facts: tuple[Expression, ...]
    strict: tuple[bool, ...]

    @property
    def ring(self) -> Ring:
        """Return the ring of the variables."""
        return Ring(len(self.signs))

    def unit(self, v: str) -> Polynomial:
        """Return a variable as a polynomial."""
        return self.ring.units[list(self.signs).index(v)]

    def numerators(self, expressions: Iterable[Expression]) -> tuple[Polynomial | None, ...]:
        """Return the numerators of equalities or facts, None for those that cannot be used."""
        sure = [i for i, sign in enumerate(self.signs.values()) if sign == POSITIVE]
        result = list[Polynomial | None]()
        for e in expressions:
            try:
                result.append(Fractions(self.signs, self.ring, sure).read(e)[0])
            except ProofError:
                result.append(None)
        return tuple(result)

    def require_nonnegative(self, variables: Iterable[str]) -> None:
        """Refuse variables that may be negative."""
        for v in variables:
            require(self.signs.get(v, FREE) > FREE, f"{show(v)} is not a nonnegative variable")

    def require_order(self, variables: Iterable[str]) -> None:
        """Refuse variables that are not positive by order."""
        found = {v for v, sign in self.signs.items() if sign == POSITIVE}
        facts, pairs = self.numerators(self.facts), permutations(self.signs, 2)
        above = [(v, w) for v, w in pairs if self.unit(v) - self.unit(w) in facts]
        while more := {v for v, w in above if w in found} - found:
            found |= more
        for v in variables:
            require(v in found, f"{v} is not positive by order")

    def insert(self, images: Mapping[str, Expression], signs: Mapping[str, int]) -> ExpressionGoal:
        """Return this with expressions in the places of variables everywhere."""
        put = partial(substitute, images=images)
        equalities, facts = tuple(map(put, self.equalities)), tuple(map(put, self.facts))
        sides = put(self.larger), put(self.smaller)
        return ExpressionGoal(signs, *sides, equalities, facts, self.strict)

    def split_product(self, side: Expression) -> tuple[list[Expression], list[tuple[str, str]]]:
        """Return the factors that are no `b ^ w` with variables, and the pairs (b, w)."""
        others, pairs, waiting = list[Expression](), list[tuple[str, str]](), [side]
        while waiting:
            match waiting.pop():
                case ("*", *factors):
                    waiting += factors
                case ("^", b, w) if b in self.signs and w in self.signs:
                    pairs.append((b, w))
                case other:
                    others.append(other)
        return others, pairs

    # The steps. Each gives the next goal; two of them also the goals of the proofs in them.

    def take_gap(self, step: Data) -> ExpressionGoal:
        """Return the goal less a number above 0."""
        return replace(self, larger=subtract(self.larger, str(step["gap"].above_0())))

    def take_replace(self, step: Data) -> tuple[ExpressionGoal, list[Lemma]]:
        """Return a new goal, and that the old one is not less."""
        by, difference = step["by"].expression(self.signs), subtract(self.larger, self.smaller)
        lemma = replace(self, larger=difference, smaller=by)
        return replace(self, larger=by, smaller="0"), [("the difference", lemma, step["proof"])]

    def take_cases(self, step: Data) -> tuple[None, list[Lemma]]:
        """Return the goal for every choice of variables that are negated."""
        cases = [(each["negated"].names(), each["proof"]) for each in step["proofs"].items()]
        free = {v for v, sign in self.signs.items() if sign == FREE}
        subsets = {frozenset(negated) for negated, _ in cases}
        fits = len(cases) == len(subsets) == 2 ** len(free) > 1 and free == set().union(*subsets)
        require(fits, "the cases are not all subsets of the free variables, once each")
        signs = {v: max(sign, NONNEGATIVE) for v, sign in self.signs.items()}
        return None, [
            (f"with {negated} negated", self.insert({v: ("-", v) for v in negated}, signs), proof)
            for negated, proof in cases
        ]

    def take_absurd(self, step: Data) -> None:
        """Refuse an equality that does not contradict itself."""
        p = step["equality"].member(self.numerators(self.equalities))
        self.require_nonnegative(self.signs)
        fits = (p.has_no_minus() or (p * -1).has_no_minus()) and (0,) * len(self.signs) in p
        require(fits, "the equality does not contradict itself")

    def take_power(self, step: Data) -> ExpressionGoal:
        """Return the goal with powers in the places of variables."""
        variables, k = step["variables"].names(), str(step["power"].whole(1))
        self.require_nonnegative(variables)
        return self.insert({v: ("^", v, k) for v in variables}, self.signs)

    def take_raise_equality(self, step: Data) -> ExpressionGoal:
        """Return the goal with one equality more, between powers of the sides of another."""
        match step["equality"].member(self.equalities):
            case ("+", left, ("-", right)):
                k = step["power"].whole(2)
                raised = subtract(raise_power(left, k), raise_power(right, k))
                return replace(self, equalities=(*self.equalities, raised))
        raise ProofError("the equality has not two sides")

    def take_linear(self, step: Data) -> ExpressionGoal:
        """Return the goal in new variables, of which the old ones are linear forms."""
        new, size, ring = step["variables"].names(), len(self.signs), self.ring
        step["variables"].expect(len(new) == size, f"{size} names")
        images = {v: step["by"][v].expression(new) for v in self.signs}
        lines = [Fractions(new, ring).read(image)[0] for image in images.values()]
        fits = all(sum(e) == 1 for line in lines for e in line)
        step["by"].expect(fits, "linear forms without constants")
        signs, facts = dict[str, int](), self.numerators(self.facts)
        origins = step["from"].items(size)
        for v, unit, origin in zip(new, ring.units, origins, strict=True):
            if isinstance(origin.value, str):
                self.require_nonnegative([origin.value])
                form, signs[v] = self.unit(origin.value), self.signs[origin.value]
            else:
                form = origin.member(facts)
                signs[v] = POSITIVE if self.strict[origin.value] else NONNEGATIVE
                origin.expect(all(sum(e) == 1 for e in form), "a fact that is linear")
            image = form.insert(lines)
            fits = image.keys() == unit.keys() and image.has_no_minus()
            origin.expect(fits, f"a form that becomes {v}, times a number above 0")
        result = self.insert(images, signs)
        facts, used = result.numerators(result.facts), [origin.value for origin in origins]
        drop = step["drop"].items()
        for each in drop:
            fits = each.whole() in used or each.member(facts).has_no_minus()
            each.expect(fits, "a fact that follows from the signs")
        kept = [j for j in range(len(facts)) if j not in [each.value for each in drop]]
        return replace(
            result,
            facts=tuple(result.facts[j] for j in kept),
            strict=tuple(result.strict[j] for j in kept),
        )

    def take_ratio(self, step: Data) -> ExpressionGoal:
        """Return the goal with quotients in the places of variables whose product is 1."""
        p, n = step["equality"].member(self.numerators(self.equalities)), len(self.signs)
        self.require_nonnegative(self.signs)
        fits = n > 1 and p.keys() == {(0,) * n, (1,) * n} and sum(p.values()) == 0
        step["equality"].expect(fits, "one that says that the product of all variables is 1")
        (first, *others), reverse = self.signs, step["reverse"].flag()
        pairs = zip(self.signs, [*others, first], strict=True)
        images = {v: ("/", w, v) if reverse else ("/", v, w) for v, w in pairs}
        result, j = self.insert(images, dict.fromkeys(self.signs, POSITIVE)), step["equality"].value
        return replace(result, equalities=result.equalities[:j] + result.equalities[j + 1 :])

    def take_weighted_mean(self, step: Data) -> ExpressionGoal:
        """Return the goal with a weighted mean in the place of powers in the smaller side."""
        others, pairs = self.split_product(self.smaller)
        require(len(pairs) > 1, "the smaller side has not two factors b ^ w")
        rest: Expression = ("*", "1", "1", *others)
        self.require_order(find_variables(rest).union(*pairs))
        total = self.ring.sum([self.ring.constant(-1), *(self.unit(w) for _, w in pairs)])
        equalities = self.numerators(self.equalities)
        fits = total in equalities or total * -1 in equalities
        require(fits, "no equality says that the weights add up to 1")
        product = Fractions(self.signs, self.ring).read(rest)[0]
        require(product.has_no_minus(), "the other factors have a coefficient below 0")
        mean = ("+", "0", *(("*", w, b) for b, w in pairs))
        return replace(self, smaller=("*", rest, mean))

    def take_log_bound(self, step: Data) -> ExpressionGoal:
        """Return the goal with bounds of logarithms in the place of a product of powers less 1."""
        power = step["power"]
        power.expect(power.rational() < 0, "a number below 0")
        others, pairs = self.split_product(self.larger)
        require(pairs and not others, "the larger side is no product of b ^ w")
        require(self.smaller == "1", "the smaller side is not 1")
        self.require_order(set[str]().union(*pairs))
        terms = (subtract(w, ("*", w, ("^", b, power.value))) for b, w in pairs)
        return replace(self, larger=("+", "0", *terms), smaller="0")

    def take_clear(self, step: Data) -> PolynomialGoal:
        """Return phase C, with the goal's numerator as the goal."""
        equalities, facts = self.numerators(self.equalities), self.numerators(self.facts)
        signs, zero = tuple(self.signs.values()), self.ring.constant(0)
        known = PolynomialGoal(self.ring, signs, equalities, facts, self.strict, zero)
        known = known.with_radicals(step["radicals"])
        fractions, turns = Fractions(self.signs, known.ring), list[int]()
        for each in step["denominators"].items():
            factor, sign = each["factor"].polynomial(known.ring), each["sign"].whole(-1, 1)
            each.expect(sign and factor.places(), "a factor that is not constant, and a sign")
            known.show_sign(factor * sign, each["proof"], strict=True)
            fractions.denominators.append(factor)
            turns.append(sign)
        for each in step["roots"].items():
            _read_root(each, known, fractions, turns)
        goal, under = fractions.read(subtract(self.larger, self.smaller))
        return replace(known, goal=goal * prod(turns[i] ** k for i, k in under.items()))


def _read_root(root: Data, known: PolynomialGoal, fractions: Fractions, turns: list[int]) -> None:
    """Add a root to those that the goal is read with, if it is the value it is said to be."""
    e, q = root["of"].expression(fractions.variables), root["index"].whole(2)
    root.expect((e, q) not in fractions.roots, "a root that is not listed twice")
    factor, over = root["factor"].polynomial(known.ring), root["over"].exponents(len(turns))
    powers = Counter({j: k for j, k in enumerate(over) if k})
    root["factor"].expect(known.is_nonnegative(factor), "a visibly nonnegative polynomial")
    root["over"].expect(all(turns[j] > 0 for j in powers), "denominators above 0")
    value, power = factor, factor**q
    if root["radical"].value is not None:
        power = power * root["radical"].member(known.ring.radicands)
        i = root["radical"].value
        root["radical"].expect(known.ring.indices[i] == q, f"a radical of index {q}")
        value = value * known.ring.units[known.ring.count + i]
    top, under = fractions.read(e)
    difference = power * fractions.expand(under) - top * fractions.expand(powers) ** q
    for each in root["modulo"].items():
        j, multiple = each.items(2)
        difference -= multiple.polynomial(known.ring) * j.member(known.equalities)
    root.expect(not difference, f"a value whose power {q} is the expression")
    fractions.roots[e, q] = value, powers
