r"""Reads matrices in all of LaTeX's environments, transposed, scaled or multiplied; and cases."""

from __future__ import annotations

from collections.abc import Sequence

from bench.answers.expressions import (
    EXPRESSIONS,
    MINUS_ONE,
    Answer,
    Matrix,
    Piecewise,
    add,
    multiply,
)
from bench.answers.grammar.cutting import cut, find_partner, strip_ends
from bench.answers.grammar.numerals import Unreadable
from bench.answers.grammar.parsing import parse_expression
from bench.answers.grammar.remarks import Inner
from bench.answers.grammar.tokens import Token

_MATRICES = frozenset(
    "matrix pmatrix bmatrix Bmatrix vmatrix Vmatrix smallmatrix array aligned cases".split()
)
_BEFORE_CONDITIONS = frozenset(("if", "when", "for", "where"))


def matrix_of(tokens: Sequence[Token], answer: Inner) -> Answer | None:
    r"""Return a matrix, perhaps with a factor before it, `\frac12 A`, or another behind it."""
    start = next((i for i, t in enumerate(tokens) if t.text == "begin"), -1)
    if start < 0 or tokens[start + 1 : start + 2] == [] or start + 3 >= len(tokens):
        return None
    kind = tokens[start + 2].text
    end = find_partner(tokens, start)
    if kind not in _MATRICES or end < 0:
        return None
    body = list(tokens[start + 4 : end])
    if kind == "array" and body and body[0].text == "group{":
        body = body[find_partner(body, 0) + 1 :]
    after = [t.text for t in tokens[end + 1 :]]
    after = after[3:] if after[:1] == ["group{"] else after
    rows = [
        tuple(answer(_condition(cell)) for cell in cut(row, lambda t: t.text in ("&", "and")))
        for row in cut(body, lambda t: t.text == "\\\\")
        if strip_ends(row)
    ]
    if not rows or len({len(row) for row in rows}) != 1:
        raise Unreadable("a matrix with rows of different lengths")
    before = list(tokens[:start])
    bars = bool(before and before[-1].text == "|" and after[:1] == ["|"])
    if bars or (before and before[-1].text in ("(", "[") and after[:1] in ([")"], ["]"])):
        before, after = before[:-1], after[1:]
    if kind == "cases" or [t.text for t in before] == ["{"]:
        return _cases(rows, before, after)
    matrix = Matrix(tuple(rows), bars or kind == "vmatrix")
    if after in (["^", "T"], ["^", "group{", "T", "}group"], ["^", "top"]):
        matrix = Matrix(tuple(zip(*rows, strict=True)))
        after = []
    if after:
        following = matrix_of(tokens[end + 4 :], answer) if after[0] == "begin" else None
        if not isinstance(following, Matrix):
            raise Unreadable("more after a matrix")
        matrix = _multiplied(matrix, following)
    return _scaled(matrix, before) if before else matrix


def _cases(
    rows: Sequence[tuple[Answer, ...]], before: Sequence[Token], after: Sequence[str]
) -> Piecewise:
    """A value in each row, and its condition behind it."""
    if any(t.text != "{" for t in before) or after or len(rows[0]) != 2:
        raise Unreadable("cases with more around them, or without a condition each")
    return Piecewise(tuple((value, condition) for value, condition in rows))


def _condition(tokens: Sequence[Token]) -> Sequence[Token]:
    """A condition without the word that introduces it."""
    tokens = strip_ends(tokens)
    while tokens and tokens[0].text.lower() in _BEFORE_CONDITIONS:
        tokens = strip_ends(tokens[1:])
    return tokens


def _multiplied(left: Matrix, right: Matrix) -> Matrix:
    """The product of two matrices that stand side by side."""
    if len(left.rows[0]) != len(right.rows):
        raise Unreadable("a product of matrices that do not fit")
    rows = []
    for row in left.rows:
        cells = []
        for column in zip(*right.rows, strict=True):
            terms = [
                multiply(a, b)
                for a, b in zip(row, column, strict=True)
                if isinstance(a, EXPRESSIONS) and isinstance(b, EXPRESSIONS)
            ]
            cells.append(add(*terms))
        rows.append(tuple(cells))
    return Matrix(tuple(rows))


def _scaled(matrix: Matrix, tokens: Sequence[Token]) -> Answer:
    factor = (
        MINUS_ONE
        if [t.text for t in tokens] == ["-"]
        else parse_expression(tokens[:-1] if tokens[-1].text in ("cdot", "times", "*") else tokens)
    )
    if not all(isinstance(cell, EXPRESSIONS) for row in matrix.rows for cell in row):
        raise Unreadable("a multiple of a matrix of no expressions")
    rows = tuple(
        tuple(multiply(factor, cell) for cell in row if isinstance(cell, EXPRESSIONS))
        for row in matrix.rows
    )
    return Matrix(rows, matrix.determinant)
