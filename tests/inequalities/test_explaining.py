"""Certificates in sentences: what each kind of step says, and that what is written is true."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from flint import fmpq

from bench.cli import main
from bench.inequalities.budget import Budget
from bench.inequalities.checker import ProofError
from bench.inequalities.explaining import Document, explain, write_latex, write_markdown
from bench.inequalities.explaining.documents import (
    Items,
    Paragraph,
    find_formulas,
    join_sentences,
)
from bench.inequalities.explaining.formulas import Alphabet
from bench.inequalities.explaining.one_variable import count_changes, find_squares
from bench.inequalities.explaining.pairs import average, find_means, find_pairs
from bench.inequalities.explaining.scenes import Labels
from bench.inequalities.explaining.squares import add_up, read_blocks, round_blocks, split_blocks
from bench.inequalities.explaining.theorems import explain_proof
from bench.inequalities.polynomials import Polynomial, generators, insert, make, to_json
from bench.inequalities.proving.clearing import Reader
from bench.inequalities.proving.prover import prove
from bench.inequalities.texts.reading import read_statement

Json = Any

PROVED = {
    "AM-GM of three": "a + b + c >= 3*(a*b*c)^(1/3) with a, b, c > 0",
    "Nesbitt": "a/(b + c) + b/(c + a) + c/(a + b) >= 3/2 with a, b, c > 0",
    "Schur": "a*(a - b)*(a - c) + b*(b - a)*(b - c) + c*(c - a)*(c - b) >= 0 with a, b, c >= 0",
    "radicals": "sqrt(a*b) + sqrt(b*c) + sqrt(c*a) <= a + b + c with a, b, c > 0",
    "on a simplex": "a^2/(1 - a) + b^2/(1 - b) >= 1 - 1/2 with a, b > 0 and a + b = 1",
    "product of one": "a^2 + b^2 + c^2 >= a + b + c with a, b, c > 0 and a*b*c = 1",
    "triangle": (
        "a/(b + c - a) + b/(c + a - b) + c/(a + b - c) >= 3"
        " with a, b, c > 0 and a + b > c and b + c > a and c + a > b"
    ),
    "of reals": "a^2 + b^2 + c^2 >= a*b + b*c + c*a for real a, b, c",
    "four variables": "(a + b + c + d)*(1/a + 1/b + 1/c + 1/d) >= 16 with a, b, c, d > 0",
    "Cauchy": "(a^2 + b^2)*(x^2 + y^2) >= (a*x + b*y)^2 for real a, b, x, y",
    "nested fractions": "1/(1 + 1/(1 + 1/a)) <= 1 with a > 0",
    "one variable": "x^5 - 2*x + 2 >= 0 with x >= 0",
    "irrational points of equality": (
        "(a^2 + b^2 + c^2)^2 >= 3*(a^3*b + b^3*c + c^3*a) with a, b, c > 0"
    ),
    "a circle": "x*y <= 1/2 with x^2 + y^2 = 1",
    "two claims": "x + y >= 2 and x^2 + y^2 >= 2 with x, y > 0 and x*y = 1",
    "an exponent": "a^b*b^a <= 1/2 with a, b > 0 and a + b = 1",
}


@pytest.fixture(scope="module", params=PROVED.values(), ids=PROVED.keys())
def document(request: pytest.FixtureRequest) -> Document:
    certificate = prove(read_statement(request.param), Budget(5))
    assert certificate is not None
    return explain(json.loads(json.dumps(certificate)))


def test_formulas_are_whole_and_markdown_leaves_them_alone(document: Document) -> None:
    # A backslash before punctuation, emphasis, code and links would be changed before rendering.
    harmful = re.compile(r"\\[^a-zA-Z]|[*`~|]|\]\(|<\S|^\s|\s$|\n")
    for formula in find_formulas(document):
        assert not harmful.search(formula), formula
        depth = 0
        for letter in formula:
            depth += (letter == "{") - (letter == "}")
            assert depth >= 0, formula
        assert depth == 0, formula
        assert formula.count(r"\left") == formula.count(r"\right")


def test_sentences_end_and_dollars_pair(document: Document) -> None:
    text = write_markdown(document)
    assert text.startswith("**Theorem.** Let ") and text.endswith("∎\n")
    for line in text.splitlines():
        if not line.strip().startswith("$$"):
            assert line.count("$") % 2 == 0
    assert "  " not in re.sub(r"^ +", "", text, flags=re.MULTILINE)
    assert "None" not in text and "[]" not in text


def test_latex_opens_and_closes_what_it_opens(document: Document) -> None:
    text = write_latex(document)
    stack: list[str] = []
    for verb, name in re.findall(r"\\(begin|end)\{(\w+\*?)\}", text):
        if verb == "begin":
            stack.append(name)
        else:
            assert stack.pop() == name
    assert not stack
    assert text.isascii()
    assert text.count(r"\[") == text.count(r"\]")
    assert r"\cr" not in text


EQUATION = re.compile(
    r"(?:Indeed,|as) \$([^$=]*?) = ([^$=]*?)(?: (?:\\ge|>) 0)?\$"
    r"|Indeed,\s*\$\$\s*([^$=]*?) = ([^$=]*?)(?: \\ge 0)?\.\s*\$\$"
)


def list_equations(document: Document) -> list[tuple[str, str]]:
    """Return the sides of equations that a document gives as reasons, names replaced."""
    written = re.sub(r"\\(?:begin|end)\{aligned\}|&|\\cr\b|\\quad\b", "", write_markdown(document))
    defined = dict(re.findall(r"\n *(P_\d) += ([^\n]*)\.\n", written))
    found = []
    for sides in EQUATION.findall(written):
        left, right = sides[0] or sides[2], sides[1] or sides[3]
        for name, value in defined.items():
            left = left.replace(name, f"({value})")
        if r"\sqrt" not in left:
            found.append((left, right))
    return found


def test_every_equation_that_is_a_reason_is_an_identity(document: Document) -> None:
    for left, right in list_equations(document):
        assert read_polynomial(left) == read_polynomial(right), (left, right)


@pytest.mark.parametrize(
    ("text", "count"), [(PROVED["Schur"], 1), (PROVED["irrational points of equality"], 1)]
)
def test_equations_are_found_where_they_are(text: str, count: int) -> None:
    certificate = prove(read_statement(text), Budget(5))
    assert len(list_equations(explain(json.loads(json.dumps(certificate))))) == count


LETTERS = "abcdxyzuvw"


def read_polynomial(latex: str) -> Polynomial:
    statement = read_statement(rf"{latex} \ge \frac{{0}}{{1}}")
    reader = Reader(LETTERS, ["free"] * len(LETTERS))
    fraction = reader.read(statement.claims[0][1])
    assert not fraction.over
    return fraction.numerator


def test_an_equation_that_is_no_identity_would_be_noticed() -> None:
    assert read_polynomial("2(a^2 - ab)") != read_polynomial("(a - b)^2")
    assert read_polynomial("2(a^2 - 2ab + b^2)") == read_polynomial("2(a - b)^2")


def test_the_command_prints_or_writes_the_proof(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    claim, certificate = "a + 1/a >= 2 with a > 0", str(tmp_path / "proof.json")
    assert main(["prove", claim, "--out", certificate, "--explain"]) == 0
    printed = capsys.readouterr().out
    assert printed.startswith("Read as:") and printed.endswith(" ∎\n")
    tex, markdown = tmp_path / "new" / "proof.tex", tmp_path / "proof.md"
    assert main(["verify-proof", certificate, "--explain", str(tex)]) == 0
    assert tex.read_text().startswith(r"\documentclass{article}")
    assert main(["prove", claim, "--explain", str(markdown)]) == 0
    assert printed.endswith(markdown.read_text())
    capsys.readouterr()
    assert main(["prove", claim, "--explain", "proof.html"]) == 2
    assert "got proof.html, expected a name that ends in .md or .tex" in capsys.readouterr().err


def test_only_what_the_checker_accepts_is_explained() -> None:
    certificate = prove(read_statement("a + 1/a >= 2 with a > 0"), Budget(5))
    stronger = json.loads(json.dumps(certificate))
    stronger["statement"]["claims"][0][2] = "21/10"
    with pytest.raises(ProofError):
        explain(stronger)


# Each kind of step, on steps made by hand


def tell(text: str, *steps: Json) -> str:
    """Return what is said of steps that prove the first claim of a statement."""
    statement = read_statement(text)
    blocks = explain_proof(statement, statement.claims[0], steps, Labels("P"))
    proof = Document((Paragraph(""),), (("", join_sentences([*blocks, Paragraph("")])),))
    return write_markdown(proof).split("**Proof.**")[1].strip()


def poly(names: str, text: str) -> Json:
    """`poly("ab", "a*a -2*a*b")`: the format's list of terms, for one-letter names."""
    x = dict(zip(names, generators(len(names)), strict=True))
    total = make(len(names), {})
    for term in text.split():
        product = x[names[0]] ** 0
        for factor in term.removeprefix("-").split("*"):
            number = fmpq(*map(int, factor.split("/"))) if factor not in x else x[factor]
            product = product * number
        total = total - product if term.startswith("-") else total + product
    return to_json(total)


