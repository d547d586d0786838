"""Decides whether a certificate is a proof of an inequality, in exact rational arithmetic.

`FORMAT.md` says what a certificate is and why each step is sound; this module is written from it
alone, with what is in `bench.inequalities.checking`. Nothing that a certificate claims is believed,
every intermediate value is computed here. It does not search, does not simplify what the format
does not, and knows no decimal number.

Any data gets an answer, within a minute or two: what exceeds the limits is refused. They are stated
here, in `checking.data` (for what is read) and in `checking.exact` (for what is computed).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import permutations
from reprlib import repr as show
from typing import Any

from bench.inequalities.checking.assumptions import Assumptions, Sign
from bench.inequalities.checking.data import (
    RATIONAL,
    choose,
    get,
    pick,
    read_flag,
    read_integer,
    read_list,
    read_names,
    read_polynomial,
    read_rational,
    survey,
)
from bench.inequalities.checking.exact import (
    MAX_WORK,
    Polynomial,
    ProofError,
    Ring,
    budget,
    charge,
    require,
)
from bench.inequalities.checking.expressions import (
    Expression,
    Fractions,
    Relation,
    UnreadableError,
    find_variables,
    limit_sizes,
    read_expression,
    read_relation,
    substitute,
    subtract,
)
from bench.inequalities.checking.polynomial_goal import PolynomialGoal

__all__ = ["ProofError", "Statement", "check_proof"]

FORMAT = "rstar-bench inequality 1"
MAX_VARIABLES = 16


@dataclass(frozen=True, slots=True)
class Statement:
    """What was proved: where the assumptions hold every claim has a meaning and holds."""

    variables: tuple[str, ...]
    assumptions: tuple[Relation, ...]
    claims: tuple[Relation, ...]


# Phase A.


@dataclass(frozen=True)
class _Claimed:
    """What is known, and the goal `larger - smaller >= 0`, as expressions."""

    signs: Mapping[str, Sign]
    larger: Expression
    smaller: Expression
    equalities: tuple[Expression, ...]
    facts: tuple[Expression, ...]
    strict: tuple[bool, ...]

    def ring(self) -> Ring:
        return Ring(len(self.signs))

    def unit(self, name: str) -> Polynomial:
        return self.ring().unit(list(self.signs).index(name))

    def numerators(self, expressions: Iterable[Expression]) -> list[Polynomial | None]:
        """Return the numerators of equalities or facts, None for those that cannot be used."""
        result: list[Polynomial | None] = []
        for expression in expressions:
            fractions = Fractions(self.signs, self.ring(), list(self.signs.values()))
            try:
                result.append(fractions.read(expression)[0])
            except UnreadableError:
                result.append(None)
        return result

    def require_signs(self, names: Iterable[str]) -> None:
        for name in names:
            fits = self.signs.get(name, Sign.FREE) > Sign.FREE
            require(fits, f"{show(name)} is not a nonnegative variable")

    def require_order(self, names: Iterable[str]) -> None:
        """Refuse variables that are not positive by order."""
        found = {name for name, sign in self.signs.items() if sign is Sign.POSITIVE}
        known, facts = list(self.signs), self.numerators(self.facts)
        above = [
            (high, low)
            for high, low in permutations(known, 2)
            if self.unit(high) - self.unit(low) in facts
        ]
        while more := {high for high, low in above if low in found} - found:
            found |= more
        for name in names:
            require(name in found, f"{name} is not positive by order")

    def insert(self, images: Mapping[str, Expression], signs: Mapping[str, Sign]) -> _Claimed:
        """Return this with expressions in the places of variables everywhere."""
        old = (self.larger, self.smaller, *self.equalities, *self.facts)
        new = [substitute(each, images) for each in old]
        limit_sizes(new)
        end = 2 + len(self.equalities)
        return _Claimed(signs, new[0], new[1], tuple(new[2:end]), tuple(new[end:]), self.strict)

    def add_gap(self, step: Any) -> _Claimed:
        read_rational(gap := get(step, "gap"), positive=True)
        return replace(self, larger=subtract(self.larger, gap))

    def prove_cases(self, step: Any) -> None:
        free = {name for name, sign in self.signs.items() if sign is Sign.FREE}
        cases = [
            (read_names(get(each, "negated")), each) for each in read_list(get(step, "proofs"))
        ]
        subsets = {frozenset(names) for names, _ in cases}
        fits = len(cases) == len(subsets) == 2 ** len(free) and free == set().union(*subsets)
        require(bool(free) and fits, "the cases are not all subsets of the free, once each")
        signs = {name: max(sign, Sign.NONNEGATIVE) for name, sign in self.signs.items()}
        for names, each in cases:
            case = self.insert({name: ("-", name) for name in names}, signs)
            _follow(case, get(each, "proof"), "expression", f"with {names} negated, ")

    def prove_absurd(self, step: Any) -> None:
        p = pick(get(step, "equality"), self.numerators(self.equalities))
        self.require_signs(self.signs)
        one_sign = p.has_no_minus() or (p * -1).has_no_minus()
        require(one_sign and (0,) * len(self.signs) in p, "the equality does not contradict itself")

    def insert_linear(self, step: Any) -> _Claimed:
        names, by, size = read_names(get(step, "variables")), get(step, "by"), len(self.signs)
        fits = len(names) == size and isinstance(by, Mapping) and by.keys() == self.signs.keys()
        require(fits, f"`variables` and `by` are not for {size} variables")
        images = {name: read_expression(by[name], names) for name in self.signs}
        lines = [Fractions(names, self.ring()).read(image)[0] for image in images.values()]
        linear = all(sum(e) == 1 for line in lines for e in line)
        require(linear, "a form in `by` is not linear, or has a constant")
        signs, origins = dict[str, Sign](), read_list(get(step, "from"), size)
        for i, origin in enumerate(origins):
            if isinstance(origin, str):
                self.require_signs([origin])
                form, signs[names[i]] = self.unit(origin), self.signs[origin]
            else:
                form = pick(origin, self.numerators(self.facts))
                signs[names[i]] = Sign.POSITIVE if self.strict[origin] else Sign.NONNEGATIVE
                require(all(sum(e) == 1 for e in form), f"fact {origin} is not linear")
            fits = form.insert(lines) == self.ring().unit(i)
            require(fits, f"form {i} of `from` does not become {names[i]}")
        result = self.insert(images, signs)
        drop = [read_integer(j, 0, len(self.facts) - 1) for j in read_list(get(step, "drop"))]
        for j in drop:
            known = j in origins or pick(j, result.numerators(result.facts)).has_no_minus()
            require(known, f"fact {j} does not follow from the signs, and cannot be dropped")
        kept = [j for j in range(len(self.facts)) if j not in drop]
        facts = tuple(result.facts[j] for j in kept)
        return replace(result, facts=facts, strict=tuple(result.strict[j] for j in kept))

    def insert_powers(self, step: Any) -> _Claimed:
        names, k = read_names(get(step, "variables")), read_integer(get(step, "power"), 1)
        self.require_signs(names)
        return self.insert({name: ("^", name, str(k)) for name in names}, self.signs)

    def insert_ratios(self, step: Any) -> _Claimed:
        j, reverse, names = get(step, "equality"), read_flag(get(step, "reverse")), list(self.signs)
        self.require_signs(names)
        p, n = pick(j, self.numerators(self.equalities)), len(names)
        fits = n > 1 and p.keys() == {(0,) * n, (1,) * n} and sum(p.values()) == 0
        require(fits, f"equality {j} does not say that the product of all variables is 1")
        pairs = zip(names, names[1:] + names[:1], strict=True)
        images = {v: ("/", w, v) if reverse else ("/", v, w) for v, w in pairs}
        result = self.insert(images, dict.fromkeys(names, Sign.POSITIVE))
        return replace(result, equalities=result.equalities[:j] + result.equalities[j + 1 :])

    def split_product(self, side: Expression) -> tuple[list[Expression], list[tuple[str, str]]]:
        """Return the factors that are no `b ^ w` with variables, and the pairs (b, w)."""
        others, pairs, waiting = list[Expression](), list[tuple[str, str]](), [side]
        while waiting:
            factor = waiting.pop()
            if factor[0] == "*":
                waiting += factor[1:]
            elif factor[0] == "^" and all(part in list(self.signs) for part in factor[1:]):
                pairs.append((factor[1], factor[2]))
            else:
                others.append(factor)
        return others, pairs

    def bound_by_mean(self, step: Any) -> _Claimed:
        others, pairs = self.split_product(self.smaller)
        require(len(pairs) > 1, "the smaller side has not two factors b ^ w")
        used = {name for pair in pairs for name in pair}
        self.require_order(used.union(*map(find_variables, others)))
        total = self.ring().constant(-1)
        for _, weight in pairs:
            total = total + self.unit(weight)
        equalities = self.numerators(self.equalities)
        fits = total in equalities or total * -1 in equalities
        require(fits, "no equality says that the weights add up to 1")
        rest: Expression = ("*", "1", "1", *others)
        known = Fractions(self.signs, self.ring()).read(rest)[0].has_no_minus()
        require(known, "the other factors have a coefficient below 0")
        mean = ("+", "0", *(("*", weight, base) for base, weight in pairs))
        return replace(self, smaller=("*", rest, mean))

    def bound_by_log(self, step: Any) -> _Claimed:
        require(read_rational(power := get(step, "power")) < 0, "the power is not below 0")
        others, pairs = self.split_product(self.larger)
        fits = pairs and not others and self.smaller == "1"
        require(bool(fits), "the goal is no product of b ^ w less 1")
        self.require_order({name for pair in pairs for name in pair})
        terms = [subtract(w, ("*", w, ("^", b, power))) for b, w in pairs]
        return replace(self, larger=("+", "0", *terms), smaller="0")

    def clear(self, step: Any) -> PolynomialGoal:
        """Return phase C, with the goal's numerator as the goal."""
        equalities, facts = (tuple(self.numerators(e)) for e in (self.equalities, self.facts))
        signs = tuple(self.signs.values())
        blank = Assumptions(self.ring(), signs, equalities, facts, self.strict)
        known = blank.with_radicals(get(step, "radicals"))
        fractions, turned = Fractions(self.signs, known.ring), set[int]()
        for i, each in enumerate(read_list(get(step, "denominators"))):
            factor = read_polynomial(get(each, "factor"), known.ring)
            sign = read_integer(get(each, "sign"), -1, 1)
            fits = sign != 0 and not factor.is_constant()
            require(fits, f"denominator {i} is constant, or its sign is 0")
            known.show_sign(factor * sign, get(each, "proof"), strict=True)
            fractions.denominators.append(factor)
            turned |= {i} if sign < 0 else set()
        for each in read_list(get(step, "roots")):
            _read_root(each, known, fractions, turned)
        goal, under = fractions.read(subtract(self.larger, self.smaller))
        return PolynomialGoal(known, goal * (-1) ** sum(under[i] for i in turned))


