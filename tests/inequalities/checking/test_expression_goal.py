"""The steps before `clear`, and `clear`: in honest proofs, and in proofs of what is false."""

from __future__ import annotations

import time

import pytest

from bench.inequalities.checker import ProofError
from tests.inequalities.checking.certificates import (
    COEFFICIENTS,
    ONE,
    ROOT_OF_A,
    VISIBLE,
    Json,
    block,
    by_product,
    cases_of_a,
    clear,
    listed,
    orthant,
    over,
    plus,
    poly,
    positive,
    power,
    replaced,
    squares,
    under,
)
from tests.inequalities.checking.proofs import (
    CLOSE,
    NOT_POSITIVE,
    UNIT,
    UNPROVED,
    Proof,
    list_proofs,
    unit_block,
)

RATIO = {"step": "ratio", "equality": 0, "reverse": False}
ABSURD = {"step": "absurd", "equality": 0}
MEAN = {"step": "weighted_mean"}


def gap(size: str) -> Json:
    return {"step": "gap", "gap": size}


def linear(names: str, sources: list[Json], drop: list[int], **images: Json) -> Json:
    return {
        "step": "linear",
        "variables": list(names),
        "from": sources,
        "by": images,
        "drop": drop,
    }


def log_bound(exponent: str) -> Json:
    return {"step": "log_bound", "power": exponent}


def powers(variable: str, exponent: int) -> Json:
    return {"step": "power", "variables": [variable], "power": exponent}


def margin(size: str) -> Json:
    return {"by": "margin", "margin": size, "equality": None, "proof": COEFFICIENTS}


def inverse(names: str, factor: str, proof: Json = None, sign: int = 1) -> list[Json]:
    """Steps for the inverse of a polynomial, by a proof that it has a sign."""
    one = poly(names, "1")
    lists = clear(denominators=[under(poly(names, factor), proof, sign)])
    return [lists, squares(one, block(one, [one], "1"))]


def take_root(of: Json, factor: Json, radical: int | None = None, **others: Json) -> list[Json]:
    """Steps that list one root, with the radical of `a` where it is named."""
    lists = clear(() if radical is None else ROOT_OF_A, [listed(of, factor, radical, **others)])
    return [lists, orthant(COEFFICIENTS)]


def inverses(names: str) -> list[Json]:
    """Steps for what has every variable as a denominator."""
    return [clear(denominators=[under(poly(names, name)) for name in names]), *CLOSE[1:]]


HONEST: dict[str, Proof] = {
    "sign": Proof("a >= 0 with a >= 0", CLOSE),
    "gap": Proof("a + 1 > 0 with a >= 0", [gap("1"), *CLOSE]),
    "cases": Proof("a^2 + 1 > 0", [cases_of_a(*[[clear(), positive()]] * 2)]),
    "replace": Proof("a^2 + a >= -1 with a >= 0", [replaced("a", *CLOSE), *CLOSE]),
    "absurd": Proof("a >= 5 with a, b >= 0; a + b = -1", [ABSURD]),
    "ratio": Proof(
        "a + b >= 2 with a, b >= 0; a*b = 1",
        [
            *[RATIO, inverses("ab")[0]],
            orthant(by_product("1", [poly("ab", "a -1*b"), 2, None])),
        ],
    ),
    "linear": Proof(
        "a >= b with b >= 0; a >= b",
        [linear("xy", [0, "b"], [0], a=plus("x", "y"), b="y"), *CLOSE],
    ),
    "power": Proof("a >= 0 with a >= 0", [powers("a", 2), *CLOSE]),
    "mean": Proof(
        "a^p*b^q <= p*a + q*b with a, b, p, q > 0; p + q = 1",
        [MEAN, *CLOSE],
    ),
    "logarithm": Proof(
        "a^w >= 1 with a >= 1; w > 0",
        [
            log_bound("-1"),
            clear(denominators=[under(poly("aw", "a"))]),
            squares(poly("aw", "1"), unit_block(poly("aw", "w*a -1*w"))),
        ],
    ),
    "root": Proof("sqrt(a^2) >= a with a >= 0", take_root(power("a", "2"), poly("a", "a"))),
    "denominator": Proof("1/a >= 0 with a > 0", inverse("a", "a")),
}

