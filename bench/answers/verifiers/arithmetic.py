r"""Whether an expression uses given numbers, each once, and has a given value.

That is the task of Game of 24 and of countdown: any expression will do. What may be written are
whole numbers, `+ - * /`, brackets, and LaTeX's `\times`, `\cdot`, `\div` and `\frac{}{}`; a last
`= value` is read and must be true. Values are exact fractions.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from fractions import Fraction

from bench.answers.verifiers.judgement import Judgement

MAX_CHARS = 400
"""Characters of an expression; a longer text is not read."""
MAX_DIGITS = 12
"""Digits of a number."""
MAX_DEPTH = 40
"""Brackets, fractions and signs inside one another, far below the interpreter's own limit."""

_SPELLINGS = (
    (r"\\left|\\right|\\,|\\;|\\ |\$|\s", ""),
    (r"\\times|\\cdot|×|·|\\ast", "*"),
    (r"\\div|÷", "/"),
    (r"−|–", "-"),
    (r"\\[dt]?frac\{", "\\\\frac{"),
)
_TOKEN = re.compile(r"[0-9]+|[-+*/()]|\\frac|[{}]")


def verify_arithmetic(
    answer: str, *, numbers: Sequence[int], target: int, all_numbers: bool = True
) -> Judgement:
    """Decide whether `answer` makes `target` of `numbers`, each used at most once.

    `all_numbers` says whether every number must be used (Game of 24) or any of them (countdown).
    """
    text = answer
    for pattern, spelling in _SPELLINGS:
        text = re.sub(pattern, spelling, text)
    expression, *claims = text.split("=")
    if len(text) > MAX_CHARS or len(claims) > 1:
        return Judgement.unreadable("not one expression")
    try:
        used, value = _read(expression)
        claimed = _read(claims[0])[1] if claims else value
    except _Unreadable as error:
        return Judgement.unreadable(str(error))
    except ZeroDivisionError:
        return Judgement.wrong("it divides by zero")
    given, spent = Counter(numbers), Counter(used)
    if spent - given:
        extra = ", ".join(map(str, sorted((spent - given).elements())))
        return Judgement.wrong(f"it uses {extra}, which is not given or not so often")
    if all_numbers and given - spent:
        left = ", ".join(map(str, sorted((given - spent).elements())))
        return Judgement.wrong(f"it does not use {left}")
    if value != target:
        return Judgement.wrong(f"its value is {value}, not {target}")
    if claimed != value:
        return Judgement.wrong(f"it says {claimed}, and its value is {value}")
    return Judgement.right(f"its value is {value}, from the numbers given")


class _Unreadable(Exception):
    """The text is no expression of the grammar; the message says why."""


def _read(text: str) -> tuple[list[int], Fraction]:
    """Return the numbers of an expression and its value. Raises _Unreadable, ZeroDivisionError."""
    tokens = _TOKEN.findall(text)
    if "".join(tokens) != text or not tokens:
        raise _Unreadable(f"{text[:40]!r} is no expression of whole numbers and + - * /")
    reader = _Reader(tokens)
    value = reader.sum()
    if reader.at < len(tokens):
        raise _Unreadable(f"it goes on with {tokens[reader.at]!r} where it should end")
    return reader.numbers, value


class _Reader:
    r"""Recursive descent.

    sum := product (+|- product)*; product := factor (*|/ factor)*; factor := number, -factor,
    (sum) or \frac{sum}{sum}.
    """

    def __init__(self, tokens: Sequence[str]) -> None:
        self.tokens, self.at, self.depth = tokens, 0, 0
        self.numbers: list[int] = []

    def sum(self) -> Fraction:
        value = self.product()
        while self.peek() in ("+", "-"):
            value = value + self.product() if self.take() == "+" else value - self.product()
        return value

    def product(self) -> Fraction:
        value = self.factor()
        while self.peek() in ("*", "/"):
            value = value * self.factor() if self.take() == "*" else value / self.factor()
        return value

    def factor(self) -> Fraction:
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise _Unreadable(f"more than {MAX_DEPTH} brackets or signs lie inside one another")
        value = self.atom()
        self.depth -= 1
        return value

    def atom(self) -> Fraction:
        token = self.take()
        if token == "-":
            return -self.factor()
        if token == "(":
            return self.closed(")")
        if token == "\\frac":
            self.take("{")
            top = self.closed("}")
            self.take("{")
            return top / self.closed("}")
        if not token.isdigit() or len(token) > MAX_DIGITS:
            raise _Unreadable(f"found {token!r} where a number or a bracket should be")
        self.numbers.append(int(token))
        return Fraction(int(token))

    def closed(self, closer: str) -> Fraction:
        value = self.sum()
        self.take(closer)
        return value

    def peek(self) -> str:
        return self.tokens[self.at] if self.at < len(self.tokens) else ""

    def take(self, expected: str = "") -> str:
        token = self.peek()
        if not token or (expected and token != expected):
            raise _Unreadable(f"found {token or 'the end'!r}, expected {expected or 'more'!r}")
        self.at += 1
        return token