def clear(
    radicals: Sequence[Json] = (), roots: Sequence[Json] = (), denominators: Sequence[Json] = ()
) -> Json:
    lists = {"radicals": radicals, "roots": roots, "denominators": denominators}
    return {"step": "clear", **{key: list(value) for key, value in lists.items()}}


def orthant(proof: Json) -> Json:
    return {"step": "orthant", "proof": proof}


VISIBLE, COEFFICIENTS = {"by": "visible"}, {"by": "coefficients"}


def product(constant: str, *factors: Json) -> Json:
    return {"by": "product", "constant": constant, "factors": list(factors)}


def squares(names: str, *blocks: Json, **others: Json) -> Json:
    base = {"by": "squares", "multiplier": poly(names, "1"), "negated": False, "equalities": []}
    return {**base, "blocks": list(blocks), **others}


def block(weight: Json, basis: Json, *gram: str) -> Json:
    return {"weight": weight, "basis": basis, "gram": [row.split() for row in gram]}


def root_of(radicand: Json, of: Json, factor: Json) -> Json:
    radical = {"index": 2, "radicand": radicand, "nonnegative": VISIBLE}
    listed = {"of": of, "index": 2, "factor": factor, "over": [], "radical": 0, "modulo": []}
    return clear([radical], [listed])


