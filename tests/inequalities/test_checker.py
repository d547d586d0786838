"""The checker of proofs: a small proof of every kind, wrong variants of each, hostile data."""

from __future__ import annotations

import copy
import json
import random
import re
import sys
import time
from collections.abc import Iterator
from fractions import Fraction
from itertools import combinations, product
from pathlib import Path

import pytest

from bench.inequalities import checker
from bench.inequalities.checker import MAX_VARIABLES, ORDER, Statement, check_proof
from bench.inequalities.checking.exact import (
    MAX_WORK,
    Polynomial,
    ProofError,
    Ring,
    changes_sign,
    is_semidefinite,
)
from bench.inequalities.checking.polynomial_goal import (
    NONNEG_PROOFS,
    SIGN_PROOFS,
    STRICT_SIGN_PROOFS,
)
from tests.inequalities.checking.certificates import (
    COEFFICIENTS,
    DROP,
    ONE,
    ONE_2,
    ONE_3,
    ROOT_OF_A,
    SQUARE,
    TAKE_ROOT_OF_A,
    TWICE,
    TWO_IN_ALL,
    VISIBLE,
    Json,
    above,
    block,
    bound,
    by_product,
    by_squares,
    by_variable,
    cases_of_a,
    certificate,
    clear,
    edit,
    listed,
    minus,
    nested,
    orthant,
    over,
    plus,
    poly,
    positive,
    power,
    radical,
    replaced,
    root,
    signs,
    squares,
    sturm,
    times,
    under,
)
from tests.inequalities.checking.points import find_counterexample

OPERATORS = (">=", ">", "<=", "<", "=", "!=", "+", "*")
FORMAT_PAGE = Path(checker.__file__).with_name("FORMAT.md")
STEPS = sorted({name for after in ORDER.values() for name in after})


SQUARED = by_product("1", [poly("ab", "a -1*b"), 2, None])
SCHUR = plus(
    *(
        times(v, minus(v, w), minus(v, u))
        for v, w, u in (("a", "b", "c"), ("b", "c", "a"), ("c", "a", "b"))
    )
)
SMALLEST = by_variable(
    2,
    k0=by_product("1", [poly("abc", "a -1*b"), 2, None], [poly("abc", "a b"), 1, COEFFICIENTS]),
    k1=sturm(0),
)
SIDES = [[">", plus(v, w), u] for v, w, u in (("b", "c", "a"), ("c", "a", "b"), ("a", "b", "c"))]


def with_root(claim: Json, under_root: Json, radicand: Json, *steps: Json) -> Json:
    """A proof for one variable that is not negative, with one square root."""
    lists = clear([radical(radicand)], [listed(under_root, poly("at", "1"), 0)])
    return certificate("a", signs("a"), claim, lists, *steps)


def reciprocal(assumptions: Json, denominator: Json, factor: Json, proof: Json, names: str) -> Json:
    """A proof that 1 / denominator is not negative, by some proof that the latter is positive."""
    closing = squares(poly(names, "1"), block(poly(names, "1"), [poly(names, "1")], "1"))
    claim = [">=", over("1", denominator), "0"]
    lists = clear(denominators=[under(factor, proof)])
    return certificate(names, assumptions, claim, lists, closing)


RAISE = (
    clear([radical(poly("abt", "a*b"))], [listed(times("a", "b"), poly("abt", "1"), 0)]),
    {"step": "raise", "larger": [0], "smaller": [1], "power": 2, "proof": VISIBLE},
    orthant(by_product("1/4", [poly("abt", "a -1*b"), 2, None])),
)

