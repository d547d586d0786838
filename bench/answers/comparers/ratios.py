"""Ratios, times of day, and numerals in a stated base."""

from __future__ import annotations

from fractions import Fraction

from bench.answers.arithmetic.equality import equal, identical
from bench.answers.comparers.finding import Asked, Finding, all_of, verdict
from bench.answers.expressions import (
    EXPRESSIONS,
    Answer,
    Based,
    Number,
    Ratio,
    divide,
    multiply,
    number,
)


def bases(gold: Answer, prediction: Answer, asked: Asked) -> Finding | None:
    """A numeral in a stated base: the base is part of the answer.

    `101_2` is neither `101` nor `101_3`, and who asks for base 2 is not answered by `5`.
    """
    if not (isinstance(gold, Based) or isinstance(prediction, Based)):
        return None
    if isinstance(gold, Based) and isinstance(prediction, Based):
        same = int(gold.digits, gold.base) == int(prediction.digits, prediction.base)
        same = same and gold.base == prediction.base
        return verdict(same, "base-n", "numeral and base")
    based = gold if isinstance(gold, Based) else prediction
    if isinstance(based, Based) and based.base == 10:
        return asked.compare(
            *(number(int(x.digits)) if isinstance(x, Based) else x for x in (gold, prediction))
        )
    return Finding(False, "base-n", "only one side states its base")


def ratios(gold: Answer, prediction: Answer, asked: Asked) -> Finding | None:
    """Ratios are equal when proportional; times of day when they are the same minute.

    `3:1` is also the number 3, but a text that can be a time (`2:30`) is no number.
    """
    pair = gold, prediction
    if not any(isinstance(x, Ratio) for x in pair):
        return None
    if isinstance(gold, Ratio) and isinstance(prediction, Ratio):
        if gold.clock and prediction.clock:
            return _times(gold, prediction)
        if {gold.clock, prediction.clock} & {"am", "pm"}:
            return Finding(False, "time", "only one side is a time of day")
        if len(gold.terms) != len(prediction.terms):
            return Finding(False, "ratio", "ratios of different length")
        a, b = gold.terms, prediction.terms
        same = [identical(multiply(a[0], b[k]), multiply(b[0], a[k])) for k in range(1, len(a))]
        zero = any(identical(x, number(0)) for x in (*a, *b))
        return verdict(all_of(same) if not zero else a == b, "ratio", "ratios")
    ratio, other = (gold, prediction) if isinstance(gold, Ratio) else (prediction, gold)
    assert isinstance(ratio, Ratio)
    if ratio.clock or len(ratio.terms) != 2 or not isinstance(other, EXPRESSIONS):
        return Finding(False, "ratio", "a ratio or time against something else")
    value = divide(*ratio.terms)
    g, p = (value, other) if ratio is gold else (other, value)
    return verdict(equal(g, p, asked.conventions), "ratio", "values")


def _times(gold: Ratio, prediction: Ratio) -> Finding:
    minutes = []
    for time in (gold, prediction):
        values = [int(t.value) if isinstance(t, Number) else -1 for t in time.terms]
        hour, minute, second = (*values, 0, 0)[:3]
        if time.clock in ("am", "pm"):
            hour = hour % 12 + (12 if time.clock == "pm" else 0) if hour <= 12 else hour
        minutes.append(Fraction(hour * 60 + minute) + Fraction(second, 60))
    same = minutes[0] == minutes[1]
    stated = [time.clock in ("am", "pm") for time in (gold, prediction)]
    if not same and any(stated) and not all(stated):
        # A half of the day that only one side names may go without saying, up to noon.
        bare = (gold, prediction)[stated.index(False)]
        first = bare.terms[0]
        small = isinstance(first, Number) and first.value <= 12
        same = small and (minutes[0] - minutes[1]) % 720 == 0
    return verdict(same, "time", "time of day")
