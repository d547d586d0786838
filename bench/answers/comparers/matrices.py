r"""Matrices entry by entry, and vectors in any of their forms: columns, tuples, `2i - j`."""

from __future__ import annotations

from collections.abc import Sequence

from bench.answers.comparers.containers import ORDERED, items_verdict
from bench.answers.comparers.finding import Asked, Finding, all_of
from bench.answers.expressions import (
    EXPRESSIONS,
    ONE,
    ZERO,
    Answer,
    Expression,
    Group,
    Listing,
    Matrix,
    add,
    multiply,
    negate,
    substitute,
    variables,
)

_MAX_DETERMINANT = 5


def _determinant(rows: Sequence[Sequence[Answer]]) -> Expression | None:
    """The determinant by its first row; none for a large one, or one of no expressions."""
    if len(rows) != len(rows[0]) or len(rows) > _MAX_DETERMINANT:
        return None
    terms: list[Expression] = []
    for column, entry in enumerate(rows[0]):
        minor = [[*row[:column], *row[column + 1 :]] for row in rows[1:]]
        rest = _determinant(minor) if minor else ONE
        if rest is None or not isinstance(entry, EXPRESSIONS):
            return None
        term = multiply(entry, rest)
        terms.append(negate(term) if column % 2 else term)
    return add(*terms)


def vectors(gold: Answer, prediction: Answer, asked: Asked) -> Finding | None:
    r"""`2\mathbf{i} - \mathbf{j}` against a tuple, a column, or another such sum."""
    pair = [_components(x) for x in (gold, prediction)]
    if None in pair or all(isinstance(x, Group | Matrix) for x in (gold, prediction)):
        return None
    g, p = (list(x or ()) for x in pair)
    size = max(len(g), len(p))
    if not all(x in (size, -1) for x in (_size(gold), _size(prediction))):
        return Finding(False, "vector", "vectors of different dimensions")
    g, p = (x + [ZERO] * (size - len(x)) for x in (g, p))
    same = all_of([asked.same(a, b) for a, b in zip(g, p, strict=True)])
    return items_verdict(same, "vector", "components")


def _size(x: Answer) -> int:
    return len(_components(x) or ()) if isinstance(x, Group | Matrix) else -1


def _components(x: Answer) -> list[Answer] | None:
    """The components of a vector in any of its forms; two of a sum without the third."""
    if isinstance(x, Group) and (x.opening, x.closing) == ORDERED:
        return list(x.items)
    if isinstance(x, Matrix) and len(x.rows[0]) == 1:
        return [row[0] for row in x.rows]
    if not isinstance(x, EXPRESSIONS):
        return None
    names = variables(x)
    if not names & set(_BASIS):
        return None
    found: list[Answer] = []
    for axis in _BASIS[: 3 if _BASIS[2] in names else 2]:
        value: Expression = x
        for other in _BASIS:
            value = substitute(value, other, ONE if other == axis else ZERO)
        found.append(value)
    return found


_BASIS = ("mathbb i", "mathbb j", "mathbb k")


def matrices(gold: Answer, prediction: Answer, asked: Asked) -> Finding | None:
    """Two matrices, entry by entry; or a vector against a tuple or list."""
    if not (isinstance(gold, Matrix) or isinstance(prediction, Matrix)):
        return None
    if isinstance(gold, Matrix) and isinstance(prediction, Matrix):
        shapes = [(len(x.rows), len(x.rows[0])) for x in (gold, prediction)]
        if shapes[0] != shapes[1] or gold.determinant != prediction.determinant:
            return Finding(False, "matrix", "different shapes")
        cells = [
            asked.same(g, p)
            for row_g, row_p in zip(gold.rows, prediction.rows, strict=True)
            for g, p in zip(row_g, row_p, strict=True)
        ]
        return items_verdict(all_of(cells), "matrix", "entries")
    matrix, other = (gold, prediction) if isinstance(gold, Matrix) else (prediction, gold)
    assert isinstance(matrix, Matrix)
    if matrix.determinant and isinstance(other, EXPRESSIONS):
        value = _determinant(matrix.rows)
        if value is not None:
            pair = (value, other) if matrix is gold else (other, value)
            return asked.compare(*pair)
    if isinstance(other, Group) and all(isinstance(x, Group) for x in other.items):
        rows = [x.items for x in other.items if isinstance(x, Group)]
        if [len(r) for r in rows] == [len(r) for r in matrix.rows] and other.opening != "{":
            pairs = [
                (m, o)
                for r, s in zip(matrix.rows, rows, strict=True)
                for m, o in zip(r, s, strict=True)
            ]
            if matrix is prediction:
                pairs = [(o, m) for m, o in pairs]
            return items_verdict(all_of([asked.same(g, p) for g, p in pairs]), "matrix", "entries")
    if not isinstance(other, Listing | Group) or 1 not in (len(matrix.rows), len(matrix.rows[0])):
        return Finding(False, "matrix", "only one side is a matrix")
    if isinstance(other, Group) and (other.opening, other.closing) not in (ORDERED, ("[", "]")):
        return Finding(False, "matrix", "only one side is a vector")
    entries = [cell for row in matrix.rows for cell in row]
    if len(entries) != len(other.items):
        return Finding(False, "matrix", "vectors of different lengths")
    vectors = list(zip(entries, other.items, strict=True))
    if matrix is prediction:
        vectors = [(o, m) for m, o in vectors]
    return items_verdict(all_of([asked.same(g, p) for g, p in vectors]), "matrix", "components")