FALSE: dict[str, list[Proof]] = {
    "sign": [
        *(
            Proof(text, CLOSE, "not all variables are nonnegative")
            for text in (
                *("a >= 0", "a >= 0 with a >= -1", "a >= 0 with a <= 1", "a >= 0 with a != 0"),
                *("a >= 0 with a >= b; b >= -1", "a >= 0 with 0 >= -a - 1", "a >= 0 with a = a"),
            )
        ),
        Proof(
            "a >= 0", [clear(), {"step": "power_variables", "power": 2}, *CLOSE[1:]], "not all var"
        ),
    ],
    "gap": [
        Proof("a > 0 with a >= 0", [gap("0"), *CLOSE], "above 0"),
        Proof("a > 1/2 with a >= 0", [gap("-1"), *CLOSE], "above 0"),
        Proof("a >= 1 with a >= 0", [gap("-1"), *CLOSE], "found 'gap', needed replace"),
        Proof("a > 0 with a >= 0", [gap("1"), *CLOSE], UNPROVED),
        Proof("a > 0 with a >= 0", [replaced("a", gap("1"), *CLOSE), *CLOSE], "found 'gap'"),
    ],
    "cases": [
        Proof("a^2 > 0", [cases_of_a(list(CLOSE), list(CLOSE))], "with .. negated, .* 'orthant'"),
        Proof("a^2 > 0", [cases_of_a(*[[gap("1"), *CLOSE]] * 2)], "with .. negated, .* 'gap'"),
        Proof("a >= 0", [cases_of_a(list(CLOSE), list(CLOSE))], "with .'a'. negated, step 2"),
    ],
    "replace": [
        Proof("a >= 1 with a >= 0", [replaced(plus("a", "1"), *CLOSE), *CLOSE], "the difference"),
        Proof("a >= 1 with a >= 0", [replaced("-1", *CLOSE)], "claim 1, no step closes"),
        Proof(
            "a >= 1 with a >= 0", [replaced("-1", *CLOSE), *CLOSE], "step 3 .orthant.*" + UNPROVED
        ),
        Proof("a >= 1 with a >= 0", [replaced("a"), *CLOSE], "the difference, no step closes"),
        Proof("a >= 1 with a >= 0", [replaced("b", *CLOSE), *CLOSE], "needed a known name"),
        Proof(
            "1/a >= 0 with a >= 0",
            [replaced("0", replaced("0", *CLOSE), *CLOSE), *CLOSE],
            "the difference, .* the difference, .* denominator",
        ),
    ],
    "absurd": [
        Proof("a >= 5 with a, b >= 0; a + b = 0", [ABSURD], "does not contradict itself"),
        Proof("a >= 5 with a, b >= 0; a = b + 1", [ABSURD], "does not contradict itself"),
        Proof("a >= 5 with a = -2", [ABSURD], "'a' is not a nonnegative variable"),
    ],
    "ratio": [
        *(
            Proof(text, [RATIO, *inverses(names)], refusal)
            for names, text, refusal in (
                ("ab", "a + b >= 5 with a, b >= 0; a*b = 2", "product of all variables"),
                ("abc", "c >= 1 with a, b, c >= 0; a*b = 1", "product of all variables"),
                ("a", "a >= 2 with a >= 0; a = 1", "product of all variables"),
                ("ab", "a + b >= 2 with a, b > 0; (a*b)/(a*b) = 1", "product of all variables"),
                ("ab", "a >= 0 with a*b = 1", "'a' is not a nonnegative variable"),
            )
        ),
    ],
    "linear": [
        *(
            Proof(text, [linear(names, sources, drop, **images), *CLOSE], refusal)
            for text, names, sources, drop, images, refusal in (
                *(
                    ("a >= b with a, b >= 0", "xy", sources, [], images, refusal)
                    for sources, images, refusal in (
                        (["a", "b"], {"a": plus("x", "y"), "b": "y"}, "from.0: .* becomes x"),
                        (["a", "a"], {"a": "x", "b": "0"}, "from.1: .* becomes y"),
                        (["a", "b"], {"a": "x", "b": ["-", "y"]}, "from.1: .* becomes y"),
                    )
                ),
                ("a >= 0", "x", ["a"], [], {"a": "x"}, "'a' is not a nonnegative variable"),
                ("a >= 2 with a >= 1", "x", [0], [0], {"a": plus("x", "1")}, "without constant"),
                (
                    *("b >= a with a, b >= 0; a >= b", "xy", [0, "b"], [0]),
                    *({"a": plus("x", "y"), "b": "y"}, UNPROVED),
                ),
                (
                    *("b >= a with a, b >= 0; a >= b; 2*b >= a", "xy", [0, "b"], [0, 0, 1]),
                    *({"a": plus("x", "y"), "b": "y"}, "drop.2: .* follows from the signs"),
                ),
            )
        ),
        Proof(
            "1/b >= 0 with a > 0; b >= 0",
            [linear("ba", ["a", "b"], [], a="b", b="a"), *inverse("ba", "b")],
            "denominator is no product",
        ),
        Proof(
            "1/(a - b) >= 0 with a >= b; b >= 0",
            [linear("xy", [0, "b"], [0], a=plus("x", "y"), b="y"), *inverse("xy", "x")],
            NOT_POSITIVE,
        ),
    ],
    "power": [
        Proof("a >= 0", [powers("a", 2), *CLOSE], "'a' is not a nonnegative variable"),
        Proof("a >= 1 with a >= 0", [powers("a", 0), *CLOSE], "integer from 1"),
    ],
    "mean": [
        Proof(f"{text} with a, b, p, q > 0; {weights}", [MEAN, *CLOSE], refusal)
        for text, weights, refusal in (
            ("a^p*b^q <= p*a + q*b", "p + q = 1/2", "no equality says that the weights"),
            ("a^p*b^q <= p*a + q*b", "p + q <= 1", "no equality says that the weights"),
            ("-(a^p*b^q) <= -(p*a + q*b)", "p + q = 1", "has not two factors"),
            ("a^p*b^q*(-1) <= -(p*a + q*b)", "p + q = 1", "below 0"),
            ("a^p*b^q*2^p <= p*a + q*b", "p + q = 1", "an exponent has variables"),
            ("a^p*b^q <= p*a + q*b - 1/9", "p + q = 1", UNPROVED),
        )
    ],
    "logarithm": [
        Proof(text, [log_bound(exponent), *inverse("aw", "a")], refusal)
        for text, exponent, refusal in (
            ("(1/2)*a^w >= 1 with a >= 1; w > 0", "-1", "no product of b . w"),
            ("a^w >= 2 with a >= 1; w > 0", "-1", "smaller side is not 1"),
            ("a^w >= 1 with a, w > 0; a <= 1", "1", "a number below 0"),
            ("a^w >= 1 with a, w > 0; a <= 1", "-1", "as their sum"),
            ("a^w >= 1 with a >= 1; w <= 0", "-1", "positive by order"),
        )
    ],
    "root": [
        *(
            Proof(text, take_root(of, factor, radical, **others), refusal)
            for text, of, factor, radical, others, refusal in (
                ("a >= sqrt(a^2)", power("a", "2"), poly("a", "a"), None, {}, "visibly nonneg"),
                (
                    *("a >= (a^3)^(1/3)", power("a", "3"), poly("a", "a"), None),
                    *({"index": 3}, "visibly nonnegative"),
                ),
                (
                    *("0 >= sqrt(a^2) with a > 0", power("a", "2"), poly("a", "-1*a"), None),
                    *({}, "visibly nonnegative"),
                ),
                ("1 >= sqrt(a) with a >= 0", "a", ONE, None, {}, "a value whose power 2"),
                ("sqrt(a) >= 1 with a >= 0", "a", poly("at", "2"), 0, {}, "a value whose power 2"),
                ("a^(1/3) >= 1 with a >= 0", "a", UNIT, 0, {"index": 3}, "a radical of index 3"),
                ("sqrt(a) >= 0", "a", UNIT, 0, {}, "radicals.0.nonnegative: .*" + UNPROVED),
                (
                    *("sqrt(-a) >= 0 with a >= 0; a = 1", ["-", "a"], UNIT, 0),
                    *({"modulo": [[0, UNIT]]}, "a value whose power 2"),
                ),
                ("sqrt(-1)^0 >= 0 for real a", "-1", ONE, None, {}, "a value whose power 2"),
                (
                    *("a >= sqrt(b) with a, b >= 0", power("a", "2"), poly("ab", "a"), None),
                    *({}, "root 2 of 'b' is not listed"),
                ),
            )
        ),
        Proof(
            "0 >= sqrt(1/a^2) with a > 0",
            [
                clear(
                    roots=[listed(over("1", power("a", "2")), ONE, None, over=[1])],
                    denominators=[under(poly("a", "-1*a"), sign=-1)],
                ),
                orthant(COEFFICIENTS),
            ],
            "denominators above 0",
        ),
    ],
    "denominator": [
        *(
            Proof(text, CLOSE, "denominator is no product of those that are shown not to be 0")
            for text in (
                *("1/a >= 0 with a >= 0", "a^-1 >= 0 with a >= 0", "1/(a - a) >= 0 with a >= 0"),
                *("0*(1/a) >= 0 with a >= 0", "(1/a)^0 >= 0 with a >= 0"),
            )
        ),
        *(
            Proof(text, inverse(names, factor, proof, sign), refusal)
            for text, names, factor, proof, sign, refusal in (
                ("1/a >= 0 with a >= -0", "a", "a", VISIBLE, 1, NOT_POSITIVE),
                ("1/(-a) >= 0 with a > 0", "a", "a", VISIBLE, 1, "as their sum"),
                ("1/(-a) >= 0 with a > 0", "a", "-1*a", VISIBLE, 1, NOT_POSITIVE),
                ("1/(-a) >= 0 with a > 0", "a", "-1*a", VISIBLE, 0, "and a sign"),
                ("1/(-1) >= 0 for real a", "a", "1", VISIBLE, -1, "constant"),
                (
                    "1/(a - b) >= 0 with a >= b",
                    "ab",
                    "a -1*b",
                    {"by": "fact", "fact": 0},
                    1,
                    NOT_POSITIVE,
                ),
                ("1/(a + b) >= 0 with a, b >= 0", "ab", "a b", margin("1"), 1, "the origin"),
                ("1/(a + b) >= 0 with a, b >= 0; a = b", "ab", "a b", margin("1"), 1, "the origin"),
                ("1/(a - b) >= 0 with a, b > 0", "ab", "a -1*b", margin("-1"), 1, "above 0"),
                ("1/(a - b) >= 0 with a, b > 0", "ab", "a -1*b", margin("1"), 1, UNPROVED),
                *(
                    (
                        *("1/(a*b) >= 0 with a, b >= 0; a + b = 1", "ab", "a*b"),
                        *({"by": "power", "equality": 0, "p": p, "m": m}, 1, refusal),
                    )
                    for p, m, refusal in ((0, 0, "integer from 1"), (1, 1, UNPROVED))
                ),
                (
                    *("1/a^2 >= 0", "a", "a*a"),
                    {
                        "by": "gap",
                        "gap": "1",
                        "squares": squares(poly("a", "a*a"), block(ONE, [poly("a", "a")], "1")),
                    },
                    *(1, "as their sum"),
                ),
            )
        ),
    ],
}


@pytest.mark.parametrize("group", HONEST)
def test_an_honest_proof_by_the_same_steps_is_accepted(group: str) -> None:
    assert HONEST[group].find_counterexample() is None
    HONEST[group].check()


@pytest.mark.parametrize(("group", "number"), list_proofs(FALSE))
def test_a_proof_of_what_is_false_is_refused_where_it_goes_wrong(group: str, number: int) -> None:
    proof = FALSE[group][number]
    assert proof.find_counterexample() is not None
    started = time.process_time()
    with pytest.raises(ProofError, match=proof.refusal):
        proof.check()
    assert time.process_time() - started < 1


def test_every_false_proof_has_an_honest_one_beside_it() -> None:
    assert HONEST.keys() == FALSE.keys()