GOOD: dict[str, Json] = {
    "squares": certificate(
        *("ab", [], [">=", plus(power("a", "2"), power("b", "2")), times("2", "a", "b")]),
        *(clear(), squares(ONE_2, block(ONE_2, [poly("ab", "a"), poly("ab", "b")], *SQUARE))),
    ),
    "raise": certificate(
        "ab", signs("ab"), [">=", over(plus("a", "b"), "2"), root(times("a", "b"))], *RAISE
    ),
    "rename": certificate(
        *("ab", signs("ab"), [">=", plus("a", "b"), times("2", root("a"), root("b"))]),
        clear(
            [radical(poly("abtu", "a")), radical(poly("abtu", "b"))],
            [listed("a", poly("abtu", "1"), 0), listed("b", poly("abtu", "1"), 1)],
        ),
        {
            "step": "rename",
            "radicals": [radical(poly("abt", "a*b"))],
            "images": [[[1, 1], {"factor": poly("abt", "1"), "radical": 0, "power": 1}]],
        },
        {"step": "raise", "larger": [0], "smaller": [1], "power": 2, "proof": VISIBLE},
        orthant(by_product("1", [poly("abt", "a -1*b"), 2, None])),
    ),
    "rename to no radical": certificate(
        *("ab", signs("ab")),
        [
            ">=",
            plus(times("a", "b", "b"), "1"),
            times(root(times("a", "b")), root(times("a", "b", "b", "b"))),
        ],
        clear(
            [radical(poly("abtu", "a*b")), radical(poly("abtu", "a*b*b*b"))],
            [
                listed(times("a", "b"), poly("abtu", "1"), 0),
                listed(times("a", "b", "b", "b"), poly("abtu", "1"), 1),
            ],
        ),
        {
            "step": "rename",
            "radicals": [],
            "images": [[[1, 1], {"factor": poly("ab", "a*b*b"), "radical": None}]],
        },
        orthant(COEFFICIENTS),
    ),
    "power_variables": certificate(
        *(
            "ab",
            signs("ab"),
            [">=", plus("a", times("4", "b")), times("2", root("a"), root(times("4", "b")))],
        ),
        clear(
            [radical(poly("abtu", "a")), radical(poly("abtu", "4*b"))],
            [listed("a", poly("abtu", "1"), 0), listed(times("4", "b"), poly("abtu", "1"), 1)],
        ),
        {"step": "power_variables", "power": 2},
        orthant(by_product("1", [poly("ab", "a -2*b"), 2, None])),
    ),
    "nesbitt": certificate(
        *("abc", signs("abc", ">")),
        [
            ">=",
            plus(over("a", plus("b", "c")), over("b", plus("c", "a")), over("c", plus("a", "b"))),
            "3/2",
        ],
        clear(denominators=[under(poly("abc", p)) for p in ("b c", "c a", "a b")]),
        orthant(
            by_squares(
                ONE_3,
                *(
                    block(
                        poly("abc", f"{v} {w}"),
                        [poly("abc", v), poly("abc", w)],
                        "1/2 -1/2",
                        "-1/2 1/2",
                    )
                    for v, w in combinations("abc", 2)
                ),
            )
        ),
    ),
    "minimum": certificate(
        *("abc", signs("abc"), [">=", SCHUR, "0"], clear()),
        orthant({"by": "minimum", "cases": {"2": SMALLEST}}),
    ),
    "orders": certificate(
        *("abc", signs("abc"), [">=", SCHUR, "0"], clear()),
        orthant(
            {
                "by": "orders",
                "cases": {
                    order: COEFFICIENTS
                    for order in ("0,1,2", "0,2,1", "1,0,2", "1,2,0", "2,0,1", "2,1,0")
                },
            }
        ),
    ),
    "homogenise": certificate(
        *("ab", [*signs("ab"), TWO_IN_ALL]),
        [">=", plus(power("a", "2"), power("b", "2")), "1/2"],
        *(clear(), {"step": "homogenise", "equality": 0}),
        orthant(by_product("1/2", [poly("ab", "a -1*b"), 2, None])),
    ),
    "homogenise_fact, at most": certificate(
        *("ab", [*signs("ab"), ["<=", plus("a", "b"), "1"]]),
        [">=", plus("a", "b"), power(plus("a", "b"), "2")],
        clear(),
        {"step": "homogenise_fact", "fact": 0, "parts": {"1": COEFFICIENTS}},
        orthant(COEFFICIENTS),
    ),
    "homogenise_fact, at least": certificate(
        *("ab", [*signs("ab"), [">=", plus("a", "b"), "2"]]),
        [">=", power(plus("a", "b"), "2"), times("2", plus("a", "b"))],
        clear(),
        {"step": "homogenise_fact", "fact": 0, "parts": {"1": COEFFICIENTS}},
        orthant(COEFFICIENTS),
    ),
    "interior": certificate(
        *("ab", signs("ab")),
        [">=", plus(power("a", "3"), power("b", "3")), times("a", "b", plus("a", "b"))],
        *(clear(), {"step": "interior"}, {"step": "divide", "by": poly("ab", "a b")}),
        orthant(by_product("1", [poly("ab", "a -1*b"), 2, None])),
    ),
    "raise_equality": certificate(
        *("ab", [*signs("ab"), ["=", plus("a", "b"), root("2")]]),
        [">=", "1/2", times("a", "b")],
        {"step": "raise_equality", "equality": 0, "power": 2},
        *(clear(), {"step": "homogenise", "equality": 1}),
        orthant(by_product("1/2", [poly("ab", "a -1*b"), 2, None])),
    ),
    "raise_equality, factor by factor": certificate(
        *("ab", [*signs("ab", ">"), ["=", over(times("2", root("a")), root("b")), "2"]]),
        [">=", "0", minus("a", "b")],
        {"step": "raise_equality", "equality": 0, "power": 2},
        clear(),
        squares(ONE_2, equalities=[[1, poly("ab", "-1/4")]]),
    ),
    "ratio": certificate(
        *("abc", [*signs("abc"), ["=", times("a", "b", "c"), "1"]]),
        *([">=", plus("a", "b", "c"), "3"], {"step": "ratio", "equality": 0, "reverse": False}),
        clear(denominators=[under(poly("abc", v)) for v in "abc"]),
        orthant({"by": "minimum", "cases": {"2": by_variable(2, k0=COEFFICIENTS, k1=sturm(0))}}),
    ),
    "linear": certificate(
        *("abc", SIDES),
        [
            ">=",
            times("a", "b", "c"),
            times(
                *(
                    minus(plus(v, w), u)
                    for v, w, u in (("a", "b", "c"), ("b", "c", "a"), ("c", "a", "b"))
                )
            ),
        ],
        {
            "step": "linear",
            "variables": ["x", "y", "z"],
            "from": [0, 1, 2],
            "by": {v: plus(times("1/2", w), times("1/2", u)) for v, w, u in ("ayz", "bzx", "cxy")},
            "drop": [0, 1, 2],
        },
        clear(),
        orthant(
            by_squares(
                ONE_3,
                *(
                    block(poly("xyz", v), [poly("xyz", w), poly("xyz", u)], "1/8 -1/8", "-1/8 1/8")
                    for v, w, u in ("xyz", "yzx", "zxy")
                ),
            )
        ),
    ),
    "gap": certificate(
        *("a", [], [">", plus(power("a", "2"), "1"), "0"], {"step": "gap", "gap": "1/2"}, clear()),
        squares(ONE, block(ONE, [ONE, poly("a", "a")], "1/2 0", "0 1")),
    ),
    "cases": certificate(
        *("a", [], [">=", plus(power("a", "2"), "a", "1"), "0"]),
        {
            "step": "cases",
            "proofs": [
                {"negated": [], "proof": [clear(), orthant(COEFFICIENTS)]},
                {"negated": ["a"], "proof": [clear(), orthant(sturm(0))]},
            ],
        },
    ),
    "absurd": certificate(
        *("ab", [*signs("ab"), ["=", plus("a", "b"), "-1"]], [">=", "a", "5"]),
        {"step": "absurd", "equality": 0},
    ),
    "power": certificate(
        *("a", signs("a"), [">=", plus("a", "1"), times("2", root("a"))]),
        {"step": "power", "variables": ["a"], "power": 2},
        clear(roots=[listed(power("a", "2"), poly("a", "a"), None)]),
        orthant(by_product("1", [poly("a", "a -1"), 2, None])),
    ),
    "weighted_mean": certificate(
        *("abpq", [*signs("abpq", ">"), ["=", plus("p", "q"), "1"]]),
        [
            "<=",
            times("3", power("a", "p"), power("b", "q")),
            times("3", plus(times("p", "a"), times("q", "b"))),
        ],
        *({"step": "weighted_mean"}, clear(), orthant(COEFFICIENTS)),
    ),
    "log_bound": certificate(
        *("aw", [[">=", "a", "1"], [">", "w", "0"]], [">=", power("a", "w"), "1"]),
        *({"step": "log_bound", "power": "-1"}, clear(denominators=[under(poly("aw", "a"))])),
        squares(poly("aw", "1"), block(poly("aw", "w*a -1*w"), [poly("aw", "1")], "1")),
    ),
    "upper": with_root(
        *([">=", over(plus("1", "a"), "2"), root("a")], "a", poly("at", "a")),
        *(bound("upper", poly("at", "1"), poly("at", "1")), orthant(COEFFICIENTS)),
    ),
    "lower": certificate(
        *("a", signs("a"), [">=", root("a"), over(times("2", "a"), plus("a", "1"))]),
        clear(ROOT_OF_A, [listed("a", poly("at", "1"), 0, over=[0])], [under(poly("at", "a 1"))]),
        *(bound("lower", poly("at", "1"), poly("at", "1")), orthant(COEFFICIENTS)),
    ),
    "convex": with_root(
        *([">=", root("a"), over(times("a", minus("3", "a")), "2")], "a", poly("at", "a")),
        *(bound("convex", poly("at", "1"), poly("at", "1")), orthant(COEFFICIENTS)),
    ),
    "above": with_root(
        [">=", plus("1", "a"), root(plus("1", power("a", "2")))],
        *(plus("1", power("a", "2")), poly("at", "1 a*a")),
        bound("above", poly("at", "1 a"), poly("at", "1"), proof=COEFFICIENTS),
        orthant(COEFFICIENTS),
    ),
    "below": with_root(
        [">=", root(plus("1", power("a", "2"))), "1"],
        *(plus("1", power("a", "2")), poly("at", "1 a*a")),
        bound("below", poly("at", "1"), poly("at", "1"), proof=COEFFICIENTS),
        orthant(COEFFICIENTS),
    ),
    "multiply": certificate(
        *("ab", signs("ab", ">")),
        [">=", plus(power("a", "2"), power("b", "2")), times("a", "b")],
        *(clear(), {"step": "multiply", "by": poly("ab", "a b")}, orthant(COEFFICIENTS)),
    ),
    "divide": certificate(
        *("ab", [*signs("ab"), TWO_IN_ALL]),
        [">=", plus(power("a", "3"), power("b", "3")), times("a", "b", plus("a", "b"))],
        *(clear(), {"step": "divide", "by": poly("ab", "a b")}, orthant(SQUARED)),
    ),
    "negated": certificate(
        *("a", [*signs("a"), [">=", power("a", "2"), "1"]], [">=", "a", "1"], clear()),
        squares(
            *(ONE, block(poly("a", "a -1*a*a"), [ONE], "1")),
            *(block(poly("a", "a*a -1"), [ONE], "1"),),
            negated=True,
        ),
    ),
    "equalities": certificate(
        *("ab", [TWO_IN_ALL], ["<=", times("a", "b"), "1/4"], clear()),
        squares(
            *(ONE_2, block(ONE_2, [poly("ab", "a"), ONE_2], "1 -1/2", "-1/2 1/4")),
            equalities=[[0, poly("ab", "-1*a")]],
        ),
    ),
    "a multiplier that may vanish": certificate(
        *("a", signs("a"), [">=", power("a", "2"), "0"], clear()),
        squares(poly("a", "a"), block(poly("a", "a"), [poly("a", "a")], "1")),
    ),
    "root with an equality": certificate(
        *("ab", [*signs("ab"), TWO_IN_ALL], [">=", root(minus("1", "a")), "b"]),
        clear(
            [radical(poly("abt", "b"))],
            [listed(minus("1", "a"), poly("abt", "1"), 0, modulo=[[0, poly("abt", "1")]])],
        ),
        bound("lower", poly("abt", "1"), poly("abt", "1")),
        *({"step": "homogenise", "equality": 0}, orthant(COEFFICIENTS)),
    ),
    "root over a denominator": certificate(
        *("a", signs("a", ">"), [">=", root(over("1", power("a", "2"))), "0"]),
        clear(
            roots=[listed(over("1", power("a", "2")), ONE, None, over=[1])],
            denominators=[under(poly("a", "a"))],
        ),
        orthant(COEFFICIENTS),
    ),
    "two claims": {
        "format": "rstar-bench inequality 1",
        "statement": {
            "variables": ["a"],
            "assumptions": signs("a"),
            "claims": [[">=", "a", "0"], [">=", "a", "0"]],
        },
        "proofs": [[clear(), orthant(COEFFICIENTS)]] * 2,
    },
    "a denominator below 0": certificate(
        *("a", signs("a"), ["<=", over("1", minus(["-", "a"], "1")), "0"]),
        *(clear(denominators=[under(poly("a", "-1*a -1"), sign=-1)]), orthant(COEFFICIENTS)),
    ),
    "replace": certificate(
        *("a", signs("a"), [">=", plus(power("a", "2"), times("2", "a"), "3"), "2"]),
        *(replaced("a", clear(), orthant(COEFFICIENTS)), clear(), orthant(COEFFICIENTS)),
    ),
    "replace, in a replacement and after a gap": certificate(
        *(
            "a",
            signs("a"),
            [">", plus("a", power("a", "2"), "1"), "0"],
            {"step": "gap", "gap": "1"},
        ),
        replaced(
            plus("a", times("0", "a")),
            *(replaced(power("a", "2"), clear(), orthant(COEFFICIENTS)), clear()),
            orthant(COEFFICIENTS),
        ),
        *(clear(), orthant(COEFFICIENTS)),
    ),
    "replace, and the smaller side is what replaces": certificate(
        *("abpq", [*signs("abpq", ">"), ["=", plus("p", "q"), "1"], ["=", plus("a", "1"), "0"]]),
        [">=", plus(times("p", "a"), times("q", "b")), "0"],
        replaced(
            times(power("a", "p"), power("b", "q")),
            *({"step": "weighted_mean"}, clear(), orthant(COEFFICIENTS)),
        ),
        {"step": "absurd", "equality": 1},
    ),
    "positive": certificate("a", signs("a"), [">", plus("a", "1"), "0"], clear(), positive()),
    "positive, with a radical": certificate(
        *("a", signs("a", ">"), ["<", "0", root("a")]),
        *(clear(ROOT_OF_A, TAKE_ROOT_OF_A), positive()),
    ),
    "positive, after a replacement by a power of both sides": certificate(
        *(
            "ab",
            signs("ab", ">"),
            [">", plus(over(plus("a", "b"), "2"), "a"), root(times("a", "b"))],
        ),
        replaced("a", *RAISE),
        *(clear(), positive()),
    ),
    "positive, in cases": certificate(
        *("a", [], [">", plus(power("a", "2"), "a", "1"), "0"]),
        cases_of_a(
            [clear(), positive()],
            [clear(), positive(above(poly("a", "1/2"), {"by": "orthant", "proof": sturm(0)}))],
        ),
    ),
    "positive, by every step that keeps it": certificate(
        *("ab", [*signs("ab", ">"), TWO_IN_ALL]),
        *([">", plus(power("a", "3"), power("b", "3")), times("-1", "a", "b")], clear()),
        {"step": "homogenise", "equality": 0},
        {"step": "multiply", "by": poly("ab", "a b")},
        {"step": "divide", "by": poly("ab", "a b")},
        *({"step": "power_variables", "power": 2}, positive()),
    ),
    "positive, where the assumptions contradict each other": certificate(
        *("a", [*signs("a"), ["=", plus("a", "1"), "0"]], [">", "a", "5"]),
        *({"step": "absurd", "equality": 0},),
    ),
    "sign: above": reciprocal(
        *([], plus(power("a", "2"), ["-", "a"], "1"), poly("a", "a*a -1*a 1")),
        above(
            poly("a", "1/2"),
            squares(ONE, block(ONE, [ONE, poly("a", "a")], "1/2 -1/2", "-1/2 1")),
        ),
        "a",
    ),
    "sign: homogenised": reciprocal(
        *([*signs("ab", ">"), TWO_IN_ALL], minus("1", "a"), poly("ab", "1 -1*a")),
        *({"by": "homogenised", "equality": 0}, "ab"),
    ),
    "sign: fact": reciprocal(
        *(
            [[">", "a", "b"]],
            minus("a", "b"),
            poly("ab", "a -1*b"),
            {"by": "fact", "fact": 0},
            "ab",
        ),
    ),
    "sign: margin": reciprocal(
        *(
            [*signs("ab"), TWO_IN_ALL],
            plus(power("a", "2"), power("b", "2")),
            poly("ab", "a*a b*b"),
        ),
        {
            "by": "margin",
            "margin": "1/2",
            "equality": None,
            "proof": by_product("1/2", [poly("ab", "a -1*b"), 2, None]),
        },
        "ab",
    ),
    "sign: margin, homogenised": reciprocal(
        *([*signs("ab"), TWO_IN_ALL], minus("1", times("a", "b")), poly("ab", "1 -1*a*b")),
        {"by": "margin", "margin": "1/2", "equality": 0, "proof": COEFFICIENTS},
        "ab",
    ),
    "sign: margin, not homogeneous": reciprocal(
        *(signs("ab", ">"), plus("a", "b", "1"), poly("ab", "a b 1")),
        {
            "by": "margin",
            "margin": "1/2",
            "equality": None,
            "proof": COEFFICIENTS,
        },
        "ab",
    ),
    "sign: power": reciprocal(
        *(
            [*signs("ab"), TWO_IN_ALL],
            plus(power("a", "2"), power("b", "2")),
            poly("ab", "a*a b*b"),
        ),
        *({"by": "power", "equality": 0, "p": 3, "m": 1}, "ab"),
    ),
    "sign: gap": reciprocal(
        *([], plus(power("a", "2"), ["-", "a"], "1"), poly("a", "a*a -1*a 1")),
        {
            "by": "gap",
            "gap": "1/2",
            "squares": squares(ONE, block(ONE, [ONE, poly("a", "a")], "1/2 -1/2", "-1/2 1")),
        },
        "a",
    ),
    "sign: orthant": certificate(
        *("ab", signs("ab")),
        [">=", root(plus(power("a", "2"), ["-", times("a", "b")], power("b", "2"))), "0"],
        clear(
            [radical(poly("abt", "a*a -1*a*b b*b"), proof={"by": "orthant", "proof": sturm(0)})],
            [
                listed(
                    plus(power("a", "2"), ["-", times("a", "b")], power("b", "2")),
                    *(poly("abt", "1"), 0),
                )
            ],
        ),
        bound("below", [], poly("abt", "1"), proof=sturm(0)),
        orthant(COEFFICIENTS),
    ),
    "sign: squares": certificate(
        *("a", [], [">=", root(plus(power("a", "2"), times("-2", "a"), "2")), "1"]),
        clear(
            [
                radical(
                    poly("at", "a*a -2*a 2"),
                    proof=squares(
                        poly("at", "1"),
                        block(poly("at", "1"), [poly("at", "1"), poly("at", "a")], "2 -1", "-1 1"),
                    ),
                )
            ],
            [listed(plus(power("a", "2"), times("-2", "a"), "2"), poly("at", "1"), 0)],
        ),
        {"step": "raise", "larger": [1], "smaller": [0], "power": 2, "proof": VISIBLE},
        squares(
            poly("at", "1"),
            block(poly("at", "1"), [poly("at", "1"), poly("at", "a")], *SQUARE),
        ),
    ),
}

