"""Statements as data: JSON, printing, digests up to renaming, exact and floating values."""

from __future__ import annotations

import itertools
import json
import math
import random
from collections.abc import Callable, Sequence
from fractions import Fraction
from typing import Any

import numpy as np
import pytest

from bench.errors import DataError
from bench.inequalities.statements import (
    Expression,
    Relation,
    Statement,
    add,
    compile_float,
    divide,
    evaluate,
    find_variables,
    format_expression,
    format_latex,
    format_latex_expression,
    format_text,
    from_json,
    from_json_expression,
    hash_up_to_renaming,
    multiply,
    negate,
    order_names,
    raise_to,
    rename,
    to_json,
    to_json_expression,
)
from bench.inequalities.texts.reading import read_expression, read_statement

NAMES = ("a", "b", "x_1", "y")


def draw_expression(draw: random.Random, names: Sequence[str], depth: int) -> Expression:
    """An expression that reading can make: one of the builders' results."""
    if depth == 0 or draw.random() < 0.15:
        if draw.random() < 0.7:
            return draw.choice(names)
        return Fraction(draw.randint(-3, 4), draw.choice((1, 1, 2, 3)))

    def part() -> Expression:
        return draw_expression(draw, names, depth - 1)

    match draw.choice("++**-/^^"):
        case "+":
            return add(*(part() for _ in range(draw.randint(2, 3))))
        case "*":
            return multiply(*(part() for _ in range(draw.randint(2, 3))))
        case "-":
            return negate(part())
        case "/":
            divisor = part()
            return divide(part(), draw.choice(names) if divisor == 0 else divisor)
    exponent = draw.choice(("2", "3", "-1", "1/2", "1/3", "-2/3", "5/2"))
    return raise_to(part(), part() if draw.random() < 0.2 else Fraction(exponent))


def is_readable(expression: Expression) -> bool:
    """Whether no exponent is a constant that is irrational or undefined: that is not read."""
    if not isinstance(expression, tuple):
        return True
    if expression[0] == "^" and not isinstance(expression[2], Fraction):
        if not find_variables(expression[2]):
            return False
    return all(map(is_readable, expression[1:]))


def draw_many(count: int, seed: int) -> list[Expression]:
    draw = random.Random(seed)
    drawn = (draw_expression(draw, NAMES, draw.randint(1, 4)) for _ in itertools.count())
    return list(itertools.islice(filter(is_readable, drawn), count))


def draw_statement(draw: random.Random) -> Statement:
    def relation(ops: str) -> Relation:
        sides = [draw_expression(draw, names, 2) for _ in range(2)]
        return (draw.choice(ops.split()), sides[0], sides[1])

    names = list(
        draw.choice((NAMES, ("z", "a"), ("long", "longer", "be", "b", "o", "n", "g", "e")))
    )
    while True:
        statement = Statement(
            tuple(names),
            tuple(relation(">= > <= < = !=") for _ in range(draw.randint(0, 4))),
            tuple(relation(">= > <= <") for _ in range(draw.randint(1, 2))),
        )
        sides = [e for _, *pair in statement.assumptions + statement.claims for e in pair]
        if all(map(is_readable, sides)):
            return statement


# JSON


def test_json_is_that_of_the_format_page() -> None:
    statement = read_statement("a/b >= -x^(1/2) + 3/4 with a, b > 0, a*b*x = 1")
    data = {
        "variables": ["a", "b", "x"],
        "assumptions": [[">", "a", "0"], [">", "b", "0"], ["=", ["*", "a", "b", "x"], "1"]],
        "claims": [[">=", ["/", "a", "b"], ["+", ["-", ["^", "x", "1/2"]], "3/4"]]],
    }
    assert to_json(statement) == data
    assert from_json(json.loads(json.dumps(data))) == statement


def test_every_statement_comes_back_from_json() -> None:
    draw = random.Random(1)
    for _ in range(200):
        statement = draw_statement(draw)
        assert from_json(json.loads(json.dumps(to_json(statement)))) == statement