SQUARE = product("1", [poly("ab", "a -b"), 2, None])
ROOT_OF_A = root_of(poly("at", "a"), "a", poly("at", "1"))


def test_gap_is_told_as_a_little_more() -> None:
    said = tell(
        "a^2 + 1 > 0",
        {"step": "gap", "gap": "1/2"},
        clear(),
        {"step": "squares", **squares("a", block(poly("a", "1"), [poly("a", "a")], "1"))},
    )
    assert r"namely that $a^2 + 1 \ge \frac{1}{2}$" in said


def test_replace_has_its_proof_in_an_item_of_its_own() -> None:
    said = tell(
        "a^2 + b^2 >= 2*a*b - 1 with a, b >= 0",
        {
            "step": "replace",
            "by": ["+", ["^", "a", "2"], ["^", "b", "2"], ["-", ["*", "2", "a", "b"]]],
            "proof": [clear(), orthant(COEFFICIENTS)],
        },
        clear(),
        orthant(SQUARE),
    )
    first, rest = said.split("\n\nSo it is enough to show that")
    assert first.startswith("- We first show that")
    assert rest.startswith(r" $a^2 + b^2 - 2 a b \ge 0$.")
    assert rest.endswith("This is true, because squares are not negative.  ∎")


def test_cases_are_numbered_and_name_the_negated_variables_anew() -> None:
    said = tell(
        "a^4 + a + 1 >= 0 for real a",
        {
            "step": "cases",
            "proofs": [
                {"negated": [], "proof": [clear(), orthant(COEFFICIENTS)]},
                {
                    "negated": ["a"],
                    "proof": [clear(), orthant({"by": "sturm", "variable": 0})],
                },
            ],
        },
    )
    assert r"1. Let $a \ge 0$. We have to show that $a^4 + a + 1 \ge 0$." in said
    assert r"2. Let $a \le 0$. Put $a = -x$ with $x \ge 0$. The claim becomes" in said
    assert r"(x^4 - x + 1) = " in said