A_GAP = "replace, in a replacement and after a gap"
BY_POWERS = "positive, after a replacement by a power of both sides"
BY_EVERY_STEP = "positive, by every step that keeps it"
CONTRADICTED = "positive, where the assumptions contradict each other"
LEAST = "proofs.0.0.denominators.0.proof.least"

WRONG: list[tuple[str, str, Json, str]] = [
    ("squares", "statement.claims.0.2.1", "3", "sum"),
    ("squares", "proofs.0.1.blocks.0.gram.0.1", "1", "symmetric"),
    ("squares", "proofs.0.1.blocks.0.gram", [["1", "-2"], ["-2", "1"]], "semidefinite"),
    ("squares", "proofs.0.1.blocks.0.gram", [["1", "-1"], ["-1", "2"]], "sum"),
    ("squares", "proofs.0.1.blocks.0.gram.0.0", 1.0, "float"),
    ("squares", "proofs.0.1.blocks.0.gram.0.0", 1, "rational number"),
    ("squares", "proofs.0.1.blocks.0.basis", TWICE, "list of"),
    (
        "squares",
        "proofs.0.1.blocks.0.weight",
        poly("ab", "a*a"),
        "blocks.0.weight: .* of the weights",
    ),
    ("squares", "proofs.0.1.multiplier", poly("ab", "2"), "sum"),
    ("squares", "proofs.0.1.multiplier", [], "multiplier"),
    ("squares", "proofs.0.0", DROP, "step 1 .squares.: .*found 'squares', needed replace"),
    ("squares", "proofs.0.0", TWICE, "step 2 .clear.: .*found 'clear', needed homogenise"),
    ("squares", "proofs.0.1", TWICE, "step 3 .squares.: .*found 'squares', needed nothing"),
    ("squares", "proofs.0.1", DROP, "no step closes"),
    (
        "squares",
        "statement.claims.0.0",
        ">",
        "step 2 .squares.: .* needed homogenise .* or positive$",
    ),
    ("squares", "statement.claims.0.0", "<=", "sum"),
    ("squares", "statement.claims.0.0", "=", "no inequality"),
    ("raise", "statement.assumptions.0", DROP, "visible"),
    ("raise", "proofs.0.1.power", 3, "radical"),
    ("raise", "proofs.0.1.larger", [1], "other products"),
    ("raise", "proofs.0.1", DROP, "radicals"),
    ("raise", "proofs.0.0.roots.0.radical", 1, "integer from 0 to 0"),
    ("raise", "proofs.0.0.roots.0.radical", None, "a value whose power 2"),
    ("raise", "proofs.0.0.roots.0.index", 3, "a radical of index 3"),
    ("raise", "proofs.0.0.roots.0.factor", poly("abt", "-1"), "visibly nonnegative"),
    ("raise", "proofs.0.0.roots.0.factor", poly("abt", "2"), "a value whose power 2"),
    ("raise", "proofs.0.0.roots", TWICE, "twice"),
    ("raise", "proofs.0.0.radicals.0.radicand", poly("abt", "a*b -1"), "visible"),
    ("raise", "proofs.0.2.proof.constant", "1/2", "product"),
    ("interior", "statement.assumptions.0.0", "<=", "not all variables are nonnegative"),
    ("interior", "statement.assumptions", [*signs("ab"), [">=", "a", "1"]], "there are facts"),
    ("interior", "statement.assumptions", [*signs("ab"), ["=", "a", "b"]], "needed A and B"),
    ("interior", "statement.assumptions", [*signs("ab"), TWO_IN_ALL, TWO_IN_ALL], "more than one"),
    (
        "interior",
        "statement.assumptions",
        [*signs("ab"), ["=", root("a"), "1"]],
        "the equality cannot be used",
    ),
    ("interior", "statement.claims.0.0", ">", "step 2 .interior.: .*found 'interior', needed"),
    ("interior", "proofs.0.1", DROP, "positive off the origin"),
    ("raise_equality", "proofs.0.0.power", 1, "integer from 2"),
    ("raise_equality", "proofs.0.0.power", 3, "without roots"),
    ("raise_equality", "proofs.0.0.power", 4, "degrees differ not by 4 times"),
    ("raise_equality", "proofs.0.0.equality", 1, "integer from 0 to 0"),
    ("raise_equality", "proofs.0.2.equality", 0, "without roots"),
    ("raise_equality", "statement.assumptions.2.2", root("3"), "product"),
    ("rename", "proofs.0.1.images.0.1.factor", poly("abt", "2"), "the power 2 of the product"),
    ("rename", "proofs.0.1.images.0.1.factor", poly("abt", "-1"), "visibly nonnegative"),
    ("rename", "proofs.0.1.images.0.1.power", 2, "integer from 1 to 1"),
    ("rename", "proofs.0.1.images.0", DROP, "not listed"),
    ("rename", "proofs.0.1.images", TWICE, "twice"),
    ("rename", "proofs.0.1.radicals.0.radicand", poly("abt", "a"), "the power 2 of the product"),
    (
        "rename to no radical",
        "proofs.0.1.images.0.1.factor",
        poly("ab", "a*b"),
        "the power 2 of the product",
    ),
    ("rename to no radical", "proofs.0.1.images.0.0", [1, 0], "the power 2 of the product"),
    ("power_variables", "proofs.0.1.power", 1, "not whole"),
    (
        "power_variables",
        "proofs.0.0.radicals.1.radicand",
        poly("abtu", "2*b"),
        "roots.1: .*a value whose power 2",
    ),
    (
        "power_variables",
        "proofs.0.2.proof.factors.0.0",
        poly("ab", "a b"),
        "product'.* needed a proof",
    ),
    ("nesbitt", "statement.claims.0.2", "8/5", "squares'.* needed a proof"),
    (
        "nesbitt",
        "statement.assumptions",
        signs("abc"),
        "visible'.* needed a proof that the polynomial is > 0",
    ),
    ("nesbitt", "proofs.0.0.denominators.1", DROP, "denominator"),
    ("nesbitt", "proofs.0.0.denominators.1.sign", -1, "visible"),
    (
        "nesbitt",
        "proofs.0.1.proof.blocks.0.weight",
        poly("abc", "a -1*b"),
        "blocks.0.weight: .* of the weights",
    ),
    ("minimum", "proofs.0.1.proof.cases", {}, "minimum'.* needed a proof"),
    ("minimum", "proofs.0.1.proof.cases", {"3": SMALLEST}, "minimum'.* needed a proof"),
    ("minimum", "proofs.0.1.proof.cases.2.variable", 1, "product'.* needed a proof"),
    ("minimum", "statement.claims.0.1.1.1", times("2", "a"), "cases: .* an object with '0'"),
    ("orders", "proofs.0.1.proof.cases.0,1,2", DROP, "an object with '0,1,2'"),
    ("orders", "proofs.0.1.proof.cases.0,1,2", sturm(0), "sturm"),
    ("orders", "statement.claims.0.2", times("a", "b", "c"), "coefficients'.* needed a proof"),
    ("homogenise", "proofs.0.1", DROP, "product'.* needed a proof"),
    ("homogenise", "proofs.0.1.equality", 1, "integer from 0 to 0"),
    ("homogenise", "proofs.0.1.equality", -1, "integer from 0 to 0"),
    ("homogenise", "statement.assumptions.2.2", "2", "product'.* needed a proof"),
    ("homogenise", "statement.assumptions.2.2", "-1", "split"),
    ("homogenise", "statement.assumptions.2.0", "!=", "integer from 0 to -1"),
    (
        "homogenise_fact, at most",
        "statement.assumptions.2.0",
        ">=",
        "coefficients'.* needed a proof",
    ),
    ("homogenise_fact, at most", "proofs.0.1.parts", {}, "an object with '1'"),
    ("homogenise_fact, at most", "statement.assumptions.0", DROP, "nonnegative"),
    (
        "homogenise_fact, at least",
        "statement.assumptions.2.0",
        "<=",
        "coefficients'.* needed a proof",
    ),
    ("homogenise_fact, at least", "proofs.0.1.parts.1", DROP, "an object with '1'"),
    ("homogenise_fact, at least", "proofs.0.1.fact", 1, "integer from 0 to 0"),
    ("ratio", "statement.assumptions.3.2", "2", "product of all variables is 1"),
    ("ratio", "statement.assumptions.0", DROP, "not a nonnegative variable"),
    ("ratio", "proofs.0.0", TWICE, "integer from 0 to -1"),
    ("ratio", "statement.claims.0.2", "4", "coefficients: .* an object with '2'"),
    ("linear", "proofs.0.0.from", [1, 0, 2], "from.0: .* a form that becomes x, "),
    ("linear", "proofs.0.0.from.2", "a", "not a nonnegative variable"),
    ("linear", "proofs.0.0.by.a", plus("y", "z"), "from.0: .* a form that becomes x, "),
    ("linear", "proofs.0.0.by.a", power("y", "2"), "linear forms"),
    ("linear", "proofs.0.0.by.a", DROP, "an object with 'a'"),
    ("linear", "proofs.0.0.drop", [3], "integer from 0 to 2"),
    ("linear", "statement.assumptions.2", DROP, "integer from 0 to 1"),
    ("gap", "proofs.0.0.gap", "2", "sum"),
    ("gap", "proofs.0.0.gap", "0", "above 0"),
    ("gap", "proofs.0.0", TWICE, "found 'gap', needed replace"),
    ("gap", "proofs.0.0", DROP, "step 2 .squares.: .* or positive$"),
    ("gap", "statement.claims.0.0", ">=", "found 'gap', needed replace"),
    ("cases", "proofs.0.0.proofs.1", DROP, "all subsets"),
    ("cases", "proofs.0.0.proofs", TWICE, "all subsets"),
    ("cases", "proofs.0.0.proofs.1.negated", [], "all subsets"),
    ("cases", "statement.claims.0.2", "4/5", "with .* negated, step 2"),
    ("cases", "proofs.0.0.proofs.1.proof.1", DROP, "with .'a'. negated, no step closes"),
    ("cases", "statement.assumptions", signs("a"), "all subsets"),
    ("replace", "proofs.0.0.by", times("3", "a"), "replace.: the difference, step 2 .orthant."),
    ("replace", "proofs.0.0.by", plus("a", "4"), "replace.: the difference, step 2 .orthant."),
    ("replace", "proofs.0.0.by", ["-", "a"], "step 3 .orthant."),
    ("replace", "proofs.0.0.by", "z", "by: found 'z', needed a known name"),
    ("replace", "proofs.0.0.proof", DROP, "an object with 'proof'"),
    ("replace", "proofs.0.0.proof.1", DROP, "the difference, no step closes"),
    ("replace", "proofs.0.0.proof", [], "the difference, no step closes"),
    ("replace", "proofs.0.0.proof.1", positive(), "found 'positive', needed homogenise"),
    ("replace", "proofs.0.0.proof.0", {"step": "gap", "gap": "1"}, "found 'gap', needed replace"),
    ("replace", "proofs.0.1", DROP, "step 2 .orthant.: .* found 'orthant', needed replace"),
    ("replace", "proofs.0.2", DROP, "claim 1, no step closes"),
    ("replace", "proofs.0.1", TWICE, "found 'clear', needed homogenise"),
    ("replace", "proofs.0.2", replaced("a", *RAISE), "found 'replace', needed homogenise"),
    ("replace", "statement.claims.0.0", ">", "step 3 .orthant.: .* found 'orthant'"),
    (A_GAP, "proofs.0.1.proof.0.by", "a", "replace.: the difference, step 1 .replace.: the diff"),
    (A_GAP, "proofs.0.0", DROP, "step 3 .orthant.: .* found 'orthant', needed homogenise"),
    (A_GAP, "proofs.0.3", positive(), "found 'positive', needed homogenise"),
    ("positive", "statement.claims.0.0", ">=", "found 'positive', needed homogenise"),
    ("positive", "statement.claims.0.1", "a", "needed a proof that the polynomial is > 0"),
    ("positive", "statement.assumptions", [], "needed a proof that the polynomial is > 0"),
    ("positive", "proofs.0.0", DROP, "found 'positive', needed gap or replace"),
    ("positive", "proofs.0.1", TWICE, "found 'positive', needed nothing more"),
    ("positive", "proofs.0.1", orthant(COEFFICIENTS), "found 'orthant', needed homogenise"),
    ("positive", "proofs.0.1", squares(ONE), "found 'squares', needed homogenise"),
    ("positive", "proofs.0.1.proof", {"by": "orthant"}, "found 'orthant', needed visible"),
    ("positive", "proofs.0.1.proof", squares(ONE), "found 'squares', needed visible"),
    ("positive, with a radical", "statement.assumptions.0.0", ">=", "polynomial is > 0"),
    ("positive, with a radical", "proofs.0.1.proof", above([], VISIBLE), "has radicals"),
    (BY_POWERS, "proofs.0.0", RAISE[0], "step 2 .clear.: .* found 'clear'"),
    (BY_POWERS, "proofs.0", [*RAISE[:2], positive()], "found 'raise', needed homogenise"),
    (BY_POWERS, "statement.assumptions", signs("ab"), "step 3 .positive."),
    ("positive, in cases", "proofs.0.0.proofs.0.proof.1", orthant(COEFFICIENTS), "found 'orthant'"),
    ("positive, in cases", "proofs.0.0.proofs.0.proof.0", {"step": "gap", "gap": "1"}, "'gap'"),
    ("positive, in cases", "statement.claims.0.0", ">=", "found 'positive', needed homogenise"),
    ("positive, in cases", "statement.claims.0.2", "3/4", "with .'a'. negated, step 2 .positive."),
    (BY_EVERY_STEP, "statement.assumptions", [*signs("ab"), TWO_IN_ALL], "multiply"),
    (CONTRADICTED, "statement.assumptions.1.2", "1", "does not contradict itself"),
    ("sign: above", LEAST, poly("a", "a*a"), "least: .* needed a visibly positive polynomial"),
    ("sign: above", LEAST, poly("a", "1/2 a"), "least: .* needed a visibly positive polynomial"),
    ("sign: above", LEAST, [], "least: .* needed a visibly positive polynomial"),
    ("sign: above", LEAST, poly("a", "3/4"), "squares with the polynomial as their sum"),
    ("sign: above", LEAST.replace("least", "proof"), above([], VISIBLE), "found 'above', needed"),
    ("sign: above", LEAST.replace("least", "proof"), VISIBLE, "polynomial is >= 0"),
    ("absurd", "statement.assumptions.2.2", "1", "contradict"),
    ("absurd", "statement.assumptions.2.2", "0", "contradict"),
    ("absurd", "statement.assumptions.1", DROP, "not a nonnegative variable"),
    ("power", "statement.assumptions.0", DROP, "not a nonnegative variable"),
    ("power", "proofs.0.0.power", 0, "integer from 1"),
    ("power", "proofs.0.0.power", 3, "is not listed"),
    ("power", "proofs.0.1.roots.0.of", "a", "a value whose power 2"),
    ("weighted_mean", "statement.assumptions.4.2", "2", "add up to 1"),
    ("weighted_mean", "statement.assumptions.2.0", ">=", "positive by order"),
    ("weighted_mean", "statement.claims.0.1.1", "-3", "below 0"),
    ("weighted_mean", "statement.claims.0.0", ">=", "two factors"),
    ("weighted_mean", "proofs.0.0", DROP, "exponent has variables"),
    ("log_bound", "proofs.0.0.power", "1", "a number below 0"),
    ("log_bound", "statement.assumptions.0.2", "0", "positive by order"),
    ("log_bound", "statement.assumptions.0.2", "1/2", "blocks.0.weight: .* of the weights"),
    ("log_bound", "statement.claims.0.2", "2", "smaller side is not 1"),
    ("upper", "proofs.0.1.kind", "lower", "lower needs another sign"),
    ("upper", "statement.claims.0.1.2", "3", "coefficients'.* needed a proof"),
    ("upper", "proofs.0.1.by.1", [], "by.1: .* needed a polynomial that is positive off"),
    ("upper", "proofs.0.1.power", 2, "integer from 1 to 1"),
    ("lower", "proofs.0.1.kind", "upper", "upper needs another sign"),
    ("lower", "statement.claims.0.2.1.1", "3", "coefficients'.* needed a proof"),
    (
        "lower",
        "proofs.0.1.by.0",
        poly("at", "a"),
        "by.0: .* needed a polynomial that is positive off",
    ),
    ("convex", "statement.claims.0.2.2", "1", "coefficients'.* needed a proof"),
    (
        "convex",
        "proofs.0.1.by.0",
        poly("at", "-1"),
        "by.0: .* needed a polynomial that is positive off",
    ),
    ("above", "proofs.0.1.by.0", poly("at", "1"), "coefficients'.* needed a proof"),
    ("above", "proofs.0.1.kind", "below", "below needs another sign"),
    ("above", "proofs.0.1.proof", DROP, "an object with 'proof'"),
    ("below", "proofs.0.1.by.0", poly("at", "1 a"), "coefficients'.* needed a proof"),
    ("below", "statement.assumptions.0", DROP, "nonnegative"),
    ("below", "proofs.0.1.by.1", poly("at", "t"), "without radicals"),
    ("multiply", "proofs.0.1.by", poly("ab", "a -1*b"), "visibly positive"),
    ("multiply", "statement.assumptions", signs("ab"), "visibly positive"),
    ("multiply", "statement.assumptions.0", DROP, "visibly positive"),
    ("multiply", "proofs.0.1.by", [], "visibly positive"),
    ("divide", "proofs.0.1.by", poly("ab", "a 2*b"), "not a multiple"),
    ("divide", "proofs.0.1.by", poly("ab", "a -1*b"), "positive off the origin"),
    ("divide", "proofs.0.1.by", [], "positive off the origin"),
    ("divide", "statement.assumptions.2", DROP, "positive off the origin"),
    ("negated", "proofs.0.1.negated", False, "blocks.0.weight: .* of the weights"),
    ("negated", "proofs.0.1.negated", 0, "true or false"),
    ("negated", "statement.assumptions.0", DROP, "blocks.0.weight: .* of the weights"),
    ("negated", "statement.assumptions.1.2", "1/2", "blocks.1.weight: .* of the weights"),
    ("equalities", "statement.claims.0.2", "1/5", "sum"),
    ("equalities", "proofs.0.1.equalities.0.0", 1, "integer from 0 to 0"),
    ("equalities", "proofs.0.1.equalities", [], "sum"),
    ("a multiplier that may vanish", "statement.assumptions", [], "weight|multiplier"),
    (
        *("a multiplier that may vanish", "statement.assumptions"),
        *([*signs("a"), [">=", "0", "a"]], "multiplier"),
    ),
    ("root with an equality", "proofs.0.0.roots.0.modulo", [], "a value whose power 2"),
    ("root with an equality", "proofs.0.0.roots.0.modulo.0.0", 1, "integer from 0 to 0"),
    ("root over a denominator", "proofs.0.0.roots.0.over", [2], "a value whose power 2"),
    ("root over a denominator", "proofs.0.0.roots.0.over", [], "list of 1"),
    (
        "root over a denominator",
        "statement.assumptions.0.0",
        ">=",
        "visible'.* needed a proof that the polynomial is > 0",
    ),
    ("two claims", "proofs.1", DROP, "list of 2"),
    ("two claims", "statement.claims.1.2", "1", "claim 2, step 2"),
    (
        "a denominator below 0",
        "proofs.0.0.denominators.0.sign",
        1,
        "visible'.* needed a proof that the polynomial is > 0",
    ),
    ("a denominator below 0", "proofs.0.0.denominators.0.sign", 0, "and a sign"),
    ("a denominator below 0", "statement.claims.0.0", ">=", "coefficients'.* needed a proof"),
    ("a denominator below 0", "proofs.0.0.denominators.0.factor", poly("a", "2"), "constant"),
    ("sign: homogenised", "statement.assumptions.1.0", ">=", "homogenised'.* needed a proof"),
    ("sign: homogenised", "statement.assumptions.2.2", "2", "homogenised'.* needed a proof"),
    ("sign: fact", "statement.assumptions.0.0", ">=", "fact'.* needed a proof"),
    ("sign: fact", "statement.assumptions.0", [">", "b", "a"], "fact'.* needed a proof"),
    ("sign: margin", "proofs.0.0.denominators.0.proof.margin", "3/4", "product'.* needed a proof"),
    ("sign: margin", "statement.assumptions.2", DROP, "exclude the origin"),
    ("sign: margin", "statement.assumptions.0", DROP, "nonnegative"),
    (
        "sign: margin, homogenised",
        "proofs.0.0.denominators.0.proof.margin",
        "1",
        "coefficients'.* needed a proof",
    ),
    (
        "sign: margin, homogenised",
        "proofs.0.0.denominators.0.proof.equality",
        None,
        "coefficients'.* needed a proof",
    ),
    (
        "sign: margin, not homogeneous",
        "proofs.0.0.denominators.0.proof.margin",
        "2",
        "coefficients'.* needed a proof",
    ),
    ("sign: margin, not homogeneous", "statement.assumptions", signs("ab"), "origin"),
    ("sign: power", "proofs.0.0.denominators.0.proof.p", 0, "integer from 1"),
    ("sign: power", "proofs.0.0.denominators.0.proof.m", 0, "power'.* needed a proof"),
    ("sign: power", "statement.assumptions.2.2", times("a", "b"), "not constant|split"),
    ("sign: gap", "proofs.0.0.denominators.0.proof.gap", "0", "above 0"),
    ("sign: gap", "proofs.0.0.denominators.0.proof.gap", "4/5", "sum"),
    ("sign: gap", "proofs.0.0.denominators.0.proof", squares(ONE), "found 'squares'"),
    ("sign: orthant", "statement.assumptions.0", DROP, "nonnegative"),
    ("sign: orthant", "proofs.0.0.radicals.0.nonnegative.proof.variable", 2, "integer"),
    ("sign: orthant", "proofs.0.0.radicals.0.radicand", poly("abt", "a*a -2*a*b"), "sturm"),
    ("sign: squares", "proofs.0.0.radicals.0.nonnegative.blocks.0.gram.1.1", "2", "sum"),
    ("sign: squares", "proofs.0.1.proof.by", "homogenised", "found 'homogenised'"),
    ("sign: squares", "proofs.0.1.power", 1, "still has a radical"),
]