def _read_root(data: Any, known: Assumptions, fractions: Fractions, turned: set[int]) -> None:
    """Add a root to those that the goal is read with, if it is the value it is said to be."""
    expression = read_expression(get(data, "of"), fractions.names)
    q = read_integer(get(data, "index"), 2)
    where = f"root {q} of {show(expression)}"
    require((expression, q) not in fractions.roots, f"{where} is listed twice")
    factor = read_polynomial(get(data, "factor"), known.ring)
    over = read_list(get(data, "over"), len(fractions.denominators))
    powers = Counter({i: k for i, each in enumerate(over) if (k := read_integer(each))})
    fits = known.is_nonnegative(factor) and not turned & powers.keys()
    require(fits, f"{where}: the factor is not visibly nonnegative, or a denominator is below 0")
    value, power = factor, factor**q
    if (i := get(data, "radical")) is not None:
        power = power * pick(i, known.ring.radicands)
        require(known.ring.indices[i] == q, f"{where}: radical {i} has another index")
        value = value * known.ring.unit(known.ring.count + i)
    top, under = fractions.read(expression)
    raised = fractions.expand(Counter({i: k * q for i, k in powers.items()}))
    difference = power * fractions.expand(under) - top * raised
    for each in read_list(get(data, "modulo")):
        j, multiple = read_list(each, 2)
        difference -= read_polynomial(multiple, known.ring) * pick(j, known.equalities)
    require(not difference, f"{where}: its power is not that of the value")
    fractions.roots[expression, q] = value, powers