def test_cases_are_left_out_where_squares_need_none() -> None:
    said = tell(
        "a^2 + a + 1 >= 0 for real a",
        {
            "step": "cases",
            "proofs": [
                {"negated": [], "proof": [clear(), orthant(COEFFICIENTS)]},
                {"negated": ["a"], "proof": [clear(), orthant({"by": "sturm", "variable": 0})]},
            ],
        },
    )
    assert said == r"Indeed, $2(a^2 + a + 1) = (a + 1)^2 + a^2 + 1 \ge 0$.  ∎"


def test_absurd_says_which_assumption_cannot_hold() -> None:
    said = tell(
        "a >= 5 with a, b >= 0 and a + b = -1",
        {"step": "absurd", "equality": 0},
    )
    assert "$a + b + 1 = 0$, while the left side is positive" in said


def test_substitutions_say_what_is_put() -> None:
    of = ["^", "a", "2"]
    root = {"of": of, "index": 2, "factor": poly("a", "a"), "over": [], "radical": None}
    said = tell(
        "a + 1 >= 2*sqrt(a) with a >= 0",
        {"step": "power", "variables": ["a"], "power": 2},
        clear(roots=[{**root, "modulo": []}]),
        orthant(product("1", [poly("a", "a -1"), 2, None])),
    )
    assert r"Put $a = x^2$ with $x \ge 0$." in said
    assert r"We have $\sqrt{x^2} = x$." in said
    said = tell(
        "a + b >= 2 with a, b >= 0 and a*b = 1",
        {"step": "ratio", "equality": 0, "reverse": True},
        clear(denominators=[{"factor": poly("ab", v), "sign": 1, "proof": VISIBLE} for v in "ab"]),
        orthant(SQUARE),
    )
    assert r"Since $ab = 1$, we may put $a = \frac{y}{x}$ and $b = \frac{x}{y}$" in said
    said = tell(
        "a*b >= 0 with a >= b and b >= 0",
        {
            "step": "linear",
            "variables": ["u", "v"],
            "from": [0, "b"],
            "by": {"a": ["+", "u", "v"], "b": "v"},
            "drop": [0],
        },
        clear(),
        orthant(COEFFICIENTS),
    )
    assert r"Put $u = a - b$ and $v = b$. By assumption $u, v \ge 0$." in said
    assert r"We have $a = u + v$ and $b = v$." in said


def test_weighted_mean_and_log_bound_state_what_they_use() -> None:
    said = tell(
        "3*(a^p*b^q) <= 3*(p*a + q*b) for real a, b, p, q with a, b, p, q > 0 and p + q = 1",
        {"step": "weighted_mean"},
        clear(),
        orthant(COEFFICIENTS),
    )
    assert r"$a^p b^q \le p a + q b$" in said
    said = tell(
        "a^w >= 1 for real a, w with w > 0 and a >= 1",
        {"step": "log_bound", "power": "-1"},
        clear(denominators=[{"factor": poly("aw", "a"), "sign": 1, "proof": VISIBLE}]),
        {
            "step": "squares",
            **squares("aw", block(poly("aw", "a*w -w"), [poly("aw", "1")], "1")),
        },
    )
    assert r"$\ln s \ge 1 - \frac{1}{s}$" in said
    assert r"By assumption $a - 1 \ge 0$." in said


def test_homogenising_uses_the_assumption() -> None:
    said = tell(
        "a^2 + b^2 >= 1/2 with a, b >= 0 and a + b = 1",
        *(clear(), {"step": "homogenise", "equality": 0}),
        orthant(product("1/2", [poly("ab", "a -b"), 2, None])),
    )
    assert "We have $a + b = 1$. So we may multiply each term by a power of $a + b$" in said
    said = tell(
        "a + b >= (a + b)^2 with a, b >= 0 and a + b <= 1",
        *(clear(), {"step": "homogenise_fact", "fact": 0, "parts": {"1": COEFFICIENTS}}),
        orthant(COEFFICIENTS),
    )
    assert r"We have $a + b \le 1$ by assumption." in said
    assert "What is left is $0$" in said


