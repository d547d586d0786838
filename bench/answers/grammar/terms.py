r"""Reads a single value: an expression, a quantity with its unit, money, a ratio, a time.

What has letters may be a product, a unit or a word. It is a unit behind a number and before
nothing else; and a phrase, which is no value, where English words stand between spaces.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

from bench.answers.expressions import (
    MINUS_ONE,
    Answer,
    Apply,
    Based,
    Expression,
    Listing,
    Number,
    Product,
    Quantity,
    Text,
    negate,
    number,
)
from bench.answers.grammar.numerals import Unreadable, read_words
from bench.answers.grammar.parsing import parse_expression
from bench.answers.grammar.symbols import (
    FUNCTION_NAMES,
    FUNCTIONS,
    NAMED,
    PLURAL_MINUS,
    PRODUCT_LETTERS,
)
from bench.answers.grammar.tokens import Token
from bench.answers.grammar.units import MULTIPLES

_ESTIMATES = frozenset("approximately about roughly around exactly".split())


_SHORT_WORDS = frozenset(
    "dne yes no odd all any red not the one two six ten day may mon tue".split()
)


ENGLISH = frozenset(
    "is the of to at it an or and if so as by on be we are for has can set all any only not no "
    "odd even prime yes".split()
)
"""Words that make a phrase of what they stand in, rather than a product of letters."""


def read_expression(tokens: Sequence[Token]) -> Answer | None:
    """Return the tokens as an expression, a number in words, or a single word.

    Raises Unreadable: they are a sentence, or nothing.
    """
    if not tokens:
        raise Unreadable("nothing")
    while len(tokens) > 1 and tokens[0].text.lower() in _ESTIMATES and tokens[1].spaced:
        tokens = tokens[1:]
    if len(tokens) == 1 and tokens[0].kind in ("letters", "word"):
        word = tokens[0].text
        if word not in ("infty", "infinity") and (
            len(word) > 3 or tokens[0].kind == "word" or word.lower() in _SHORT_WORDS
        ):
            return Text(word)
    if is_phrase(tokens) or _counts_something(tokens):
        raise Unreadable("words")
    plus = parse_expression(tokens)
    if any(t.text in PLURAL_MINUS for t in tokens):
        return Listing((_marked(plus), _marked(parse_expression(tokens, -1))), "±")
    return _marked(plus)


def is_phrase(tokens: Sequence[Token]) -> bool:
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


def read_spelled(tokens: Sequence[Token]) -> Answer | None:
    """Return a number in words, `twenty-one` or `three hundred and two`."""
    if not all(t.kind in ("letters", "word") or t.text == "-" for t in tokens):
        return None
    words = [t.text.lower() for t in tokens if t.text != "-"]
    if words in _HALVES:
        return number(Fraction(1, 2))
    value = read_words(words)
    return None if value is None else number(value)


_HALVES = (["half"], ["one", "half"], ["a", "half"])