def edited(name: str, path: str, value: Json) -> Json:
    return edit(GOOD[name], path, value)


@pytest.mark.parametrize("name", GOOD)
def test_a_proof_is_accepted_and_says_what_it_proves(name: str) -> None:
    statement = check_proof(json.loads(json.dumps(GOOD[name])))
    given = GOOD[name]["statement"]
    told = (statement.variables, statement.assumptions, statement.claims)
    expected = [given["variables"], given["assumptions"], given["claims"]]
    assert json.loads(json.dumps(told)) == json.loads(json.dumps(expected))


@pytest.mark.parametrize(("name", "path", "value", "message"), WRONG)
def test_a_wrong_variant_is_refused(name: str, path: str, value: Json, message: str) -> None:
    with pytest.raises(ProofError, match=message):
        check_proof(edited(name, path, value))


def test_every_step_and_every_rule_occurs_in_a_proof_above() -> None:
    words = set(json.dumps(GOOD).replace('"', " ").replace(",", " ").split())
    assert {*STEPS, *NONNEG_PROOFS, *SIGN_PROOFS, *STRICT_SIGN_PROOFS} <= words


def test_the_steps_are_those_of_the_format() -> None:
    named = set(re.findall(r'\{"step": "(\w+)"', FORMAT_PAGE.read_text()))
    assert set(STEPS) == named | {"clear"}