def test_multiplying_and_dividing_name_the_positive_factor() -> None:
    said = tell(
        "a^3 + b^3 >= a*b*(a + b) with a, b > 0",
        *(clear(), {"step": "multiply", "by": poly("ab", "a")}),
        {"step": "divide", "by": poly("ab", "a*a a*b")},
        orthant(SQUARE),
    )
    assert "We multiply by $a$, which is positive." in said
    assert "We divide by the factor $a^2 + ab$, which is positive." in said


def bound(kind: str, top: str, **others: Json) -> Json:
    step = {"step": "bound", "radical": 0, "power": 1, "kind": kind}
    return {**step, "by": [poly("at", top), poly("at", "1")], **others}


def test_each_bound_of_a_radical_gives_its_reason() -> None:
    said = tell("(1 + a)/2 >= sqrt(a) with a >= 0", ROOT_OF_A, bound("upper", "1"))
    assert r"By AM-GM, $\sqrt{a} \le \frac{a + 1}{2}$." in said
    lower = {"factor": poly("at", "a 1"), "sign": 1, "proof": VISIBLE}
    with_denominator = {**ROOT_OF_A, "denominators": [lower]}
    with_denominator["roots"] = [{**ROOT_OF_A["roots"][0], "over": [0]}]
    said = tell("sqrt(a) >= 2*a/(a + 1) with a >= 0", with_denominator, bound("lower", "1"))
    assert r"By AM-GM, $a + 1 \ge 2\sqrt{a}$." in said
    assert r"This gives $\sqrt{a} \ge \frac{2a}{a + 1}$." in said
    said = tell("sqrt(a) >= a*(3 - a)/2 with a >= 0", ROOT_OF_A, bound("convex", "1"))
    assert r"The function $f(s) = s^{-1/2}$ is convex" in said
    larger = root_of(poly("at", "a*a 1"), ["+", "1", ["^", "a", "2"]], poly("at", "1"))
    said = tell(
        "1 + a >= sqrt(1 + a^2) with a >= 0", larger, bound("above", "a 1", proof=COEFFICIENTS)
    )
    assert r"We show that $\sqrt{a^2 + 1} \le a + 1$." in said
    said = tell("sqrt(1 + a^2) >= 1 with a >= 0", larger, bound("below", "1", proof=COEFFICIENTS))
    assert r"We show that $\sqrt{a^2 + 1} \ge 1$." in said


def test_bounds_of_several_radicals_are_told_together() -> None:
    names = "abtu"
    radicals = [
        {"index": 2, "radicand": poly(names, v), "nonnegative": VISIBLE} for v in ("a", "b")
    ]
    root = {"index": 2, "factor": poly(names, "1"), "over": [], "modulo": []}
    said = tell(
        "a + b + 2 >= 2*sqrt(a) + 2*sqrt(b) with a, b >= 0",
        clear(radicals, [{"of": v, "radical": i, **root} for i, v in enumerate("ab")]),
        *(
            {**bound("upper", "1"), "radical": i, "by": [poly(names, "1"), poly(names, "1")]}
            for i in range(2)
        ),
        orthant(COEFFICIENTS),
    )
    assert "We bound the radicals by rational functions." in said
    assert r"1. By AM-GM, $\sqrt{a} \le" in said and r"2. By AM-GM, $\sqrt{b} \le" in said
    assert "the factors of these radicals are not positive" in said


def test_raise_rename_and_power_variables_remove_radicals() -> None:
    names = "abtu"
    radicals = [
        {"index": 2, "radicand": poly(names, v), "nonnegative": VISIBLE} for v in ("a", "b")
    ]
    root = {"index": 2, "factor": poly(names, "1"), "over": [], "modulo": []}
    cleared = clear(radicals, [{"of": v, "radical": i, **root} for i, v in enumerate("ab")])
    text = "a + b >= 2*sqrt(a)*sqrt(b) with a, b >= 0"
    said = tell(
        *(text, cleared),
        {
            "step": "rename",
            "radicals": [{"index": 2, "radicand": poly("abt", "a*b"), "nonnegative": VISIBLE}],
            "images": [[[1, 1], {"factor": poly("abt", "1"), "radical": 0, "power": 1}]],
        },
        {"step": "raise", "larger": [0], "smaller": [1], "power": 2, "proof": VISIBLE},
        orthant(product("1", [poly("abt", "a -b"), 2, None])),
    )
    assert r"We have $\sqrt{a}\sqrt{b} = \sqrt{ab}$." in said
    assert r"This says that $a + b \ge 2\sqrt{ab}$." in said
    assert "so we may compare the squares of both sides" in said
    said = tell(text, cleared, {"step": "power_variables", "power": 2}, orthant(SQUARE))
    assert r"To remove the roots, we put $a = x^2$ and $b = y^2$" in said
    assert r"$(x - y)^2 \ge 0$" in said