# The order of steps, and the whole.

Step = Callable[[Any, Any], Any]

STEPS: Mapping[str, Step] = {
    "gap": _Claimed.add_gap,
    "cases": _Claimed.prove_cases,
    "absurd": _Claimed.prove_absurd,
    "linear": _Claimed.insert_linear,
    "power": _Claimed.insert_powers,
    "ratio": _Claimed.insert_ratios,
    "weighted_mean": _Claimed.bound_by_mean,
    "log_bound": _Claimed.bound_by_log,
    "clear": _Claimed.clear,
    "homogenise": PolynomialGoal.homogenise,
    "homogenise_fact": PolynomialGoal.homogenise_fact,
    "multiply": PolynomialGoal.multiply,
    "divide": PolynomialGoal.divide,
    "rename": PolynomialGoal.rename,
    "bound": PolynomialGoal.bound,
    "raise": PolynomialGoal.raise_sides,
    "power_variables": PolynomialGoal.insert_powers,
    "orthant": PolynomialGoal.close_in_orthant,
    "squares": PolynomialGoal.close_by_squares,
}

EXPRESSION_STEPS = ("linear", "power", "ratio", "weighted_mean", "log_bound")
POLYNOMIAL_STEPS = (
    *("homogenise", "homogenise_fact", "multiply", "divide"),
    *("rename", "bound", "raise", "power_variables"),
)