def test_what_shows_a_goal_to_be_above_0_has_only_steps_that_do() -> None:
    assert ORDER["positive_claim"] == {"gap": "expression", **ORDER["positive_expression"]}
    for stage in ("positive_expression", "positive_polynomial"):
        assert {"raise", "orthant", "squares", "gap"}.isdisjoint(ORDER[stage])
        assert all("positive" in to or to == "closed" for to in ORDER[stage].values())
    for stage in ("expression", "polynomial"):
        assert {"gap", "positive"}.isdisjoint(ORDER[stage])
        assert not any("positive" in to for to in ORDER[stage].values())


@pytest.mark.parametrize(
    ("assumptions", "claim"),
    [
        ([], [">=", root(power("a", "2")), "a"]),
        ([], ["<=", root(power("a", "2")), "a"]),
        ([[">=", "a", "-1"]], [">=", root(power("a", "2")), "a"]),
    ],
)
def test_a_root_of_a_square_is_not_a_variable_that_may_be_negative(
    assumptions: Json, claim: Json
) -> None:
    lists = clear(roots=[listed(power("a", "2"), poly("a", "a"), None)])
    with pytest.raises(ProofError, match="visibly nonnegative"):
        check_proof(certificate("a", assumptions, claim, lists, squares(ONE)))