SCHUR = "a*(a - b)*(a - c) + b*(b - c)*(b - a) + c*(c - a)*(c - b) >= 0 with a, b, c >= 0"


def test_the_least_variable_is_taken_from_the_others() -> None:
    inner = product("1", [poly("abc", "a -b"), 2, None], [poly("abc", "a b"), 1, COEFFICIENTS])
    coefficients = {"0": inner, "1": {"by": "sturm", "variable": 0}}
    proof = {"by": "variable", "variable": 2, "coefficients": coefficients}
    said = tell(SCHUR, clear(), orthant({"by": "minimum", "cases": {"2": proof}}))
    assert "A cyclic shift of $a, b, c$ does not change $P_1$." in said
    assert r"Write $a = c + x$ and $b = c + y$ with $x, y \ge 0$." in said
    assert "P_1 = (x^2 - xy + y^2)c + (x + y)(x - y)^2." in said


def test_orders_that_give_the_same_are_told_once() -> None:
    orders = ("0,1,2", "0,2,1", "1,0,2", "1,2,0", "2,0,1", "2,1,0")
    proof = {"by": "orders", "cases": dict.fromkeys(orders, COEFFICIENTS)}
    said = tell(SCHUR, clear(), orthant(proof))
    assert r"Put $a = x$, $b = x + y$ and $c = x + y + z$" in said
    assert said.count("Put ") == 1


def test_a_polynomial_without_an_easy_reason_is_told_by_sturm() -> None:
    said = tell(
        "1000*x^2 + 2000 >= 2828*x with x >= 0",
        *(clear(), orthant({"by": "sturm", "variable": 0})),
    )
    assert "Let $f(x) = 250x^2 - 707x + 500$." in said
    assert "By Sturm's theorem $f$ has no zero with $x > 0$." in said


def test_a_sum_of_squares_with_a_multiplier_says_where_the_factor_vanishes() -> None:
    motzkin = "a^4*b^2 + a^2*b^4 + c^6 - 3*a^2*b^2*c^2"
    said = tell(
        f"{motzkin} >= 0 with a, b, c >= 0",
        clear(),
        orthant(
            {
                "by": "squares",
                "multiplier": poly("abc", "a"),
                "blocks": [block(poly("abc", "a"), [poly("abc", "c*c*c")], "1")],
            }
        ),
    )
    assert "By AM-GM we have" in said  # an easy reason comes first
    said = tell(
        "(a^2 + b^2 - 3*c^2)^2*(a + b) >= 0 for real a, b, c with a, b, c >= 0",
        clear(),
        orthant(
            {
                "by": "squares",
                "multiplier": poly("abc", "1"),
                "blocks": [
                    block(poly("abc", "a b"), [poly("abc", "a*a b*b -3*c*c")], "1"),
                ],
            }
        ),
    )
    assert "squares are not negative" in said


def test_squares_under_assumptions_say_which_term_vanishes_and_why() -> None:
    said = tell(
        "a*b <= 1/4 for real a, b with a + b = 1",
        clear(),
        {
            "step": "squares",
            **squares(
                "ab",
                block(poly("ab", "1"), [poly("ab", "a -1/2")], "1"),
                equalities=[[0, poly("ab", "-a")]],
            ),
        },
    )
    assert "$1 - 4ab = (2a - 1)^2 - 4a(a + b - 1)$" in said
    assert "The last term is $0$, since $a + b = 1$." in said


