"""False statements, made of true ones by a small change, each with a point that shows it false.

A prover that is asked only what is true cannot be caught. A change is kept if the changed statement
fails, exactly, at a rational point that `tight_points` found, without the prover.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import partial
from random import Random
from typing import Any

from bench.inequalities.attacks.tight_points import TightPoints
from bench.inequalities.relations import Point
from bench.inequalities.statements import (
    Expression,
    Relation,
    Statement,
    add,
    divide,
    hash_up_to_renaming,
    multiply,
    negate,
    raise_to,
)

TIGHTER = (Fraction(1, 50), Fraction(1, 200), Fraction(1, 5000))
"""By how much a constant is changed, as a share or as an addend."""
TRIED = 12
"""Changes of one kind that an attempt makes of one statement, until one is false and new."""
ROUNDS = 4
"""Attempts of each kind at each statement before the kinds need not be balanced any more."""


@dataclass(frozen=True, slots=True)
class Falsehood:
    """A statement with a point at which its assumptions hold and a claim of it does not."""

    statement: Statement
    kind: str
    """What was changed, one of `KINDS`."""
    source: str
    """Name of the true statement."""
    point: Mapping[str, Fraction]
    claim: int
    attempt: int
    """Which one it was; with the seed, all that it depends on."""


def make_falsehoods(
    sources: Mapping[str, Statement], count: int, seed: int, made: Sequence[Falsehood] = ()
) -> Iterator[Falsehood]:
    """Yield false statements, in turn of every kind and of every source, until there are `count`.

    `made` are those that an earlier call yielded, which are not made again. Fewer come where the
    sources do not give as many that differ by more than a renaming.
    """
    if not sources:
        return
    counts = Counter(each.kind for each in made)
    seen = {hash_up_to_renaming(each) for each in sources.values()}
    seen |= {hash_up_to_renaming(each.statement) for each in made}
    known: dict[str, TightPoints] = {}
    orders = {kind: _shuffle(sources, Random(f"{seed}/{kind}")) for kind in KINDS}
    start = max((each.attempt + 1 for each in made), default=0)
    for attempt in range(start, 2 * ROUNDS * len(KINDS) * len(sources)):
        turn, which = divmod(attempt, len(KINDS))
        kind = list(KINDS)[which]
        most = math.ceil(count / len(KINDS)) if turn < ROUNDS * len(sources) else count
        if counts.total() >= count:
            return
        if counts[kind] >= most:
            continue
        name = orders[kind][turn % len(sources)]
        if name not in known:
            points = TightPoints.find(sources[name])
            is_false = points.refute(sources[name]) is not None
            known[name] = points.empty() if is_false else points  # nothing is made of what is false
        found = _try_once(sources[name], kind, known[name], Random(f"{seed}/{attempt}"), seen)
        if found is not None:
            counts[kind] += 1
            yield Falsehood(found[0], kind, name, *found[1], attempt)


def _try_once(
    statement: Statement, kind: str, points: TightPoints, random: Random, seen: set[str]
) -> tuple[Statement, tuple[Point, int]] | None:
    """Return a changed statement that is false and new, and add it to those that were seen."""
    for changed in _shuffle(KINDS[kind](statement), random)[:TRIED]:
        digest = hash_up_to_renaming(changed)
        refutation = None if digest in seen else points.refute(changed)
        if refutation is not None:
            seen.add(digest)
            return changed, refutation
    return None


def _shuffle(things: Iterable[Any], random: Random) -> list[Any]:
    shuffled = list(things)
    random.shuffle(shuffled)
    return shuffled


# Changes

Change = Callable[[Expression], Iterator[Expression]]


def _change_somewhere(e: Expression, change: Change) -> Iterator[Expression]:
    """Yield an expression with one part of it changed, for every part and every change."""
    yield from change(e)
    if isinstance(e, tuple):
        op, *operands = e
        for i, operand in enumerate(operands[:1] if op == "^" else operands):
            for changed in _change_somewhere(operand, change):
                yield _join(str(op), [*operands[:i], changed, *operands[i + 1 :]])


def _join(op: str, operands: Sequence[Expression]) -> Expression:
    builders: Mapping[str, Callable[..., Expression]] = {
        "+": add,
        "*": multiply,
        "-": negate,
        "/": divide,
        "^": raise_to,
    }
    return builders[op](*operands)


def _change_claims(change: Change, statement: Statement) -> Iterator[Statement]:
    """Yield the statement with one part of one claim changed."""
    for i, (op, left, right) in enumerate(statement.claims):
        changed = [(op, e, right) for e in _change_somewhere(left, change)]
        changed += [(op, left, e) for e in _change_somewhere(right, change)]
        for claim in changed:
            yield _put_claim(statement, i, claim)


def _put_claim(statement: Statement, i: int, claim: Relation) -> Statement:
    claims = (*statement.claims[:i], claim, *statement.claims[i + 1 :])
    return replace(statement, claims=claims)


def _tighten_by_factor(statement: Statement) -> Iterator[Statement]:
    def scale(side: Expression, share: Fraction) -> Expression:
        factor = 1 + share
        return factor * side if isinstance(side, Fraction) else multiply(factor, side)

    yield from _change_sides(statement, scale)


def _tighten_by_addend(statement: Statement) -> Iterator[Statement]:
    yield from _change_sides(statement, lambda side, share: add(side, share))


def _change_sides(
    statement: Statement, change: Callable[[Expression, Fraction], Expression]
) -> Iterator[Statement]:
    for i, (op, left, right) in enumerate(statement.claims):
        for share in (sign * size for size in TIGHTER for sign in (1, -1)):
            yield _put_claim(statement, i, (op, change(left, share), right))
            yield _put_claim(statement, i, (op, left, change(right, share)))


def _tighten_constant(e: Expression) -> Iterator[Expression]:
    if isinstance(e, Fraction) and e:
        for share in TIGHTER:
            yield from (e * (1 + share), e * (1 - share))


def _change_coefficient(e: Expression) -> Iterator[Expression]:
    if isinstance(e, Fraction):
        yield from (value for value in (e + 1, e - 1) if value)
    elif isinstance(e, tuple) and e[0] == "+":
        for i, term in enumerate(e[1:], 1):
            if not isinstance(term, Fraction):
                yield add(*e[1:i], multiply(Fraction(2), term), *e[i + 1 :])


def _drop_term(e: Expression) -> Iterator[Expression]:
    if isinstance(e, tuple) and e[0] == "+":
        for i in range(1, len(e)):
            yield add(*e[1:i], *e[i + 1 :])


def _turn_sign(e: Expression) -> Iterator[Expression]:
    if isinstance(e, tuple) and e[0] == "+":
        for i, term in enumerate(e[1:], 1):
            turned = term[1] if isinstance(term, tuple) and term[0] == "-" else negate(term)
            yield add(*e[1:i], turned, *e[i + 1 :])


def _change_exponent(e: Expression) -> Iterator[Expression]:
    if isinstance(e, str):
        yield raise_to(e, Fraction(2))
    elif isinstance(e, tuple) and e[0] == "^" and isinstance(e[2], Fraction):
        for step in (1, -1):
            power = Fraction(e[2].numerator + step, e[2].denominator)
            yield e[1] if power == 1 else raise_to(e[1], power)


def _remove_assumption(statement: Statement) -> Iterator[Statement]:
    for i in range(len(statement.assumptions)):
        rest = statement.assumptions[:i] + statement.assumptions[i + 1 :]
        yield replace(statement, assumptions=rest)


def _change_relations(ops: Mapping[str, str], statement: Statement) -> Iterator[Statement]:
    """Yield the statement with another sign between the sides of a claim or an assumption."""
    for i, (op, left, right) in enumerate(statement.claims):
        if op in ops:
            yield _put_claim(statement, i, (ops[op], left, right))
    for i, (op, left, right) in enumerate(statement.assumptions):
        if op in ops:
            before, after = statement.assumptions[:i], statement.assumptions[i + 1 :]
            yield replace(statement, assumptions=(*before, (ops[op], left, right), *after))


KINDS: Mapping[str, Callable[[Statement], Iterator[Statement]]] = {
    "factor": _tighten_by_factor,
    "addend": _tighten_by_addend,
    "constant": partial(_change_claims, _tighten_constant),
    "coefficient": partial(_change_claims, _change_coefficient),
    "term": partial(_change_claims, _drop_term),
    "sign": partial(_change_claims, _turn_sign),
    "exponent": partial(_change_claims, _change_exponent),
    "hypothesis": _remove_assumption,
    "relation": partial(_change_relations, {">=": "<=", ">": "<", "<=": ">=", "<": ">"}),
    "strictness": partial(_change_relations, {">=": ">", "<=": "<", ">": ">=", "<": "<="}),
}
"""What is changed, by name; each yields many statements, true ones among them."""


# Statements that are true

CLASSICS: Mapping[str, str] = {
    "am-gm-2": "(a + b)/2 >= sqrt(a*b) with a, b > 0",
    "am-gm-3": "a^3 + b^3 + c^3 >= 3*a*b*c with a, b, c >= 0",
    "of-squares": "a^2 + b^2 + c^2 >= a*b + b*c + c*a for real a, b, c",
    "nesbitt": "a/(b + c) + b/(c + a) + c/(a + b) >= 3/2 with a, b, c > 0",
    "schur": "a*(a - b)*(a - c) + b*(b - a)*(b - c) + c*(c - a)*(c - b) >= 0 with a, b, c >= 0",
    "cauchy": "(a^2 + b^2)*(x^2 + y^2) >= (a*x + b*y)^2 for real a, b, x, y",
    "titu": "x^2/a + y^2/b >= (x + y)^2/(a + b) with a, b > 0 and x, y real",
    "simplex": "a*b + b*c + c*a <= 1/3 with a, b, c > 0 and a + b + c = 1",
    "product-one": "a + b + c >= 3 with a, b, c > 0 and a*b*c = 1",
    "sphere": "a + b + c <= 3 with a, b, c > 0 and a^2 + b^2 + c^2 = 3",
    "triangle": (
        "a*b + b*c + c*a >= (a^2 + b^2 + c^2)/2"
        " with a, b, c > 0 and a + b > c and b + c > a and c + a > b"
    ),
    "means": "sqrt((a^2 + b^2)/2) >= 2*a*b/(a + b) with a, b > 0",
    "at-least": "a^2 + 1/a >= 2 with a >= 1",
    "strict": "a^2 + 1 > a for real a",
    "bounded": "x*(1 - x) <= 1/4 with x >= 0 and x <= 1",
}
"""Textbook inequalities in plain text, for a test without any data."""
