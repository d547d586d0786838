"""Certificates that are none: one honest proof, in which one thing at a time is wrong."""

from __future__ import annotations

import json
import time

import pytest

from bench.inequalities.checker import ProofError, check_proof
from tests.inequalities.checking.certificates import (
    COEFFICIENTS,
    DROP,
    TWICE,
    TWO_IN_ALL,
    Json,
    by_product,
    by_variable,
    certificate,
    clear,
    edit,
    minus,
    nested,
    orthant,
    over,
    plus,
    poly,
    power,
    replaced,
    signs,
    times,
    under,
)

HOMOGENISE = {"step": "homogenise", "equality": 0}
SQUARE = by_product("1", [poly("ab", "a -2*b"), 2, None])
HONEST = certificate(
    *("ab", [*signs("ab", ">"), TWO_IN_ALL]),
    [">=", plus(over("a", "b"), over(times("4", "b"), "a")), "4"],
    clear(denominators=[under(poly("ab", "a")), under(poly("ab", "b"))]),
    {"step": "multiply", "by": poly("ab", "a b")},
    HOMOGENISE,
    {"step": "divide", "by": poly("ab", "a b")},
    orthant(SQUARE),
)
"""`a/b + 4b/a >= 4` for positive `a`, `b` that add up to 1, with more steps than it takes."""

CLEAR, MULTIPLY, _, DIVIDE, CLOSE = HONEST["proofs"][0]
CLAIM, STEPS = "statement.claims.0", "proofs.0"
RATIONAL = f"{STEPS}.4.proof.constant"
FACTOR = f"{STEPS}.4.proof.factors.0"
NO_RATIONAL = "a rational number as a text"

Edit = tuple[str, Json, str]
"""A place, what is put there, and what a refusal says."""


def ordered(*steps: Json) -> tuple[str, Json]:
    return STEPS, list(steps)