@pytest.mark.parametrize(
    ("data", "said"),
    [
        ([], "has the keys"),
        ({"variables": [], "assumptions": []}, "has the keys"),
        ({"variables": "a", "assumptions": [], "claims": []}, "is a list"),
        ({"variables": ["1a"], "assumptions": [], "claims": []}, "a variable is a letter"),
        ({"variables": ["a", "a"], "assumptions": [], "claims": []}, "a variable is a letter"),
        ({"variables": [], "assumptions": [], "claims": [[">=", "a", "0"]]}, "not among"),
        ({"variables": [], "assumptions": [], "claims": [["=>", "1", "0"]]}, "a relation is"),
        ({"variables": [], "assumptions": [], "claims": [[">=", "1"]]}, "a relation is"),
    ],
)
def test_wrong_data_are_no_statement(data: Any, said: str) -> None:
    with pytest.raises(DataError, match=said):
        from_json(data)


@pytest.mark.parametrize(
    "data", [1, 0.5, "1.5", "1/0", "a b", "", [], ["+", "a"], ["-", "a", "b"], ["%", "a", "b"]]
)
def test_wrong_data_are_no_expression(data: Any) -> None:
    with pytest.raises(DataError, match="an expression is|operands"):
        from_json_expression(data)


# Builders


def test_builders_flatten_sums_and_products_and_fold_rationals() -> None:
    assert add("a", add("b", "c")) == ("+", "a", "b", "c")
    assert multiply(multiply("a", "b"), "c") == ("*", "a", "b", "c")
    assert multiply("a") == "a"
    assert divide(Fraction(6), Fraction(4)) == Fraction(3, 2)
    assert divide(Fraction(1), Fraction(0)) == ("/", Fraction(1), Fraction(0))
    assert negate(Fraction(2)) == Fraction(-2)
    assert raise_to("a", ("/", Fraction(1), ("+", Fraction(1), Fraction(2)))) == (
        "^",
        "a",
        Fraction(1, 3),
    )
    assert raise_to(Fraction(2), Fraction(3)) == ("^", Fraction(2), Fraction(3))


# Printing


@pytest.mark.parametrize(
    ("expression", "text", "latex"),
    [
        (add("a", negate("b"), Fraction(-2)), "a - b - 2", "a - b - 2"),
        (negate(add("a", "b")), "-(a + b)", r"-\left(a + b\right)"),
        (negate(multiply("a", "b")), "-a*b", "-a b"),
        (multiply(negate("a"), "b"), "(-a)*b", r"\left(-a\right) b"),
        (multiply(Fraction(-2), "a"), "(-2)*a", r"\left(-2\right) a"),
        (multiply(Fraction(2, 3), "a"), "2/3*a", r"\frac{2}{3} a"),
        (multiply("a", Fraction(2, 3)), "a*(2/3)", r"a \frac{2}{3}"),
        (multiply("a", Fraction(2)), "a*2", r"a \cdot 2"),
        (divide(multiply("a", "b"), "c"), "a*b/c", r"\frac{a b}{c}"),
        (multiply("a", divide("b", "c")), "a*(b/c)", r"a \frac{b}{c}"),
        (divide("a", multiply("b", "c")), "a/(b*c)", r"\frac{a}{b c}"),
        (divide(divide("a", "b"), "c"), "a/b/c", r"\frac{\frac{a}{b}}{c}"),
        (raise_to(add("a", "b"), Fraction(2)), "(a + b)^2", r"\left(a + b\right)^{2}"),
        (raise_to(Fraction(-2), Fraction(2)), "(-2)^2", r"\left(-2\right)^{2}"),
        (raise_to("a", Fraction(-1)), "a^-1", "a^{-1}"),
        (raise_to("a", Fraction(1, 2)), "sqrt(a)", r"\sqrt{a}"),
        (raise_to("a", Fraction(1, 3)), "a^(1/3)", r"\sqrt[3]{a}"),
        (raise_to("a", Fraction(-2, 3)), "a^(-2/3)", "a^{-2/3}"),
        (raise_to(raise_to("a", "b"), "c"), "(a^b)^c", r"\left(a^{b}\right)^{c}"),
        (raise_to("a", raise_to("b", "c")), "a^(b^c)", "a^{b^{c}}"),
        (raise_to("a_10", Fraction(2)), "a_10^2", "a_{10}^{2}"),
        (multiply("alpha", "sum_x"), "alpha*sum_x", r"\alpha \mathit{sum_x}"),
        (add("a'", "a_", "beta_1'"), "a' + a_ + beta_1'", r"a' + \mathit{a_} + \beta_{1}'"),
    ],
)
def test_expressions_are_printed_with_few_brackets(
    expression: Expression, text: str, latex: str
) -> None:
    assert format_expression(expression) == text
    assert format_latex_expression(expression) == latex