def test_a_sign_is_lost_by_a_substitution_that_does_not_keep_it() -> None:
    # a >= 0 and b >= a; the new variables are x = a and y = b - a, and a >= 0 is known as x >= 0.
    fact = [">=", "b", "a"]
    step = {
        "step": "linear",
        "variables": ["a", "b"],
        "by": {"a": "a", "b": plus("a", "b")},
        "from": ["a", 0],
        "drop": [0],
    }
    closing = [step, clear(), orthant(COEFFICIENTS)]
    check_proof(certificate("ab", [*signs("a"), fact], [">=", "b", "a"], *closing))
    with pytest.raises(ProofError, match="b is free|'b' is not a nonnegative"):
        step["from"] = ["a", "b"]
        check_proof(certificate("ab", [*signs("a"), fact], [">=", "b", "a"], *closing))


def test_three_terms_are_no_order_of_two_variables() -> None:
    names, claim = "abw", [">=", power("a", "w"), "1"]
    steps = [{"step": "log_bound", "power": "-1"}, clear(), orthant(COEFFICIENTS)]
    assumptions = [[">", "w", "0"], [">", "b", "0"], [">=", plus("a", "b"), "w"]]
    with pytest.raises(ProofError, match="a is not positive by order"):
        check_proof(certificate(names, assumptions, claim, *steps))


