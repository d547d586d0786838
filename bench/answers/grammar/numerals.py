"""Numbers as they are printed: decimals, recurring decimals, bases named in words."""

from __future__ import annotations

import re
from fractions import Fraction

from bench.answers.expressions import Number
from bench.answers.grammar.units import MULTIPLES
from bench.answers.limits import MAX_DIGITS, MAX_EXPONENT, TooLarge
from bench.types import Outcome


class Unreadable(Exception):
    """The tokens are not an expression of the grammar; the message says where it stopped."""


PERIOD = re.compile(r"(\d{1,12}?)\1{2,}$")
"""Digits that stand at least three times before the dots."""
BASES = {
    word: str(base)
    for base, word in enumerate(
        "two three four five six seven eight nine ten eleven twelve".split(), start=2
    )
}
_PLAIN = re.compile(r"(\d*)\.?(\d*)(?:[eE]([+-]?\d+))?")


def read_literal(text: str) -> Number:
    """Return the number that the digits spell.

    Raises TooLarge: an exponent beyond the limit.
    """
    match = _PLAIN.fullmatch(text)
    if match is None:
        raise Unreadable(f"{text!r} is no number")
    whole, fraction, exponent = match.groups()
    if len(whole) + len(fraction) > MAX_DIGITS:
        raise TooLarge(f"a number of more than {MAX_DIGITS} digits", Outcome.UNSAFE)
    if "." not in text and exponent is None:
        return Number(Fraction(int(text)))
    power = int(exponent or 0) if len(exponent or "") < 9 else MAX_EXPONENT + 1
    if abs(power) > MAX_DIGITS:
        raise TooLarge(f"an exponent beyond {MAX_DIGITS}", Outcome.UNSAFE)
    value = Fraction(int((whole + fraction) or "0")) * Fraction(10) ** (power - len(fraction))
    digits = len((whole + fraction).lstrip("0"))
    return Number(value, len(fraction) - power, digits)


def read_recurring(text: str, repeating: str) -> Fraction:
    """Return the number with a group of digits that recurs for ever: `0.1` and `6` give 1/6."""
    fraction = text.partition(".")[2]
    unit = Fraction(1, 10 ** len(fraction))
    return Fraction(f"0{text}".rstrip(".")) + unit * Fraction(
        int(repeating), 10 ** len(repeating) - 1
    )


_SMALL = {
    word: value
    for value, word in enumerate(
        "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen "
        "fifteen sixteen seventeen eighteen nineteen".split()
    )
}
_TENS = {
    word: value
    for value, word in zip(
        range(20, 100, 10),
        "twenty thirty forty fifty sixty seventy eighty ninety".split(),
        strict=True,
    )
}


def read_words(words: list[str]) -> int | None:
    """Return the number that the words spell, `two hundred and five`; none if they are several."""
    total = group = 0
    last, scale = "", None
    for word in words:
        if word in _SMALL:
            room = last in ("", "hundred", "and", "scale") or (
                last == "tens" and 0 < _SMALL[word] < 10
            )
            if not room:
                return None
            group, last = group + _SMALL[word], "small"
        elif word in _TENS:
            if last not in ("", "hundred", "and", "scale"):
                return None
            group, last = group + _TENS[word], "tens"
        elif word == "hundred":
            if last not in ("", "small") or group > 99:
                return None
            group, last = max(group, 1) * 100, "hundred"
        elif word in MULTIPLES:
            value = MULTIPLES[word]
            if last in ("and", "scale") or (scale is not None and value >= scale):
                return None
            total, group, last, scale = total + max(group, 1) * value, 0, "scale", value
        elif word == "and" and last in ("hundred", "scale"):
            last = "and"
        else:
            return None
    return None if last in ("", "and") else total + group