def test_statements_are_printed_in_one_line() -> None:
    text = "a/b + b/a >= 2 with a, b > 0; a*b = 1; a = 1; b = 1; a != b"
    assert format_text(read_statement(text)) == text
    text = "y >= 0 and x >= 0 for real y, x with 0 <= y; y <= x"
    assert format_text(read_statement(text)) == text
    assert format_latex(read_statement("a_1 <= 1/2 for real long, a_1 with long, a_1 >= 0")) == (
        r"a_{1} \le \frac{1}{2} \quad \text{for real } \mathit{long}, a_{1}"
        r" \quad \text{with } \mathit{long}, a_{1} \ge 0"
    )


@pytest.mark.parametrize("print_expression", [format_expression, format_latex_expression])
def test_a_printed_expression_reads_back(print_expression: Callable[[Expression], str]) -> None:
    for expression in draw_many(600, seed=2):
        assert read_expression(print_expression(expression), NAMES) == expression


@pytest.mark.parametrize("print_statement", [format_text, format_latex])
def test_a_printed_statement_reads_back(print_statement: Callable[[Statement], str]) -> None:
    draw = random.Random(3)
    for _ in range(200):
        statement = draw_statement(draw)
        assert read_statement(print_statement(statement)) == statement


def test_an_expression_that_no_builder_made_reads_back_with_its_value() -> None:
    odd: Expression = ("+", "a", ("+", "b", ("-", Fraction(-2))), ("*", ("*", "a", "b"), "y"))
    again = read_expression(format_expression(odd))
    point = {"a": Fraction(2), "b": Fraction(3), "y": Fraction(5)}
    assert evaluate(again, point) == evaluate(odd, point) == 37


def test_names_are_ordered_by_index() -> None:
    assert order_names(["b", "a_10", "a", "a_2", "a10", "a9"]) == "a a9 a10 a_2 a_10 b".split()


# Renaming


def test_a_renamed_statement_has_the_same_digest() -> None:
    draw = random.Random(4)
    for _ in range(100):
        statement = draw_statement(draw)
        names = list(statement.variables)
        new = [f"v{i}" for i in range(len(names))]
        draw.shuffle(new)
        renamed = rename(statement, dict(zip(names, new, strict=True)))
        shuffled = Statement(
            tuple(draw.sample(renamed.variables, len(names))),
            tuple(draw.sample(renamed.assumptions, len(renamed.assumptions))),
            renamed.claims,
        )
        assert hash_up_to_renaming(shuffled) == hash_up_to_renaming(statement)


SAME = "a^2*b + b^2*c + c^2*a >= 3*a*b*c with a, b, c > 0; a + b = c"


@pytest.mark.parametrize(
    "text",
    [
        "x*y^2 + z*x^2 + y*z^2 >= 3*x*y*z with x, y, z > 0; z + x = y",
        "3*a*c*b <= b^2*c + a^2*b + a*c^2 with 0 < a; 0 < b; 0 < c; c = a + b",
        "a^2*b + b^2*c + c^2*a >= 3*a*b*c with a + b = c; c, b, a > 0; a > 0",
    ],
)
def test_the_digest_ignores_names_orders_and_directions(text: str) -> None:
    assert hash_up_to_renaming(read_statement(text)) == hash_up_to_renaming(read_statement(SAME))


@pytest.mark.parametrize(
    "text",
    [
        SAME.replace("b^2*c", "b*c^2"),
        SAME.replace("> 0", ">= 0"),
        SAME.replace("a + b = c", "a + b = 2*c"),
        SAME.replace("3", "2"),
        SAME.replace(">= 3", "<= 3"),
        SAME.replace("with", "for real a, b, c, d with"),
    ],
)
def test_the_digest_tells_other_statements_apart(text: str) -> None:
    assert hash_up_to_renaming(read_statement(text)) != hash_up_to_renaming(read_statement(SAME))