def test_an_order_of_variables_makes_the_larger_ones_positive() -> None:
    steps = [
        {"step": "log_bound", "power": "-1"},
        clear(denominators=[under(poly("abw", "a"), {"by": "gap", "gap": "1", "squares": {}})]),
    ]
    assumptions = [[">", "w", "0"], [">=", "b", "1"], [">=", "a", "b"]]
    certified = certificate("abw", assumptions, [">=", power("a", "w"), "1"], *steps)
    with pytest.raises(ProofError, match="step 2 .clear.: .* needed an object with 'multiplier'"):
        check_proof(certified)
    one, facts = poly("abw", "1"), (poly("abw", "b -1"), poly("abw", "a -1*b"))
    shown = squares(one, *(block(fact, [one], "1") for fact in facts))
    steps[1]["denominators"][0]["proof"] = {"by": "gap", "gap": "1", "squares": shown}
    weights = poly("abw", "w*b -1*w"), poly("abw", "w*a -1*w*b")
    closing = squares(one, *(block(weight, [one], "1") for weight in weights))
    check_proof(certificate("abw", assumptions, [">=", power("a", "w"), "1"], *steps, closing))


def test_a_fact_over_a_denominator_that_may_vanish_cannot_be_used() -> None:
    claim, fact = [">=", "a", "0"], [">=", over("a", "b"), "0"]
    closing = [clear(), squares(ONE_2, block(poly("ab", "a"), [ONE_2], "1"))]
    check_proof(certificate("ab", [[">", "b", "0"], fact], claim, *closing))
    with pytest.raises(ProofError, match="needed one of the weights"):
        check_proof(certificate("ab", [[">=", "b", "0"], fact], claim, *closing))


@pytest.mark.parametrize("hidden", [times("0", over("1", "a")), power(over("1", "a"), "0")])
def test_a_denominator_has_to_be_shown_not_0_even_where_nothing_of_it_is_left(hidden: Json) -> None:
    steps = [clear(), orthant(COEFFICIENTS)]
    with pytest.raises(ProofError, match="denominator"):
        check_proof(certificate("a", signs("a"), [">=", hidden, "0"], *steps))


def test_an_equality_whose_smaller_part_may_be_0_does_not_split() -> None:
    # B = a + b is 0 at the origin, which satisfies the equality.
    equality = ["=", plus(power("a", "2"), power("b", "2")), plus("a", "b")]
    claim = [">=", times("2", plus(power("a", "2"), power("b", "2"))), plus("a", "b")]
    steps = [clear(), {"step": "homogenise", "equality": 0}, orthant(COEFFICIENTS)]
    check_proof(certificate("ab", [*signs("ab", ">"), equality], claim, *steps))
    with pytest.raises(ProofError, match="does not split"):
        check_proof(certificate("ab", [*signs("ab"), equality], claim, *steps))


def test_a_power_of_both_sides_needs_a_larger_side_that_is_not_negative() -> None:
    # sqrt(a) - 2 >= 0 is false, and 2^2 - a >= 0 is no better where `larger` is said to be -2.
    step = {"step": "raise", "larger": [0], "smaller": [1], "power": 2, "proof": VISIBLE}
    proof = with_root([">=", root("a"), "2"], "a", poly("at", "a"), step, orthant(COEFFICIENTS))
    with pytest.raises(ProofError, match="step 2 .raise.: .* needed a proof"):
        check_proof(proof)


def test_an_odd_root_of_a_negative_number_has_no_meaning() -> None:
    for factor in ("-2", "2"):
        lists = clear(roots=[listed("-8", poly("a", factor), None, index=3)])
        proof = certificate("a", [], [">=", "0", power("-8", "1/3")], lists, squares(ONE))
        with pytest.raises(ProofError, match="visibly nonnegative|a value whose power 3"):
            check_proof(proof)


def test_cases_are_not_nested_and_their_proofs_have_no_gap() -> None:
    case = {"negated": [], "proof": [{"step": "cases", "proofs": []}]}
    with pytest.raises(ProofError, match="step 1 .cases.: the cases are not all"):
        check_proof(edited("cases", "proofs.0.0.proofs.0", case))
    case = {"negated": [], "proof": [{"step": "gap", "gap": "1"}]}
    with pytest.raises(ProofError, match="found 'gap'"):
        check_proof(edited("cases", "proofs.0.0.proofs.0", case))


def test_a_zero_denominator_is_refused() -> None:
    for zero in ("0", minus("a", "a")):
        claim = [">=", over("1", zero), "0"]
        with pytest.raises(ProofError, match="denominator"):
            check_proof(certificate("a", signs("a"), claim, clear(), orthant(COEFFICIENTS)))


