r"""Reads what is counted or measured: values with units, money, several of them, ratios, times."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

from bench.answers.expressions import (
    EXPRESSIONS,
    ZERO,
    Answer,
    Expression,
    Quantity,
    Ratio,
    add,
    multiply,
    negate,
    number,
    variables,
)
from bench.answers.grammar.cutting import CLOSING, OPENING, cut, strip_ends
from bench.answers.grammar.numerals import Unreadable
from bench.answers.grammar.parsing import parse_expression
from bench.answers.grammar.terms import ENGLISH, is_phrase, read_expression
from bench.answers.grammar.tokens import Token
from bench.answers.grammar.units import MULTIPLES, is_unit_word, scale_of, unit_of

_HEDGES = frozenset(
    "approximately about roughly exactly only just is are the equals answer ans".split()
)


_CURRENCY = {
    "dollar": "dollar",
    "yuan": "yuan",
    "euro": "euro",
    "gbp": "gbp",
    "Rs": "rupee",
    "rupee": "rupee",
}


def quantity(tokens: Sequence[Token]) -> Answer | None:
    """Return a value and, behind it (or before it, for money), what it is counted in."""
    while tokens and tokens[0].kind in ("word", "letters") and tokens[0].text.lower() in _HEDGES:
        tokens = strip_ends(tokens[1:])
    if not tokens:
        return None
    if tokens[0].text in _CURRENCY and len(tokens) > 1:
        unit = _CURRENCY[tokens[0].text]
        start = _unit_start(tokens[1:]) + 1
        words = [(unit, 1), *_unit_words(tokens[start:])]
        value, more = _multiplied_by_word(_value(tokens[1:start]), words[1:])
        return Quantity(value, unit_of([words[0], *more]))
    if tokens[0].text == "-" and len(tokens) > 2 and tokens[1].text in _CURRENCY:
        return Quantity(negate(_value(tokens[2:])), _CURRENCY[tokens[1].text])
    start = _unit_start(tokens)
    if not 0 < start < len(tokens):
        return None
    words = _unit_words(tokens[start:])
    if [w.lower() for w, _ in words] in (["am"], ["pm"]):
        return Ratio((_value(tokens[:start]), ZERO), words[0][0].lower())
    value, words = _multiplied_by_word(_value(tokens[:start]), words)
    if not words:
        return value
    unit = unit_of(words)
    if unit.startswith("noun ") and (variables(value) or set(unit.split()) & ENGLISH):
        raise Unreadable("a sentence")
    return Quantity(value, unit)


def _multiplied_by_word(
    value: Expression, words: list[tuple[str, int]]
) -> tuple[Expression, list[tuple[str, int]]]:
    """`3 million`: the word is part of the number."""
    while words and words[0][0].lower() in MULTIPLES:
        value = multiply(value, number(MULTIPLES[words[0][0].lower()]))
        words = words[1:]
    return value, words


def compound(tokens: Sequence[Token]) -> Answer | None:
    """Return `2 hours 30 minutes`: quantities of one dimension, side by side."""
    starts = [
        k
        for k, t in enumerate(tokens)
        if t.kind == "num"
        and (k == 0 or tokens[k - 1].kind in ("word", "letters") or tokens[k - 1].text == "and")
    ]
    if len(starts) < 2 or starts[0] != 0:
        return None
    ends = [*starts[1:], len(tokens)]
    pieces = []
    for start, end in zip(starts, ends, strict=True):
        piece = quantity([t for t in tokens[start:end] if t.text != "and"])
        if not isinstance(piece, Quantity) or piece.unit.startswith("noun "):
            return None
        pieces.append(piece)
    scales = [scale_of(piece.unit) for piece in pieces]
    if len({dimension for _, dimension in scales}) != 1 or len({p.unit for p in pieces}) == 1:
        return None
    terms = [
        multiply(number(size / scales[0][0]), p.value)
        for (size, _), p in zip(scales, pieces, strict=True)
    ]
    return Quantity(add(*terms), pieces[0].unit)


def _value(tokens: Sequence[Token]) -> Expression:
    found = read_expression(strip_ends(tokens))
    if isinstance(found, Quantity):
        found = found.value
    if found is None or not isinstance(found, EXPRESSIONS):
        raise Unreadable("a unit of no expression")
    return found


def _unit_start(tokens: Sequence[Token]) -> int:
    """Where the words at the end begin: after the last token that belongs to the value."""
    depth = 0
    for index, token in enumerate(tokens):
        if token.text in OPENING:
            depth += 1
        elif token.text in CLOSING:
            depth -= 1
        elif depth == 0 and index:
            letters = token.kind == "letters" and (
                (len(token.text) > 1 and is_unit_word(token.text)) or len(token.text) > 3
            )
            if token.kind == "word" or (
                letters and token.text not in ("sqrt", "infty", "infinity")
            ):
                return index
    return len(tokens)


def _unit_words(tokens: Sequence[Token]) -> list[tuple[str, int]]:
    """Words with their powers; what follows a slash has negative ones."""
    words: list[tuple[str, int]] = []
    sign, index = 1, 0
    while index < len(tokens):
        token = tokens[index]
        index += 1
        if token.kind in ("word", "letters"):
            if token.text.lower() == "per":
                sign = -1
                continue
            words.append((token.text, sign))
        elif token.text == "/":
            sign = -1
        elif token.text == "^" and words:
            power = 1
            while index < len(tokens) and (
                tokens[index].kind == "num" or tokens[index].text in ("group{", "}group", "-")
            ):
                if tokens[index].text == "-":
                    power = -power
                elif tokens[index].kind == "num":
                    power *= int(Fraction(tokens[index].text))
                index += 1
            words[-1] = (words[-1][0], words[-1][1] * power)
        elif token.text in ("group{", "}group", ".", "cdot", "(", ")", "%", "-", "'", "’"):
            continue
        else:
            raise Unreadable(f"{token.text!r} in a unit")
    return words


def ratio(tokens: Sequence[Token]) -> Answer | None:
    """Return `3 : 4`, `2 to 3` or a time of day; None where nothing is set against another."""
    pieces = cut(tokens, lambda t: t.text == ":")
    if len(pieces) == 1:
        pieces = cut(tokens, lambda t: t.text == "to" and t.kind in ("word", "letters"))
    if len(pieces) == 1:
        return None
    if any(is_phrase(piece) for piece in pieces):
        raise Unreadable("a sentence")
    words = [t.text.lower() for t in tokens if t.kind in ("word", "letters")]
    half = "".join(words).replace(".", "")
    clock = ""
    if len(pieces) <= 3 and all(piece and piece[0].kind == "num" for piece in pieces):
        sixtieths = [piece[0].text for piece in pieces[1:]]
        if all(len(m) == 2 and m.isdigit() and int(m) < 60 for m in sixtieths):
            if half in ("am", "pm"):
                clock = half
                pieces = [piece[:1] for piece in pieces]
            elif len(pieces) == 2 and all(len(piece) == 1 for piece in pieces):
                clock = "time"
    return Ratio(tuple(parse_expression(strip_ends(piece)) for piece in pieces), clock)