# What may come next, and the stage that it leads to.
ORDER: Mapping[str, Mapping[str, str]] = {
    "strict claim": {"gap": "expression"},
    "expression": {
        **dict.fromkeys(EXPRESSION_STEPS, "expression"),
        "clear": "polynomial",
        **dict.fromkeys(("cases", "absurd"), "closed"),
    },
    "polynomial": {
        **dict.fromkeys(POLYNOMIAL_STEPS, "polynomial"),
        **dict.fromkeys(("orthant", "squares"), "closed"),
    },
    "closed": {},
}


def _follow(state: Any, steps: Any, stage: str, where: str) -> None:
    """Take every step from a state; the last one has to close the proof."""
    require(isinstance(steps, list), f"{where}found {show(steps)}, needed a list of steps")
    for number, step in enumerate(steps, 1):
        charge(1000)
        name: Any = step.get("step") if isinstance(step, Mapping) else None
        try:
            stage = choose(ORDER[stage], name)
            state = STEPS[name](state, step)
        except ProofError as error:
            label = show(name).strip("'")
            raise ProofError(f"{where}step {number} ({label}): {error}") from error
    require(stage == "closed", f"{where}no step closes the proof")


def _set_out(
    variables: Sequence[str], assumptions: Iterable[Relation], claim: Relation
) -> _Claimed:
    """Return what is known at the start, and the claim as the goal."""
    signs = dict.fromkeys(variables, Sign.FREE)
    equalities, facts, strict = list[Expression](), list[Expression](), list[bool]()
    for op, left, right in assumptions:
        larger, smaller = (left, right) if op in (">=", ">") else (right, left)
        if op == "=":
            equalities.append(subtract(left, right))
        elif op != "!=":
            is_strict, known = op in (">", "<"), False
            if larger in signs and isinstance(smaller, str) and RATIONAL.fullmatch(smaller):
                least = read_rational(smaller)
                sign = Sign.POSITIVE if is_strict or least > 0 else Sign.NONNEGATIVE
                signs[larger] = max(signs[larger], sign if least >= 0 else Sign.FREE)
                known = least == 0
            if not known:
                facts.append(subtract(larger, smaller))
                strict.append(is_strict)
    op, left, right = claim
    larger, smaller = (left, right) if op in (">=", ">") else (right, left)
    return _Claimed(signs, larger, smaller, tuple(equalities), tuple(facts), tuple(strict))


def check_proof(certificate: Mapping[str, Any]) -> Statement:
    """Return what a certificate proves.

    Raises ProofError, which says what is wrong and where, if it is no proof of all its claims.
    """
    token = budget.set(MAX_WORK)
    try:
        survey(certificate)
        require(get(certificate, "format") == FORMAT, f"the format is not {FORMAT!r}")
        given = get(certificate, "statement")
        names = tuple(read_names(get(given, "variables")))
        fits = 0 < len(names) <= MAX_VARIABLES
        require(fits, f"found {len(names)} variables, needed 1 to {MAX_VARIABLES}")
        assumptions, claims = (
            tuple(read_relation(each, names) for each in read_list(get(given, key)))
            for key in ("assumptions", "claims")
        )
        proofs = read_list(get(certificate, "proofs"), len(claims))
        require(bool(claims), "the statement has no claim")
        for number, (claim, proof) in enumerate(zip(claims, proofs, strict=True), 1):
            require(claim[0] in (">=", ">", "<=", "<"), f"claim {number} is no inequality")
            stage = "strict claim" if claim[0] in (">", "<") else "expression"
            _follow(_set_out(names, assumptions, claim), proof, stage, f"claim {number}, ")
        return Statement(names, assumptions, claims)
    except RecursionError:
        raise ProofError("the certificate nests too deeply for the stack that is left") from None
    finally:
        budget.reset(token)