WRONG: dict[str, list[Edit]] = {
    "steps in another order": [
        (*ordered(MULTIPLY, CLEAR, HOMOGENISE, DIVIDE, CLOSE), "1 .multiply.: .* needed replace"),
        (*ordered(CLEAR, DIVIDE, HOMOGENISE, MULTIPLY, CLOSE), "2 .divide.: .*not a multiple"),
        (*ordered(CLEAR, MULTIPLY, HOMOGENISE, CLOSE, DIVIDE), "4 .orthant.: .*needed a proof"),
        (*ordered(CLOSE, CLEAR), "1 .orthant.: .* needed replace"),
    ],
    "steps left out": [
        (f"{STEPS}.0", DROP, "1 .multiply.: .* needed replace"),
        (f"{STEPS}.1", DROP, "3 .divide.: .* not a multiple"),
        (f"{STEPS}.3", DROP, "4 .orthant.: .*needed a proof"),
        (f"{STEPS}.4", DROP, "no step closes"),
        (STEPS, [], "no step closes"),
        (STEPS, DROP, "a list of 1"),
        ("proofs", DROP, "an object with 'proofs'"),
    ],
    "steps twice": [
        (f"{STEPS}.0", TWICE, "2 .clear.: .* needed homogenise"),
        (f"{STEPS}.1", TWICE, "6 .orthant.: .*needed a proof"),
        (f"{STEPS}.3", TWICE, "5 .divide.: .* not a multiple"),
        (f"{STEPS}.4", TWICE, "6 .orthant.: .* needed nothing more"),
        ("proofs", TWICE, "a list of 1"),
        (CLAIM, TWICE, "a list of 2"),
    ],
    "steps that there are not": [
        (f"{STEPS}.2", {**HOMOGENISE, "step": name}, "3 .*: .* needed homogenise")
        for name in ("trust", "Homogenise", "homogenise ", "", "__init__", None, 0, ["homogenise"])
    ],
    "an index of nothing": [
        (f"{STEPS}.2.equality", index, "integer from 0 to 0")
        for index in (1, -1, 1000, "0", None, [0], True, False)
    ],
    "truth values as numbers": [
        (f"{STEPS}.0.denominators.0.sign", True, "integer from -1 to 1"),
        (f"{STEPS}.1.by.0.0.0", True, "integer from 0 to 1000"),
        (f"{STEPS}.1.by.0.0.1", False, "integer from 0 to 1000"),
        (f"{FACTOR}.1", True, "integer from 1"),
        (RATIONAL, True, NO_RATIONAL),
    ],
    "numbers that are none": [
        (RATIONAL, text, NO_RATIONAL)
        for text in (
            *(
                "NaN",
                "nan",
                "inf",
                "Infinity",
                "-Infinity",
                "None",
                "true",
                "",
                "-",
                "/",
                "1/",
                "/2",
            ),
            *("1.0", ".5", "1e3", "0x10", "1_000", "+1", "--1", "1/2/3", "1/0", "1/-2", "1/00"),
            *(" 1", "1 ", "1\n", "\t1", "1\0", "1,000", "a", "1+1", 1, 0, None, [], ["1"], {}),
        )
    ],
    "digits of other scripts": [
        *(
            (RATIONAL, text, NO_RATIONAL)
            for text in ("\u0661", "\uff11", "\u00b2", "\u00bd", "\u0967")
        ),
        *((RATIONAL, text, NO_RATIONAL) for text in ("1/\uff12", "\u22121", "1\u200b", "\u2460")),
        *((f"{CLAIM}.2", text, "a known name") for text in ("\u0664", "\uff14", "\u2074")),
        *((f"{CLAIM}.1.1.1", name, "a known name") for name in ("\u0430", "\uff41", "a\u0301")),
    ],
    "decimal numbers": [
        (place, number, "found a float")
        for place in (RATIONAL, f"{FACTOR}.1", f"{STEPS}.2.equality", f"{CLAIM}.2", "format")
        for number in (1.0, float("nan"), float("inf"))
    ],
    "huge numbers": [
        (RATIONAL, "9" * 4001, "exceeds 4000 characters"),
        (RATIONAL, "1/" + "9" * 4000, "exceeds 4000 characters"),
        (f"{FACTOR}.1", 10**30, "integer exceeds 1000"),
        (f"{STEPS}.1.by.0.0.0", 1001, "integer exceeds 1000"),
        (f"{CLAIM}.1.1", power("a", "1001"), "exponent exceeds 1000"),
        (f"{CLAIM}.1.1", power("a", "1/1001"), "exponent exceeds 1000"),
        (
            f"{CLAIM}.1.1",
            nested(9, "7", lambda e: power(e, "1000")),
            "a number exceeds the limit of bits",
        ),
        ("statement.variables", [f"x{i}" for i in range(17)], "1 to 16 variables"),
    ],
    "things twice": [
        ("statement.variables", ["a", "a"], "different names"),
        (f"{STEPS}.1.by.0", TWICE, "no exponents twice"),
        (f"{FACTOR}.0.1", TWICE, "no exponents twice"),
    ],
    "names that are none": [
        ("statement.variables.0", name, "different names")
        for name in ("", "1", "_a", "a b", "a\n", "a-b", "\u0430", None, 1, ["a"], {"a": 1})
    ],
    "another statement": [
        ("statement.variables.0", "c", "assumptions.0.1: .*a known name"),
        (f"{CLAIM}.2", "5", "5 .orthant.: .*needed a proof"),
        (f"{CLAIM}.2", "3", "5 .orthant.: .*needed a proof"),
        (f"{CLAIM}.0", "<=", "5 .orthant.: .*needed a proof"),
        (f"{CLAIM}.0", ">", "5 .orthant.: .* or positive$"),
        (f"{CLAIM}.0", "=", "no inequality"),
        (f"{CLAIM}.0", "!=", "no inequality"),
        (f"{CLAIM}.0", "=>", "needed >="),
        (f"{CLAIM}.1.1.2", "a", "5 .orthant.: .*needed a proof"),
        (f"{CLAIM}.1.2.1.1", "-4", "5 .orthant.: .*needed a proof"),
        ("statement.assumptions.0.0", ">=", "1 .clear.: .*polynomial is > 0"),
        ("statement.assumptions.0.0", "<", "1 .clear.: .*polynomial is > 0"),
        ("statement.assumptions.1", DROP, "1 .clear.: .*polynomial is > 0"),
        ("statement.assumptions.2", DROP, "3 .homogenise.: .*integer from 0 to -1"),
        ("statement.assumptions.2.0", ">=", "3 .homogenise.: .*integer from 0 to -1"),
        ("statement.assumptions.2.1", minus("a", "b"), "3 .homogenise.: .*split"),
        ("statement.variables", ["b", "a"], "5 .orthant.: .*needed a proof"),
        ("statement.claims", [], "a claim"),
    ],
    "depth": [
        (place, nested(levels, inner, wrap), "nests deeper than 150")
        for levels in (160, 20_000)
        for place, inner, wrap in (
            *((place, [], lambda x: [x]) for place in ("format", STEPS, f"{STEPS}.1.by", RATIONAL)),
            (CLAIM, {}, lambda x: {"x": x}),
            (f"{CLAIM}.1", "a", lambda e: ["-", e]),
            (f"{STEPS}.4.proof", COEFFICIENTS, lambda proof: by_variable(0, k0=proof)),
            (f"{STEPS}.0", CLEAR, lambda step: replaced("a", step)),
            ("unread", [], lambda x: [x]),
        )
    ],
}

