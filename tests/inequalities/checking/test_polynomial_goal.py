"""The steps behind `clear`: in honest proofs, and in proofs of what is false."""

from __future__ import annotations

import time

import pytest

from bench.inequalities.checker import ProofError
from tests.inequalities.checking.certificates import (
    COEFFICIENTS,
    ONE,
    ONE_2,
    ROOT_OF_A,
    TAKE_ROOT_OF_A,
    VISIBLE,
    Json,
    above,
    block,
    bound,
    by_product,
    by_variable,
    clear,
    listed,
    orthant,
    plus,
    poly,
    positive,
    radical,
    replaced,
    squares,
    sturm,
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

HOMOGENISE = {"step": "homogenise", "equality": 0}
BY_FACT = {"step": "homogenise_fact", "fact": 0, "parts": {"1": COEFFICIENTS}}
MINUS_A = unit_block(poly("a", "-1*a"))
BY_ORTHANT = {"by": "orthant", "proof": COEFFICIENTS}
CLEAR_ROOT = clear(ROOT_OF_A, TAKE_ROOT_OF_A)


def raised(larger: int, smaller: int, exponent: int = 2) -> Json:
    sides = {"larger": [larger], "smaller": [smaller]}
    return {"step": "raise", **sides, "power": exponent, "proof": VISIBLE}


def image(exponent: int, factor: Json) -> Json:
    return [[exponent], {"factor": factor, "radical": 0, "power": 1}]


def renamed(*images: Json) -> Json:
    return {"step": "rename", "radicals": list(ROOT_OF_A), "images": list(images)}


def margin(size: str) -> Json:
    return {"by": "margin", "margin": size, "equality": None, "proof": COEFFICIENTS}


def on_orthant(proof: Json) -> list[Json]:
    return [clear(), orthant(proof)]


def everywhere(*blocks: Json, multiplier: Json = ONE, **others: Json) -> list[Json]:
    return [clear(), squares(multiplier, *blocks, **others)]


HONEST: dict[str, Proof] = {
    "strict": Proof("a + 1 > 0 with a >= 0", [clear(), positive()]),
    "squares": Proof("a >= 0 with a >= 0", everywhere(unit_block(poly("a", "a")))),
    "equality": Proof(
        "2*a^2 + 2*b^2 >= 1 with a, b >= 0; a + b = 1",
        [clear(), HOMOGENISE, orthant(by_product("1", [poly("ab", "a -1*b"), 2, None]))],
    ),
    "fact": Proof(
        "a + b >= (a + b)^2 with a, b >= 0; a + b <= 1",
        [clear(), BY_FACT, orthant(COEFFICIENTS)],
    ),
    "bound": Proof(
        "a + 1 >= 2*sqrt(a) with a >= 0",
        [CLEAR_ROOT, bound("upper", UNIT, UNIT), orthant(COEFFICIENTS)],
    ),
    "raise": Proof(
        "a + 1 >= sqrt(a) with a >= 0",
        [CLEAR_ROOT, raised(0, 1), orthant(COEFFICIENTS)],
    ),
    "rename": Proof(
        "a + 1 >= 2*sqrt(a) with a >= 0",
        [
            CLEAR_ROOT,
            renamed(image(1, UNIT)),
            {"step": "power_variables", "power": 2},
            orthant(by_product("1", [poly("a", "a -1"), 2, None])),
        ],
    ),
    "orthant": Proof("a^2 + 1 >= 2*a with a >= 0", on_orthant(sturm(0))),
    "factor": Proof(
        "a^2 >= a with a > 0; a >= 1",
        [
            clear(),
            {"step": "divide", "by": poly("a", "a")},
            squares(ONE, unit_block(poly("a", "a -1"))),
        ],
    ),
}

FALSE: dict[str, list[Proof]] = {
    "strict": [
        Proof("a > 0 with a >= 0", [clear(), positive()], NOT_POSITIVE),
        Proof("a^2 > 0", [clear(), positive()], NOT_POSITIVE),
        Proof("a > a", [clear(), positive()], NOT_POSITIVE),
        Proof("a > 0 with a >= 0", CLOSE, "found 'orthant', needed homogenise"),
        Proof("a^2 > 0", everywhere(block(ONE, [poly("a", "a")], "1")), "found 'squares'"),
        Proof("a > a with a > 0", [clear(), positive(margin("1"))], UNPROVED),
        Proof(
            "a*b > 0 with a, b >= 0; a + b = 1",
            [clear(), positive({"by": "homogenised", "equality": 0})],
            NOT_POSITIVE,
        ),
        Proof(
            "a^3 > 0 with a^3 >= 0", [clear(), positive({"by": "fact", "fact": 0})], NOT_POSITIVE
        ),
        *(
            Proof(
                "a > 0 with a >= 0",
                [
                    clear(),
                    positive(above(poly("a", least), BY_ORTHANT)),
                ],
                "least: .* needed a visibly positive polynomial",
            )
            for least in ("", "a")
        ),
        Proof("sqrt(a) > 0 with a >= 0", [CLEAR_ROOT, positive()], NOT_POSITIVE),
        Proof(
            "sqrt(a) > 0 with a >= 0",
            [CLEAR_ROOT, positive(above(poly("at", "t"), VISIBLE))],
            "has radicals",
        ),
        Proof(
            "a > 0 with a >= 0", [replaced("a", *CLOSE), *CLOSE], "step 3 .orthant.: .* 'orthant'"
        ),
        Proof("a > 0 with a >= 0", [replaced("0", *CLOSE), clear(), positive()], NOT_POSITIVE),
        Proof(
            "1 > sqrt(a) with a >= 0",
            [CLEAR_ROOT, raised(0, 1), positive()],
            "found 'raise', needed homogenise",
        ),
    ],
    "squares": [
        *(
            Proof(text, everywhere(*blocks, multiplier=poly("a", by), equalities=given), refusal)
            for text, by, blocks, given, refusal in (
                ("-1 >= 0 with a >= 0; 0 >= a", "a", [MINUS_A], [], "positive polynomial"),
                ("-1 >= 0 with a = 0", "a*a", [], [[0, poly("a", "-1*a")]], "positive polynomial"),
                ("-1 >= 0 with a > 0", "-1", [unit_block(ONE)], [], "positive polynomial"),
                ("-1 >= 0 for real a", "", [], [], "positive polynomial"),
            )
        ),
        Proof("-1 >= 0 for real a", everywhere(unit_block(ONE), negated=True), "as their sum"),
        *(
            Proof(text, everywhere(unit_block(weight), negated=negated), "one of the weights")
            for text, weight, negated in (
                ("-a >= 0", poly("a", "a*a"), True),
                ("a >= 0", poly("a", "a"), False),
            )
        ),
        Proof(
            "b >= 2 with b >= 0; a >= 0; (b - 1)/a >= 0",
            everywhere(unit_block(poly("ab", "b -1")), multiplier=ONE_2),
            "one of the weights",
        ),
        *(
            Proof(
                "-a*b >= 0 with a, b >= 0",
                [clear(), squares(ONE_2, block(ONE_2, [poly("ab", "a"), poly("ab", "b")], *gram))],
                refusal,
            )
            for gram, refusal in (
                (("0 -1", "0 0"), "symmetric"),
                (("0 -1/2", "-1/2 0"), "semidefinite"),
                (("0", "-1"), "list of 2"),
            )
        ),
    ],
    "equality": [
        Proof("a >= 1 with a, b >= 0; a = a", [clear(), HOMOGENISE, *CLOSE[1:]], "parts by degree"),
        *(
            Proof(text, [clear(), HOMOGENISE, orthant(COEFFICIENTS)], "does not split")
            for text in ("a^2 >= 2*b with a, b >= 0; a^2 = b", "a >= 1 with a >= 0; a^2 = a")
        ),
    ],
    "fact": [
        *(
            Proof(text, [clear(), BY_FACT, orthant(COEFFICIENTS)], "parts.1: .*" + UNPROVED)
            for text in (
                "(a + b)^2 >= a + b with a, b >= 0; a + b <= 1",
                "a + b >= (a + b)^2 with a, b >= 0; a + b >= 1",
            )
        ),
        Proof("a >= a^3 with a^2 <= 1", [clear(), BY_FACT, *CLOSE[1:]], "not all .* nonnegative"),
    ],
    "bound": [
        *(
            Proof(text, [CLEAR_ROOT, bound(kind, top, below, **others), *CLOSE[1:]], refusal)
            for text, kind, top, below, others, refusal in (
                ("sqrt(a) >= 1 with a >= 0", "lower", [], UNIT, {}, "positive off the origin"),
                ("sqrt(a) >= 1 with a >= 0", "lower", UNIT, UNIT, {"power": 2}, "from 1 to 1"),
                ("sqrt(a) >= 1 with a >= 0", "lower", UNIT, UNIT, {"power": 0}, "from 1 to 1"),
                ("sqrt(a) >= 1 with a >= 0", "upper", UNIT, UNIT, {}, "needs another sign"),
                ("sqrt(a) >= 1 with a >= 0", "lower", UNIT, UNIT, {}, UNPROVED),
                ("0 >= sqrt(a) with a >= 0", "upper", poly("at", "a"), UNIT, {}, "off the origin"),
                (
                    *("0 >= sqrt(a) with a >= 0", "above", UNIT, poly("at", "a")),
                    *({"proof": COEFFICIENTS}, "positive off the origin"),
                ),
                (
                    *("0 >= sqrt(a) with a >= 0", "above", [], UNIT),
                    *({"proof": COEFFICIENTS}, UNPROVED),
                ),
                (
                    *("sqrt(a) >= 1 with a >= 0", "below", poly("at", "-1"), UNIT),
                    *({"proof": COEFFICIENTS}, "no coefficient below 0"),
                ),
            )
        ),
    ],
    "raise": [
        Proof("1 - a >= sqrt(a) with a >= 0", [CLEAR_ROOT, raised(0, 1), *CLOSE[1:]], UNPROVED),
        *(
            Proof("-sqrt(a) >= 0 with a >= 0", [CLEAR_ROOT, step, *CLOSE[1:]], "two products")
            for step in (raised(1, 1), raised(1, 0), raised(0, 1))
        ),
        Proof(
            "sqrt(a) >= a with a >= 0", [CLEAR_ROOT, raised(1, 0, 1), *CLOSE[1:]], "has a radical"
        ),
    ],
    "rename": [
        *(
            Proof("-sqrt(a) >= 0 with a >= 0", [CLEAR_ROOT, renamed(*images), *CLOSE[1:]], refusal)
            for images, refusal in (
                ([image(1, poly("at", "-1"))], "visibly nonnegative"),
                ([image(1, poly("at", "2"))], "the power 2 of the product"),
                ([image(2, UNIT)], "the power 2 of the product"),
                ([], "not listed"),
            )
        ),
        Proof(
            "-sqrt(a + 1) >= 0 with a >= 0",
            [
                clear(
                    [radical(poly("at", "a 1"))],
                    [listed(plus("a", "1"), UNIT, 0)],
                ),
                {"step": "power_variables", "power": 2},
                orthant(COEFFICIENTS),
            ],
            "one term",
        ),
    ],
    "orthant": [
        *(
            Proof("a >= b with a, b >= 0", on_orthant(proof), refusal)
            for proof, refusal in (
                ({"by": "minimum", "cases": {"1": COEFFICIENTS}}, "an object with '0'"),
                ({"by": "orders", "cases": {"1,0": COEFFICIENTS}}, "an object with '0,1'"),
                (by_product("1", [poly("ab", "a -1*b"), 1, None]), "needed an object"),
                (by_product("1", [poly("ab", "a -1*b"), 0, None]), "integer from 1"),
                (by_product("1", [poly("ab", "a -1*b"), 1, COEFFICIENTS]), UNPROVED),
                (sturm(0), UNPROVED),
            )
        ),
        Proof("a^2 >= b with a, b >= 0", on_orthant(sturm(0)), UNPROVED),
        Proof("-a >= 0 with a >= 0", on_orthant({"by": "minimum", "cases": {}}), UNPROVED),
        Proof(
            "-a >= 0 with a >= 0",
            on_orthant(by_product("-1", [poly("a", "a"), 1, COEFFICIENTS])),
            UNPROVED,
        ),
        Proof("-a^2 >= 0 with a >= 0", on_orthant(sturm(0)), UNPROVED),
        Proof("a >= a^2 with a >= 0", on_orthant(sturm(0)), UNPROVED),
        Proof("a >= 1 with a >= 0", on_orthant(by_variable(0, k1=COEFFICIENTS)), "object with '0'"),
    ],
    "factor": [
        *(
            Proof(text, [clear(), {"step": step, "by": poly(names, by)}, *CLOSE[1:]], refusal)
            for text, names, step, by, refusal in (
                ("-a >= 0 with a >= 0", "a", "divide", "-1*a", "positive off the origin"),
                ("-a >= 0 with a >= 0", "a", "divide", "a", "positive off the origin"),
                ("-1 >= 0 with a >= 0", "a", "multiply", "a", "visibly positive"),
                ("-1 >= 0 with a >= 0", "a", "multiply", "", "visibly positive"),
                ("-1 >= 0 with a > 0", "a", "multiply", "-1", "visibly positive"),
                ("a >= b with a, b > 0", "ab", "multiply", "a -1*b", "visibly positive"),
            )
        ),
        Proof(
            "a + b > 0 with a, b >= 0",
            [clear(), {"step": "divide", "by": poly("ab", "a b")}, positive()],
            "positive off the origin",
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