def test_six_variables_that_look_alike_are_tried_in_all_orders() -> None:
    def around(names: str) -> Statement:
        pairs = zip(names, names[1:] + names[0], strict=True)
        return read_statement(" + ".join(f"{a}/({a} + {b})" for a, b in pairs) + " >= 1")

    assert hash_up_to_renaming(around("abcdef")) == hash_up_to_renaming(around("cafbed"))


def test_more_than_six_variables_get_a_digest_though_not_all_orders_are_tried() -> None:
    names = "abcdefgh"
    statement = read_statement(f"{'*'.join(names)} <= 1 with {', '.join(names)} > 0")
    again = read_statement(f"{'*'.join(reversed(names))} <= 1 with {', '.join(names)} > 0")
    assert hash_up_to_renaming(statement) == hash_up_to_renaming(again)


# Values


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("a^2 - 3*a*b/4", "-1/2"),
        ("-a^2", "-4"),
        ("(a + b)^-1", "1/5"),
        ("(4/9)^(1/2)", "2/3"),
        ("(8/27)^(-2/3)", "9/4"),
        ("(16*a + 1)^(1/2)", None),
        ("sqrt(2)", None),
        ("(-8)^(1/3)", None),
        ("(-8)^3", "-512"),
        ("0^0", "1"),
        ("0^-1", None),
        ("0^(1/2)", "0"),
        ("1/(a - 2)", None),
        ("0/(a - 2)", None),
        ("a^b", "8"),
        ("(a - 2)^b", None),
        ("(a - 4)^b", None),
        ("(a - 1)^(1/7)", "1"),
        ("(a^1000)^(1000*b)", None),
        (f"({7**30})^(1/30)", "7"),
        (f"({7**30 + 1})^(1/30)", None),
    ],
)
def test_values_are_exact_or_none(text: str, value: str | None) -> None:
    point = {"a": Fraction(2), "b": Fraction(3)}
    found = evaluate(read_expression(text), point)
    assert found == (None if value is None else Fraction(value))


def test_floats_agree_with_exact_values() -> None:
    draw = random.Random(5)
    points = [[Fraction(draw.randint(-6, 6), draw.randint(1, 3)) ** 2 for _ in NAMES]]
    points += [[Fraction(draw.randint(-6, 6), draw.randint(1, 3)) for _ in NAMES] for _ in "12345"]
    array = np.array([[float(value) for value in point] for point in points])
    compared = 0
    for expression in draw_many(400, seed=6):
        values = compile_float(expression, NAMES)(array)
        assert values.shape == (len(points),)
        for value, point in zip(values, points, strict=True):
            exact = evaluate(expression, dict(zip(NAMES, point, strict=True)))
            if exact is not None and 1e-9 < abs(exact) < 1e9:
                compared += 1
                assert math.isclose(value, exact, rel_tol=1e-6, abs_tol=1e-6)
    assert compared > 500


def test_floats_are_nan_where_the_expression_is_undefined() -> None:
    points = np.array([[-1.0, 2.0], [0.0, 0.0], [4.0, -2.0]])
    expect = {
        "sqrt(a)": [math.nan, 0, 2],
        "a^(1/3)": [math.nan, 0, 4 ** (1 / 3)],
        "1/(1/a)": [-1, math.nan, 4],
        "a^-2": [1, math.nan, 1 / 16],
        "a^b": [math.nan, math.nan, 1 / 16],
        "(a/a)^sqrt(b)": [1, math.nan, math.nan],
        "sqrt(b)^(1 - 1)": [1, 1, math.nan],
        "7/2": [3.5, 3.5, 3.5],
    }
    for text, values in expect.items():
        found = compile_float(read_expression(text), "ab")(points)
        np.testing.assert_allclose(found, values, err_msg=text)


def test_a_number_beyond_floats_is_infinite() -> None:
    points = np.zeros((2, 0))
    assert compile_float(Fraction(10**400), ())(points).tolist() == [math.inf, math.inf]
    assert compile_float(Fraction(-(10**400)), ())(points).tolist() == [-math.inf, -math.inf]


def test_json_of_an_expression_is_nested_lists_of_strings() -> None:
    assert to_json_expression(("^", "x", Fraction(1, 3))) == ["^", "x", "1/3"]
