r"""Reads a single value: an expression, a quantity with its unit, money, a ratio, a time.

What has letters may be a product, a unit or a word. It is a unit behind a number and before
nothing else; and a phrase, which is no value, where English words stand between spaces.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

from bench.answers.cutting import CLOSING, OPENING, cut, stripped
from bench.answers.expressions import (
    EXPRESSIONS,
    MINUS_ONE,
    ZERO,
    Answer,
    Apply,
    Based,
    Expression,
    Listing,
    Number,
    Product,
    Quantity,
    Ratio,
    Text,
    add,
    multiply,
    negate,
    number,
    variables,
)
from bench.answers.numerals import Unreadable, spelled_out
from bench.answers.parsing import parse_expression
from bench.answers.symbols import (
    FUNCTION_NAMES,
    FUNCTIONS,
    NAMED,
    PLURAL_MINUS,
    PRODUCT_LETTERS,
)
from bench.answers.tokens import Token
from bench.answers.units import MULTIPLES, is_unit_word, scale_of, unit_of

_HEDGES = frozenset(
    "approximately about roughly exactly only just is are the equals answer ans".split()
)
_ESTIMATES = frozenset("approximately about roughly around exactly".split())
_SHORT_WORDS = frozenset(
    "dne yes no odd all any red not the one two six ten day may mon tue".split()
)
ENGLISH = frozenset(
    "is the of to at it an or and if so as by on be we are for has can set all any only not no "
    "odd even prime yes".split()
)
"""Words that make a phrase of what they stand in, rather than a product of letters."""
_CURRENCY = {
    "dollar": "dollar",
    "yuan": "yuan",
    "euro": "euro",
    "gbp": "gbp",
    "Rs": "rupee",
    "rupee": "rupee",
}


def expression(tokens: Sequence[Token]) -> Answer | None:
    """Return the tokens as an expression, a number in words, or a single word."""
    while len(tokens) > 1 and tokens[0].text.lower() in _ESTIMATES and tokens[1].spaced:
        tokens = tokens[1:]
    if len(tokens) == 1 and tokens[0].kind in ("letters", "word"):
        word = tokens[0].text
        if word not in ("infty", "infinity") and (
            len(word) > 3 or tokens[0].kind == "word" or word.lower() in _SHORT_WORDS
        ):
            return Text(word)
    if _is_phrase(tokens) or _counts_something(tokens):
        raise Unreadable("words")
    plus = parse_expression(tokens)
    if any(t.text in PLURAL_MINUS for t in tokens):
        return Listing((_marked(plus), _marked(parse_expression(tokens, -1))), "±")
    return _marked(plus)


def _is_phrase(tokens: Sequence[Token]) -> bool:
    """Whether two words stand side by side: `no solution`, and no product of letters."""
    for index, token in enumerate(tokens):
        # `is` between spaces is a word; in `at^2` it is two letters.
        after = tokens[index + 1].spaced if index + 1 < len(tokens) else True
        alone = after and (token.spaced or index == 0)
        if token.kind == "letters" and index and token.text in MULTIPLES:
            return True  # `3 million` is a number
        if alone and token.kind == "letters" and token.text.lower() in ENGLISH:
            return True
    for one, other in zip(tokens, tokens[1:], strict=False):
        if one.kind == other.kind == "letters" and other.spaced:
            if one.text.lower() in ("a", "an") and len(other.text) > PRODUCT_LETTERS:
                return True
            words = [t.text for t in (one, other) if t.text not in FUNCTIONS]
            if len(words) == 2 and max(map(len, words)) > 3 and min(map(len, words)) > 1:
                return True
    return False


def _counts_something(tokens: Sequence[Token]) -> bool:
    """Whether a word ends what is no product: `12 apples`, but not `12ab` and not `2 area`."""
    last = tokens[-1]
    if len(tokens) == 2 and tokens[0].kind == "num" and last.text.lower() in ("am", "pm"):
        return last.spaced  # an hour
    return (
        len(tokens) > 1
        and last.kind == "letters"
        and last.spaced
        and len(last.text) > PRODUCT_LETTERS
        and last.text.islower()
        and last.text not in FUNCTION_NAMES
        and last.text not in NAMED
        and tokens[0].kind in ("num", "sym", "cmd")
    )


def _marked(x: Expression) -> Answer:
    """A percentage, an angle in degrees or a numeral in a base, seen as such from outside."""
    sign = 1
    inner = x
    if isinstance(x, Product) and len(x.factors) == 2 and x.factors[0] == MINUS_ONE:
        sign, inner = -1, x.factors[1]
    match inner:
        case Apply("percent", (value,)):
            return Quantity(negate(value) if sign < 0 else value, "%")
        case Apply("deg", (value,)):
            return Quantity(negate(value) if sign < 0 else value, "deg")
        case Apply("base", (Number(digits), Number(base))) if sign > 0:
            return Based(str(digits.numerator), base.numerator)
        case _:
            return x


def quantity(tokens: Sequence[Token]) -> Answer | None:
    """Return a value and, behind it (or before it, for money), what it is counted in."""
    while tokens and tokens[0].kind in ("word", "letters") and tokens[0].text.lower() in _HEDGES:
        tokens = stripped(tokens[1:])
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


def spelled(tokens: Sequence[Token]) -> Answer | None:
    """Return a number in words, `twenty-one` or `three hundred and two`."""
    if not all(t.kind in ("letters", "word") or t.text == "-" for t in tokens):
        return None
    value = spelled_out([t.text.lower() for t in tokens if t.text != "-"])
    return None if value is None else number(value)


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
    found = expression(stripped(tokens))
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
    return Ratio(tuple(parse_expression(stripped(piece)) for piece in pieces), clock)
