"""Congruences: the same residues of the same thing, to the same modulus."""

from __future__ import annotations

from bench.answers.arithmetic.equality import identical
from bench.answers.arithmetic.exact import integer_of
from bench.answers.comparers.finding import Asked, Finding, all_of, verdict
from bench.answers.expressions import EXPRESSIONS, Answer, Listing, Relation, Text


def one_congruence(x: Answer) -> Relation | None:
    """`n = 0 or n = 1 (mod 4)`, each with its modulus, as one congruence with two residues."""
    if not isinstance(x, Listing):
        return None
    items = [item for item in x.items if isinstance(item, Relation) and item.modulus is not None]
    same = {(item.sides[0], item.modulus) for item in items}
    if len(items) != len(x.items) or len(same) != 1:
        return None
    residues = Listing(tuple(item.sides[-1] for item in items))
    return Relation((items[0].sides[0], residues), items[0].signs, items[0].modulus)


def _same_unknown(gold: Relation, prediction: Relation, asked: Asked) -> bool | None:
    """Whether two congruences are about one thing; one may leave out of what it is."""
    names = gold.sides[0], prediction.sides[0]
    return Text("") in names or asked.same(*names)


def congruences(gold: Relation, prediction: Relation, asked: Asked) -> Finding:
    """Two relations of which one at least is a congruence."""
    g, p = gold.modulus, prediction.modulus
    if g is None or p is None or not identical(g, p):
        return Finding(False, "congruence", "different moduli")
    modulus = integer_of(g)
    lists = [
        r.sides[-1].items if isinstance(r.sides[-1], Listing) else (r.sides[-1],)
        for r in (gold, prediction)
    ]
    if modulus and len(lists[0]) + len(lists[1]) > 2:
        sets = [
            {(integer_of(x) or 0) % modulus for x in xs if isinstance(x, EXPRESSIONS)}
            for xs in lists
        ]
        named = _same_unknown(gold, prediction, asked)
        return verdict(named and sets[0] == sets[1], "congruence", "residues")
    sides = [r.sides[-1] for r in (gold, prediction)]
    a, b = (integer_of(s) if isinstance(s, EXPRESSIONS) else None for s in sides)
    named = _same_unknown(gold, prediction, asked)
    if modulus and a is not None and b is not None:
        return verdict(named and (a - b) % modulus == 0, "congruence", "residues")
    return verdict(all_of([named, asked.same(sides[0], sides[1])]), "congruence", "residues")