def test_a_proof_by_contradiction_says_so() -> None:
    said = tell(
        "a >= 1 with a >= 0 and a^2 >= 1",
        clear(),
        {
            "step": "squares",
            **squares(
                "a",
                block(poly("a", "a*a -1"), [poly("a", "1")], "1"),
                block(poly("a", "-a*a a"), [poly("a", "1")], "1"),
                negated=True,
            ),
        },
    )
    assert "Suppose that $a - 1 < 0$." in said and "contradiction" in said


@pytest.mark.parametrize(
    ("assumed", "denominator", "factor", "proof", "said"),
    [
        ("a + b = 1", "1 - a", "-a 1", {"by": "homogenised", "equality": 0}, "$1 - a = b > 0$"),
        ("a > b", "a - b", "a -b", {"by": "fact", "fact": 0}, "$a - b > 0$ by assumption"),
        (
            *("a + b = 1", "a^2 + b^2", "a*a b*b"),
            {"by": "margin", "margin": "1/2", "equality": None, "proof": SQUARE},
            r"$a^2 + b^2$ is at least $\frac{1}{2}(a + b)^2$, which is positive",
        ),
        (
            *("a + b = 1", "a^2 + b^2", "a*a b*b"),
            {"by": "power", "equality": 0, "p": 3, "m": 1},
            r"$20(a + b)(a^2 + b^2) \ge (a + b)^3 = 1 > 0$",
        ),
        (
            *("a + b = 1", "a^2 - a + 1", "a*a -a 1"),
            {
                "by": "gap",
                "gap": "1/2",
                "squares": squares(
                    "ab",
                    block(poly("ab", "1"), [poly("ab", "a -1/2")], "1"),
                    block(poly("ab", "1"), [poly("ab", "1")], "1/4"),
                ),
            },
            r"$4(a^2 - a + 1) = (2a - 1)^2 + 3 > 0$",
        ),
        (
            *("a > 0", "(a - b)^2 + a", "a*a -2*a*b b*b a"),
            {
                "by": "above",
                "least": poly("ab", "a"),
                "proof": {"by": "orthant", "proof": SQUARE},
            },
            r"it is enough that $a^2 - 2ab + b^2 + a \ge a$, that is, $(a - b)^2 \ge 0$",
        ),
    ],
)
def test_a_denominator_has_a_reason_for_its_sign(
    assumed: str, denominator: str, factor: str, proof: Json, said: str
) -> None:
    listed = {"factor": poly("ab", factor), "sign": 1, "proof": proof}
    told = tell(
        f"1/({denominator}) >= 0 for real a, b with a, b >= 0 and {assumed}",
        clear(denominators=[listed]),
    )
    assert said in told


def test_a_strict_claim_that_is_closed_by_positive_stays_strict() -> None:
    said = tell("a + 1 > 0 with a >= 0", clear(), {"step": "positive", "proof": VISIBLE})
    assert said.startswith("We have $a + 1 > 0$, because no term is negative")


# What the formulas are made of


def test_a_polynomial_is_written_by_degree_cyclic_terms_together() -> None:
    x, y, z = generators(3)
    alphabet = Alphabet(("x", "y", "z"))
    assert alphabet.write(x**3 + y**3 + z**3 - 3 * x * y * z + 1).latex == (
        "x^3 + y^3 + z^3 - 3xyz + 1"
    )
    assert alphabet.write(2 * x * x * y - 2 * x * y * y).latex == "2xy(x - y)"
    assert alphabet.write(1 - x - x * y).latex == "1 - xy - x"


def test_a_long_cyclic_polynomial_is_a_sum_and_a_longer_one_is_cut() -> None:
    x, y, z = generators(3)
    alphabet = Alphabet(("x", "y", "z"))
    cyclic = add_up(
        (
            insert(x**12 * y - 7 * x**11 * y**2 + 31 * x**10 * y**3 + 400 * x**9 * z**4, shift)
            for shift in ((x, y, z), (y, z, x), (z, x, y))
        ),
        3,
    )
    assert alphabet.write(cyclic + 5 * x * y * z).latex == (
        r"5xyz + \sum_{\mathrm{cyc}} (x^{12}y - 7x^{11}y^2 + 31x^{10}y^3 + 400x^9z^4)"
    )
    long = (x + 2 * y + 3 * z + 1) ** 5
    cut = alphabet.write_sum(long)
    assert cut.whole == len(long) == 56
    assert cut.latex.endswith(r"+ \cdots")