PLACES = [
    *("format", "statement", "statement.variables", "statement.assumptions", "statement.claims"),
    *("statement.assumptions.0", "statement.assumptions.0.0", CLAIM, f"{CLAIM}.1", f"{CLAIM}.1.1"),
    *("proofs", STEPS, f"{STEPS}.0", f"{STEPS}.0.radicals", f"{STEPS}.0.roots", f"{STEPS}.1.by"),
    *(f"{STEPS}.0.denominators", f"{STEPS}.0.denominators.0", f"{STEPS}.0.denominators.0.proof"),
    *(f"{STEPS}.1.by.0", f"{STEPS}.1.by.0.0", f"{STEPS}.2", f"{STEPS}.4.proof", FACTOR),
    *(f"{STEPS}.4.proof.by", f"{STEPS}.4.proof.factors", f"{FACTOR}.0"),
]
JUNK = (None, True, 0, -1, "", "x", [], [[]], {}, {"by": "visible"}, {"step": "clear"})
HARMLESS = {
    (f"{STEPS}.0.radicals", "[]"),
    (f"{STEPS}.0.roots", "[]"),
    (f"{STEPS}.0.denominators.0.proof", '{"by": "visible"}'),
}
"""They say what the honest proof says."""

ATTACKS = [
    pytest.param(group, number, id=f"{group} {number}")
    for group, edits in WRONG.items()
    for number in range(len(edits))
]


def test_the_honest_proof_is_accepted() -> None:
    check_proof(json.loads(json.dumps(HONEST)))


@pytest.mark.parametrize(("group", "number"), ATTACKS)
def test_what_is_wrong_is_refused_and_named(group: str, number: int) -> None:
    place, value, refusal = WRONG[group][number]
    started = time.process_time()
    with pytest.raises(ProofError, match=refusal):
        check_proof(edit(HONEST, place, value))
    assert time.process_time() - started < 2


@pytest.mark.parametrize("place", PLACES)
def test_what_has_another_shape_is_refused(place: str) -> None:
    for junk in JUNK:
        if (place, json.dumps(junk)) not in HARMLESS:
            with pytest.raises(ProofError):
                check_proof(edit(HONEST, place, junk))


def test_keys_that_the_format_does_not_know_are_not_read() -> None:
    check_proof(edit(edit(HONEST, "proved", True), f"{STEPS}.4.closed", {"by": "trust"}))
