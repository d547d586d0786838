"""Prints what was read, in one line of plain text, for verdicts and for people."""

from __future__ import annotations

from fractions import Fraction

from bench.answers.expressions import (
    Answer,
    Apply,
    Based,
    Group,
    Listing,
    Matrix,
    Number,
    Power,
    Product,
    Qualified,
    Quantity,
    Ratio,
    Relation,
    SetOf,
    SetOperation,
    Sum,
    Symbol,
    Text,
)

_LONGEST = 400
_CLOSE = {"(": ")", "[": "]", "{": "}"}


def form(answer: Answer) -> str:
    """Return the normalised form, cut off where it is very long."""
    text = _form(answer)
    return text if len(text) <= _LONGEST else text[:_LONGEST] + "..."


def _form(x: Answer) -> str:  # one line per kind of node
    match x:
        case Number(value):
            return _number(value)
        case Symbol(name):
            return name
        case Sum(terms):
            return "(" + " + ".join(_form(t) for t in terms) + ")"
        case Product(factors):
            return "*".join(_form(f) for f in factors)
        case Power(base, exponent):
            return f"{_form(base)}^{_form(exponent)}"
        case Apply(function, arguments):
            return f"{function}({', '.join(_form(a) for a in arguments)})"
        case Quantity(value, unit):
            return f"{_form(value)} {unit.removeprefix('noun ')}"
        case Based(digits, base):
            return f"{digits} in base {base}"
        case Ratio(terms, clock):
            half = f" {clock}" if clock in ("am", "pm") else ""
            return ":".join(_form(t) for t in terms) + half
        case Group(opening, closing, items):
            return opening + ", ".join(_form(i) for i in items) + closing
        case Listing(items):
            return ", ".join(_form(i) for i in items)
        case Matrix(rows):
            return "[" + "; ".join(", ".join(_form(c) for c in row) for row in rows) + "]"
        case Relation(sides, signs):
            words = [_form(sides[0])]
            for sign, side in zip(signs, sides[1:], strict=True):
                words += [sign, _form(side)]
            return " ".join(words)
        case SetOf(variable, condition):
            return "{" + f"{_form(variable)} | {_form(condition)}" + "}"
        case SetOperation(operation, parts):
            return f" {operation} ".join(_form(p) for p in parts)
        case Qualified(answer, note):
            return f"{_form(answer)} {note}"
        case Text(words_):
            return words_
    raise AssertionError(x)


def _number(value: Fraction) -> str:
    if value.numerator.bit_length() + value.denominator.bit_length() > 4 * _LONGEST:
        return "a long number"
    return str(value)