def test_squares_of_a_matrix_add_up_to_its_form() -> None:
    a, b, c = generators(3)
    one = a**0
    gram = [["2", "-1", "-1"], ["-1", "2", "-1"], ["-1", "-1", "2"]]
    data = [{"weight": to_json(one), "basis": [to_json(v) for v in (a, b, c)], "gram": gram}]
    blocks = read_blocks(data, 3)
    found = split_blocks(blocks, Alphabet(("a", "b", "c")))
    assert add_up((square.value for square in found), 3) == blocks[0].value
    assert sorted(str(square.form) for square in found) == ["x0 - x1", "x0 - x2", "x1 - x2"]


def test_numbers_of_a_solver_are_rounded_where_the_sum_stays() -> None:
    a, b = generators(2)
    off = "1638/8191"
    data = [
        {
            "weight": to_json(a**0),
            "basis": [to_json(a * a), to_json(a * b), to_json(b * b)],
            "gram": [["1", "0", f"-{off}"], ["0", "3276/8191", "0"], [f"-{off}", "0", "1"]],
        }
    ]
    total = a**4 + b**4
    blocks = read_blocks(data, 2)
    assert blocks[0].value == total
    rounded, _ = round_blocks(blocks, (), total)
    assert rounded[0].value == total
    assert {c.denominator for row in rounded[0].gram for c in row} == {1}


def test_easy_reasons_are_identities() -> None:
    x, y = generators(2)
    for p in (x * x - x * y + y * y, 2 * x**3 - x * x * y - x * y * y + 2 * y**3, x**5 - x + 1):
        found = find_squares(p) if len(p.degrees()) else None
        assert found is not None
        assert add_up((square.value for square in found), 2) == p
        assert all(c > 0 for square in found for c in square.weight.coeffs())
    assert find_squares(x * x - 3 * x * y + y * y) is None


def test_pairs_cover_negative_terms_and_respect_free_variables() -> None:
    a, b, c = generators(3)
    p = a * a + b * b + c * c - a * b - b * c - c * a
    found = find_pairs(p, free=(0, 1, 2))
    assert found is not None
    assert add_up((square.value for square in found), 3) == p
    weighted = a * b * b + a * c * c - 2 * a * b * c
    assert find_pairs(weighted) is not None
    assert find_pairs(weighted, free=(0,)) is None
    assert find_pairs(a**4 - 2 * a * a * b * b + b**4 - c) is None


def test_means_of_more_terms_are_found() -> None:
    a, b, c = generators(3)
    p = a**3 + b**3 + c**3 - 2 * a * b * c
    found = find_means(p)
    assert found is not None
    means, rest = found
    assert [len(mean.terms) for mean in means] == [3]
    assert 3 * rest == a**3 + b**3 + c**3
    weighted = find_means(a**5 + 2 * b**5 + 2 * c**5 - 5 * a * b * b * c * c)
    assert weighted is not None
    (mean,), rest = weighted
    assert average(mean) == a**5 + 2 * b**5 + 2 * c**5 and rest.is_zero()


def test_sturm_counts_changes_of_sign() -> None:
    assert count_changes([2, -3, 1]) == (2, 0)  # 1 and 2 are zeros
    at_zero, far = count_changes([3, -2, 1])
    assert at_zero == far


def test_lists_in_lists_are_indented_in_markdown_and_closed_in_latex() -> None:
    inner = Items(((Paragraph("in"),), (Paragraph("in, too"),)))
    for _ in range(5):
        inner = Items(((Paragraph("out"), inner),), numbered=False)
    document = Document((Paragraph("Let"),), (("", (inner, Paragraph("end"))),))
    text = write_markdown(document)
    assert "\n\n" + "  " * 5 + "1. in\n\n" + "  " * 5 + "2. in, too" in text
    latex = write_latex(document)
    assert latex.count(r"\begin{itemize}") == latex.count(r"\end{itemize}") == 4