HOSTILE: dict[str, Json] = {
    "no object": [],
    "nothing": None,
    "another format": {**GOOD["squares"], "format": "2"},
    "no claims": {
        **GOOD["squares"],
        "statement": {"variables": ["a"], "assumptions": [], "claims": []},
        "proofs": [],
    },
    "a set": {**GOOD["squares"], "proofs": {1, 2}},
    "a key that is no text": {**GOOD["squares"], 1: 2},
    "a deep list": {**GOOD["squares"], "proofs": nested(100_000, [], lambda x: [x])},
    "a huge integer": edited("power", "proofs.0.0.power", 10**5000),
    "a long number": edited("gap", "proofs.0.0.gap", "1" * 10_000),
    "a zero denominator": edited("gap", "proofs.0.0.gap", "1/0"),
    "an exponent below 0": edited("squares", "proofs.0.1.multiplier", [[[0, -1], "1"]]),
    "an exponent too many": edited("squares", "proofs.0.1.multiplier", [[[0, 0, 0], "1"]]),
    "true for 1": edited("squares", "proofs.0.1.multiplier", [[[0, True], "1"]]),
    "a coefficient 0": edited("squares", "proofs.0.1.multiplier", [[[0, 0], "0"]]),
    "exponents twice": edited("squares", "proofs.0.1.multiplier", [[[0, 0], "1"], [[0, 0], "1"]]),
    "a decimal": edited("gap", "proofs.0.0.gap", "0.5"),
    "a number with spaces": edited("gap", "proofs.0.0.gap", " 1/2\n"),
    "other digits": edited("gap", "proofs.0.0.gap", "١"),
    "a name twice": edited("squares", "statement.variables", ["a", "a"]),
    "a number as a name": edited("squares", "statement.variables", ["a", "1"]),
    "an unknown name": edited("squares", "statement.variables", ["a", "c"]),
    "many variables": edited(
        "squares", "statement.variables", [f"x{i}" for i in range(MAX_VARIABLES + 1)]
    ),
    "an empty expression": edited("squares", "statement.claims.0.1", []),
    "a list as an operator": edited("squares", "statement.claims.0.1", [["+"], "a", "b"]),
    "a sum of one": edited("squares", "statement.claims.0.1", ["+", "a"]),
    "an exponent that is a sum of numbers": edited(
        "squares", "statement.claims.0.1", power("a", plus("1", "1"))
    ),
    "a text as a step": edited("weighted_mean", "proofs.0.0", "weighted_mean"),
    "a list as a step's name": edited("squares", "proofs.0.0.step", []),
    "a tower of powers": edited(
        "squares", "statement.claims.0.1", nested(6, plus("a", "b"), lambda x: power(x, "1000"))
    ),
    "a long number to a power": edited(
        "squares", "statement.claims.0.1", nested(5, "9" * 3000, lambda x: power(x, "999"))
    ),
    "a high exponent": edited("squares", "statement.claims.0.1", power("a", "1000000000")),
    "many terms": edited("nesbitt", "proofs.0.0.denominators.0.factor", poly("abc", "b c"))
    | {"proofs": [[{"step": "power", "variables": ["a", "b", "c"], "power": 1000}] * 400]},
    "an exponent that grows": edited(
        "power_variables",
        "proofs.0",
        [
            *GOOD["power_variables"]["proofs"][0][:2],
            *[{"step": "power_variables", "power": 1000}] * 5,
            orthant(sturm(0)),
        ],
    ),
    "a sparse polynomial of a high degree": certificate(
        *("a", signs("a"), [">=", plus(power("a", "1000"), "1"), times("2", power("a", "999"))]),
        *(clear(), orthant(sturm(0))),
    ),
    "many steps that double": {
        **GOOD["squares"],
        "statement": {
            "variables": ["a", "b"],
            "assumptions": signs("ab"),
            "claims": [[">=", "a", "0"]],
        },
        "proofs": [
            [
                {
                    "step": "linear",
                    "variables": ["a", "b"],
                    "by": {
                        "a": plus("a", *["b", ["-", "b"]] * 20),
                        "b": plus("b", "a", ["-", "a"]),
                    },
                    "from": ["a", "b"],
                    "drop": [],
                }
            ]
            * 50
        ],
    },
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_data_is_refused_and_soon(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    # A hundredth of the work that a check may take, for the sake of those that take all of it.
    monkeypatch.setattr("bench.inequalities.checker.MAX_WORK", MAX_WORK // 100)
    start = time.perf_counter()
    with pytest.raises(ProofError):
        check_proof(HOSTILE[name])
    assert time.perf_counter() - start < 2


def test_a_proof_that_is_too_deep_for_the_stack_that_is_left_is_refused() -> None:
    deep = edited("squares", "statement.claims.0.1", nested(130, "a", lambda x: ["-", x]))
    frame, used, outcomes = sys._getframe(), 0, list[str]()
    while frame.f_back is not None:
        frame, used = frame.f_back, used + 1

    def check_after(frames: int) -> None:
        if frames:
            return check_after(frames - 1)
        with pytest.raises(ProofError) as caught:
            check_proof(deep)
        outcomes.append(str(caught.value))

    for free in (150, 200, 600):
        check_after(sys.getrecursionlimit() - used - free)
    assert ["stack" in outcome for outcome in outcomes] == [True, True, False]


def test_a_deep_proof_is_read_or_refused() -> None:
    def deeper(proof: Json) -> Json:
        return by_variable(0, k0=proof)

    for levels in range(10, 100, 10):
        certified = edited(
            "sign: fact", "proofs.0.1", orthant(nested(levels, COEFFICIENTS, deeper))
        )
        certified["statement"]["assumptions"] += signs("ab")
        try:
            check_proof(certified)
        except ProofError as error:
            assert "nests deeper" in str(error)


def find_places(data: Json) -> Iterator[tuple[Json, Json]]:
    """Every list or object with each of its keys."""
    for key in list(data) if isinstance(data, dict) else range(len(data)):
        yield data, key
        if isinstance(data[key], (dict, list)):
            yield from find_places(data[key])


def mutate(certified: Json, chance: random.Random) -> Json:
    """A certificate in which one value, somewhere, is another."""
    result = copy.deepcopy(certified)
    places = [
        (holder, key)
        for part in ("statement", "proofs")
        for holder, key in find_places(result[part])
    ]
    holder, key = chance.choice(places)
    value, other = holder[key], chance.choice(places)
    numbers = ["0", "1", "-1", "2", "1/2", "-3/2", "a", "b"]
    kind = chance.randrange(4)
    if kind == 0:
        if type(value) is int:
            holder[key] = value + chance.choice((-1, 1))
        elif isinstance(value, str):
            words = [*STEPS, *NONNEG_PROOFS, *STRICT_SIGN_PROOFS, *OPERATORS]
            holder[key] = chance.choice(words if value in words else numbers)
        else:
            holder[key] = chance.choice([None, True, False, 1.0, [], {}, "1", 0])
    elif kind == 1:
        del holder[key]
    elif kind == 2:
        holder[key] = copy.deepcopy(other[0][other[1]])
    elif isinstance(holder, list):
        holder.insert(key, copy.deepcopy(value))
    return result


def mutate_steps(certified: Json, chance: random.Random) -> Json:
    """A certificate with a step too many or too few, two steps changed over, or one of another."""
    result = copy.deepcopy(certified)
    lists = [result["proofs"][0]]
    lists += [holder[key] for holder, key in find_places(result["proofs"][0]) if key == "proof"]
    steps = chance.choice([each for each in lists if isinstance(each, list)])
    i, j = (chance.randrange(len(steps)) for _ in range(2))
    match chance.randrange(4):
        case 0:
            del steps[i]
        case 1:
            steps.insert(j, copy.deepcopy(steps[i]))
        case 2:
            steps[i], steps[j] = steps[j], steps[i]
        case 3:
            stranger = chance.choice(list(GOOD.values()))["proofs"][0]
            steps.insert(i, copy.deepcopy(chance.choice(stranger)))
    return result


@pytest.mark.parametrize("name", GOOD)
def test_a_mutant_is_refused_or_proves_its_statement_which_is_true(name: str) -> None:
    chance, proved = random.Random(name), check_proof(GOOD[name])
    for number in range(40):
        mutant = (mutate_steps if number % 4 == 3 else mutate)(GOOD[name], chance)
        if number % 2:
            mutant["statement"] = GOOD[name]["statement"]
        try:
            statement = check_proof(mutant)
        except ProofError:
            continue
        assert json.loads(json.dumps(statement.claims)) == mutant["statement"]["claims"]
        assert statement == proved or find_counterexample(statement) is None


@pytest.mark.parametrize("name", GOOD)
def test_a_false_claim_that_is_close_to_a_true_one_is_not_proved(name: str) -> None:
    # The claim is strict, or of a larger number, and its proof closes in every way there is.
    closings = [orthant(COEFFICIENTS), positive(), {"step": "absurd", "equality": 0}]
    for larger, strict, closing in product(("0", "1/8"), (False, True), [None, *closings]):
        changed = copy.deepcopy(GOOD[name])
        [op, left, right], *others = changed["statement"]["claims"]
        op = op[0] if strict else op
        sides = [left, plus(right, larger)] if op[0] == ">" else [plus(left, larger), right]
        changed["statement"]["claims"] = [[op, *sides], *others]
        if closing is not None:
            changed["proofs"][0][-1] = closing
        try:
            statement = check_proof(changed)
        except ProofError:
            continue
        assert find_counterexample(statement) is None


def test_the_counterexamples_of_these_tests_are_found() -> None:
    for claim in ([">", "a", "0"], [">=", power("a", "2"), "a"], ["<", root("a"), "2"]):
        statement = Statement(("a",), ((">=", "a", "0"),), (tuple(claim),))
        assert find_counterexample(statement) is not None
    for claim in ([">", plus("a", "1"), "0"], [">=", power("a", "2"), "0"]):
        statement = Statement(("a",), ((">=", "a", "0"),), (tuple(claim),))
        assert find_counterexample(statement) is None


def test_roots_above_0_of_odd_order_are_found() -> None:
    chance = random.Random(1)
    for _ in range(60):
        roots = [(Fraction(chance.randint(-3, 3)), chance.randint(1, 3)) for _ in range(3)]
        orders: dict[Fraction, int] = {}
        p = [Fraction(1), Fraction(0), Fraction(1)]  # x^2 + 1, lowest power first
        for at, order in roots:
            orders[at] = orders.get(at, 0) + order
            for _ in range(order):
                p = [
                    low - at * high
                    for low, high in zip([Fraction(0), *p], [*p, Fraction(0)], strict=True)
                ]
        assert changes_sign(p) == any(at > 0 and order % 2 for at, order in orders.items())


def test_semidefinite_matrices_are_those_whose_principal_minors_are_not_negative() -> None:
    def determinant(rows: list[list[Fraction]]) -> Fraction:
        if not rows:
            return Fraction(1)
        minors = ([[*row[:i], *row[i + 1 :]] for row in rows[1:]] for i in range(len(rows)))
        return sum(
            (
                (-1) ** i * c * determinant(minor)
                for i, (c, minor) in enumerate(zip(rows[0], minors, strict=True))
            ),
            Fraction(0),
        )

    chance, found = random.Random(2), set()
    for _ in range(300):
        size = chance.randint(1, 4)
        rows = [[Fraction(0)] * size for _ in range(size)]
        if chance.random() < 0.5:  # a sum of few squares, which is semidefinite and often singular
            for _ in range(chance.randint(0, size)):
                v = [Fraction(chance.randint(-2, 2), chance.randint(1, 3)) for _ in range(size)]
                rows = [
                    [c + x * y for c, y in zip(row, v, strict=True)]
                    for row, x in zip(rows, v, strict=True)
                ]
        else:
            for i, j in product(range(size), repeat=2):
                rows[i][j] = rows[j][i] = Fraction(chance.randint(-1, 2))
        chosen = (c for k in range(1, size + 1) for c in combinations(range(size), k))
        expected = all(determinant([[rows[i][j] for j in c] for i in c]) >= 0 for c in chosen)
        assert is_semidefinite(rows) == expected
        found.add(expected)
    assert found == {True, False}


def test_a_quotient_times_the_divisor_is_the_dividend() -> None:
    chance, ring = random.Random(3), Ring(2)

    def some() -> Polynomial:
        keys = [(chance.randint(0, 3), chance.randint(0, 3)) for _ in range(4)]
        return ring.sum(
            Polynomial(ring, {e: Fraction(chance.choice((-2, -1, 1, 3)))}) for e in keys
        )

    for _ in range(50):
        p, q = some(), some()
        if q:
            assert (p * q).divide(q) == p
            other = (p * q + ring.constant(1)).divide(q)
            assert other is None or other * q == p * q + ring.constant(1)
