r"""At least one relation: an equation, an inequality that is no interval, a membership.

An inequality is the same up to a positive factor. What stands left of an equation may be a name
(`bench.answers.comparers.naming`); two equations have rules of their own (`equations`).
"""

from __future__ import annotations

from bench.answers.comparers.congruences import congruences, one_congruence
from bench.answers.comparers.equations import equations, solves
from bench.answers.comparers.finding import Asked, Finding, all_of, verdict
from bench.answers.comparers.naming import each_named, is_name, named_value
from bench.answers.comparers.proportions import positive_factor
from bench.answers.expressions import (
    EXPRESSIONS,
    Answer,
    Group,
    Listing,
    Number,
    Product,
    Quantity,
    Relation,
    Symbol,
    Text,
)

_FLIPPED = {"<": ">", ">": "<", "<=": ">=", ">=": "<="}


def relations(gold: Answer, prediction: Answer, asked: Asked) -> Finding | None:
    """At least one relation."""
    g, p = _exact(gold), _exact(prediction)
    if g is not gold or p is not prediction:
        return _with_estimates(gold, prediction, g, p, asked)
    if isinstance(gold, Relation) and isinstance(prediction, Relation):
        return _two(gold, prediction, asked)
    if isinstance(gold, Relation):
        return _one(gold, prediction, asked, of_gold=True)
    if isinstance(prediction, Relation):
        return _one(prediction, gold, asked, of_gold=False)
    return None


def _exact(x: Answer) -> Answer:
    """Without what follows an `approximately`: the exact side is the answer."""
    if not (isinstance(x, Relation) and "~" in x.signs):
        return x
    at = x.signs.index("~")
    if at == 0:
        return x.sides[1] if is_name(x.sides[0]) else x.sides[0]
    return Relation(x.sides[: at + 1], x.signs[:at])


def _with_estimates(
    gold: Answer, prediction: Answer, g: Answer, p: Answer, asked: Asked
) -> Finding | None:
    """The exact sides decide; a bare decimal may also meet the reference's own estimate."""
    found = asked.compare(g, p)
    if found.equal and g is not gold and p is not prediction:
        # Both name a value and estimate it: then the estimate is the answer, too.
        ends = [x.sides[-1] for x in (gold, prediction) if isinstance(x, Relation)]
        if not asked.same(ends[0], ends[1]) and not asked.same(ends[1], ends[0]):
            return Finding(False, found.comparer, "different estimates")
    if not found.equal and isinstance(gold, Relation) and g is not gold:
        estimate = gold.sides[-1]
        if isinstance(p, Number | Quantity | Product) and asked.same(estimate, p):
            return Finding(True, found.comparer, "the estimate that the reference gives")
    return found


