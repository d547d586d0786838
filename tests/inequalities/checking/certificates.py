"""Certificates written by hand: their parts under short names, as the format has them."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable
from fractions import Fraction
from typing import Any

Json = Any


def poly(names: str, text: str) -> Json:
    """`poly("ab", "a*a -2*a*b")`: the format's list of terms, for one-letter names."""
    terms: dict[tuple[int, ...], Fraction] = {}
    for term in text.split():
        factors = term.replace("-", "-1*", 1).split("*") if term[0] == "-" else term.split("*")
        key = tuple(factors.count(name) for name in names)
        value = Fraction(1)
        for factor in factors:
            value *= 1 if factor in names else Fraction(factor)
        terms[key] = terms.get(key, Fraction(0)) + value
    return [[list(key), str(value)] for key, value in terms.items() if value]


def plus(*parts: Json) -> Json:
    return ["+", *parts]


def times(*parts: Json) -> Json:
    return ["*", *parts]


def minus(left: Json, right: Json) -> Json:
    return ["+", left, ["-", right]]


def over(top: Json, under: Json) -> Json:
    return ["/", top, under]


def power(base: Json, exponent: Json) -> Json:
    return ["^", base, exponent]


def root(base: Json) -> Json:
    return ["^", base, "1/2"]


def signs(names: str, op: str = ">=") -> list[Json]:
    return [[op, name, "0"] for name in names]


def certificate(names: Iterable[str], assumptions: Json, claim: Json, *steps: Json) -> Json:
    return {
        "format": "rstar-bench inequality 1",
        "statement": {"variables": list(names), "assumptions": assumptions, "claims": [claim]},
        "proofs": [list(steps)],
    }


def clear(radicals: Json = (), roots: Json = (), denominators: Json = ()) -> Json:
    lists = {"radicals": radicals, "roots": roots, "denominators": denominators}
    return {"step": "clear", **{key: list(value) for key, value in lists.items()}}


VISIBLE = {"by": "visible"}
COEFFICIENTS = {"by": "coefficients"}


def radical(radicand: Json, index: int = 2, proof: Json = None) -> Json:
    return {"index": index, "radicand": radicand, "nonnegative": proof or VISIBLE}


def listed(of: Json, factor: Json, radical: int | None, **others: Json) -> Json:
    base = {"of": of, "index": 2, "factor": factor, "over": [], "radical": radical, "modulo": []}
    return base | others


def under(factor: Json, proof: Json = None, sign: int = 1) -> Json:
    return {"factor": factor, "sign": sign, "proof": proof or VISIBLE}


def block(weight: Json, basis: Json, *gram: str) -> Json:
    return {"weight": weight, "basis": basis, "gram": [row.split() for row in gram]}


def squares(multiplier: Json, *blocks: Json, negated: bool = False, equalities: Json = ()) -> Json:
    return {
        "step": "squares",
        "by": "squares",
        "multiplier": multiplier,
        "negated": negated,
        "blocks": list(blocks),
        "equalities": list(equalities),
    }


def orthant(proof: Json) -> Json:
    return {"step": "orthant", "proof": proof}


def positive(proof: Json = None) -> Json:
    return {"step": "positive", "proof": proof or VISIBLE}


def replaced(by: Json, *proof: Json) -> Json:
    return {"step": "replace", "by": by, "proof": list(proof)}


def above(least: Json, proof: Json) -> Json:
    return {"by": "above", "least": least, "proof": proof}


def cases_of_a(*proofs: list[Json]) -> Json:
    both = zip(([], ["a"]), proofs, strict=True)
    return {"step": "cases", "proofs": [{"negated": v, "proof": proof} for v, proof in both]}


def by_product(constant: str, *factors: Json) -> Json:
    return {"by": "product", "constant": constant, "factors": list(factors)}


def by_variable(i: int, **coefficients: Json) -> Json:
    named = {key.removeprefix("k"): proof for key, proof in coefficients.items()}
    return {"by": "variable", "variable": i, "coefficients": named}


def by_squares(multiplier: Json, *blocks: Json) -> Json:
    return {"by": "squares", "multiplier": multiplier, "blocks": list(blocks)}


def sturm(i: int) -> Json:
    return {"by": "sturm", "variable": i}


ONE, ONE_2, ONE_3 = poly("a", "1"), poly("ab", "1"), poly("abc", "1")
SQUARE = ("1 -1", "-1 1")
TWO_IN_ALL = ["=", plus("a", "b"), "1"]
ROOT_OF_A = (radical(poly("at", "a")),)
TAKE_ROOT_OF_A = (listed("a", poly("at", "1"), 0),)


def bound(kind: str, top: Json, below: Json, **others: Json) -> Json:
    step = {"step": "bound", "radical": 0, "power": 1, "kind": kind, "by": [top, below]}
    return step | others


def nested(levels: int, inner: Json, wrap: Callable[[Json], Json]) -> Json:
    for _ in range(levels):
        inner = wrap(inner)
    return inner


DROP, TWICE = object(), object()
"""Edits: a value is left out, or comes twice."""


def edit(certified: Json, path: str, value: Json) -> Json:
    """A certificate with a value in another value's place."""
    result = copy.deepcopy(certified)
    *parents, last = path.split(".")
    holder = result
    for key in parents:
        holder = holder[key] if isinstance(holder, dict) else holder[int(key)]
    at: Any = last if isinstance(holder, dict) else int(last)
    if value is DROP:
        del holder[at]
    elif value is TWICE and isinstance(holder, list):
        holder.insert(at, holder[at])
    else:
        holder[at] = holder[at] * 2 if value is TWICE else value
    return result
