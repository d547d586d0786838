"""Ten statements of every kind of verdict."""

from __future__ import annotations

from typing import NamedTuple


class Given(NamedTuple):
    """A statement, its verdict, and what is printed of it."""

    statement: str
    verdict: str
    said: str

    @property
    def status(self) -> int:
        return {"proved": 0, "refuted": 1, "open": 1, "unsupported": 2}[self.verdict]


PROVED = r"^Proved \(\d+\.\d s\), and checked exactly: [a-z_, ]+\.$"
TEN = {
    "am-gm": Given("a^3 + b^3 + c^3 >= 3*a*b*c with a, b, c >= 0", "proved", PROVED),
    "nesbitt": Given("a/(b+c) + b/(c+a) + c/(a+b) >= 3/2 with a, b, c > 0", "proved", PROVED),
    "schur": Given(
        "a*(a-b)*(a-c) + b*(b-c)*(b-a) + c*(c-a)*(c-b) >= 0 with a, b, c >= 0", "proved", PROVED
    ),
    "radical": Given("sqrt(a^2 + b^2) >= (a + b)/sqrt(2) with a, b > 0", "proved", PROVED),
    "no signs": Given("x^2 + y^2 + z^2 >= x*y + y*z + z*x", "proved", PROVED),
    "latex": Given(r"\frac{a}{b} + \frac{b}{a} \ge 2, \quad a, b > 0, ab = 1", "proved", PROVED),
    "false": Given(
        "a + b >= 2 with a, b > 0",
        "refuted",
        r"^Refuted \(.* s\): at a = [\d/]+, b = [\d/]+ it is not true that a \+ b >= 2\.$",
    ),
    "open": Given(
        "x^y + y^x > 1 with x, y > 0",
        "open",
        r"^Open \(.* s\): neither a proof nor a counterexample was found",
    ),
    "unsupported": Given(
        "sin(x) <= x with x >= 0",
        "unsupported",
        r"no support for the function sin at '<here>sin\(x\) <= x with x >= 0'; write it without",
    ),
    "mistyped": Given(
        "a + * b >= 2",
        "unsupported",
        r"expected a number, a name or a bracket instead of '\*' at 'a \+ <here>\* b >= 2'",
    ),
}
"""Typed by hand; the one that is open is true and hard."""