def _one(relation: Relation, other: Answer, asked: Asked, *, of_gold: bool) -> Finding | None:
    def against(value: Answer) -> Finding:
        return asked.compare(value, other) if of_gold else asked.compare(other, value)

    if isinstance(other, Text) and not other.words:
        return None
    if relation.modulus is not None and (merged := one_congruence(other)) is not None:
        return asked.compare(*((relation, merged) if of_gold else (merged, relation)))
    if relation.signs == ("in",) and is_name(relation.sides[0]):
        if isinstance(other, Listing) and _is_interval(relation):
            return Finding(False, "interval", "an interval against its ends")
        return against(relation.sides[1])
    if relation.signs[0] == "==" and relation.modulus is not None:
        return Finding(False, "congruence", "only one side is a congruence")
    ordered = set(relation.signs) in ({"<"}, {">"}) and all(map(is_name, relation.sides))
    if ordered and isinstance(other, Listing) and len(relation.sides) > 2:
        # "Put a, b and c in order": `a < c < b` says the same as `a, c, b`.
        sides = [relation.sides, other.items] if of_gold else [other.items, relation.sides]
        if len(sides[0]) == len(sides[1]):
            same = all_of([asked.same(g, p) for g, p in zip(*sides, strict=True)])
            return verdict(same, "inequality", "order")
    if isinstance(other, Listing) and len(relation.signs) > 1 and set(relation.signs) <= {"<", ">"}:
        pairs = [
            Relation((a, b), (sign,))
            for a, b, sign in zip(relation.sides, relation.sides[1:], relation.signs, strict=False)
        ]
        if all(isinstance(x, Relation) for x in other.items):
            return asked.compare(Listing(tuple(pairs)), other)
    if isinstance(other, Listing) and (named := each_named(relation)) is not None:
        if all(isinstance(x, Relation) for x in other.items):
            return asked.compare(*((named, other) if of_gold else (other, named)))
    if isinstance(other, Listing | Group) and relation.signs == ("=",):
        value = named_value(relation, of_gold=of_gold, other=other)
        if value is not None:
            return against(value) if asked.conventions.prefixes else None
        return None if isinstance(other, Listing) else Finding(False, "equation", "no equation")
    if all(sign == "=" for sign in relation.signs):
        value = named_value(relation, of_gold=of_gold, other=other)
        if value is not None:
            if not asked.conventions.prefixes:
                return Finding(False, "equation", "only one side has a name")
            value, free = _freed(relation, value, other)
            found = against(value)
            if found.equal or not free:
                return found
        if of_gold and isinstance(other, EXPRESSIONS) and solves(relation, other):
            return Finding(True, "equation", "solves the reference for what it leaves out")
        if value is not None:
            return against(value)
        return Finding(False, "equation", "an equation against something else")
    return Finding(False, "relation", "only one side is a relation")


def _is_interval(x: Relation) -> bool:
    r"""Whether a single unknown is out of what then is no pair: `x \in (4, 9)`."""
    name, values = x.sides
    return isinstance(name, Symbol) and isinstance(values, Group) and values.opening != "{"


def _freed(relation: Relation, value: Answer, other: Answer) -> tuple[Answer, bool]:
    """The value as it is; and whether the equation may be solved for something else instead."""
    del other
    return value, len(relation.sides) == 2


def _two(gold: Relation, prediction: Relation, asked: Asked) -> Finding | None:
    if gold.modulus is not None or prediction.modulus is not None:
        return congruences(gold, prediction, asked)
    if {"in", "notin"} & {*gold.signs, *prediction.signs}:
        if gold.signs != prediction.signs:
            return Finding(False, "relation", "different relations")
        same = asked.same(gold.sides[-1], prediction.sides[-1])
        return verdict(same, "set", "memberships")
    if all(s == "=" for s in (*gold.signs, *prediction.signs)):
        return equations(gold, prediction, asked)
    return _inequalities(gold, prediction, asked)


def _inequalities(gold: Relation, prediction: Relation, asked: Asked) -> Finding:
    chains = [_rising(r) for r in (gold, prediction)]
    (sides_g, signs_g), (sides_p, signs_p) = chains
    if signs_g == signs_p and len(sides_g) == len(sides_p):
        same = all_of([asked.same(g, p) for g, p in zip(sides_g, sides_p, strict=True)])
        if same:
            return Finding(True, "inequality", "the same chain of inequalities")
        if len(sides_g) == 2:
            factor = positive_factor(sides_g, sides_p, signs_g[0])
            if factor is not None:
                return verdict(factor, "inequality", "inequality, up to a positive factor")
        return Finding(False, "inequality", "different inequalities")
    return Finding(False, "inequality", "different relations")


def _rising(x: Relation) -> tuple[tuple[Answer, ...], tuple[str, ...]]:
    """The chain with its signs pointing to the right as far as they point one way."""
    if x.signs[0] in (">", ">="):
        return x.sides[::-1], tuple(_FLIPPED.get(s, s) for s in x.signs[::-1])
    return x.sides, x.signs
