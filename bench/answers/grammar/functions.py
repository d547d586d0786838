r"""Functions with and without brackets, and sums and products over a range.

A function without brackets takes the product that follows it, up to the next function.
"""

from __future__ import annotations

from fractions import Fraction

from bench.answers.expressions import (
    MINUS_ONE,
    Apply,
    E,
    Expression,
    Number,
    Power,
    Symbol,
    number,
)
from bench.answers.grammar.numerals import Unreadable
from bench.answers.grammar.rules import Rules
from bench.answers.grammar.symbols import (
    FUNCTION_NAMES,
    GLUED,
    INVERSES,
)


class Functions(Rules):
    """The rules for functions."""

    def function(self, name: str) -> Expression:
        """Read what follows the name of a function: a power, a base, its arguments."""
        power: Expression | None = None
        base: Expression | None = None
        for _ in range(2):
            if self.peek() == "^":
                self.at += 1
                power = self.exponent()
            elif self.peek() == "_" and name == "log":
                self.at += 1
                base = self.argument()
            elif self.peek() == "_" and name in ("max", "min"):
                self.subscript()
        if power == MINUS_ONE and name in INVERSES:
            name, power = INVERSES[name], None
        if name == "sqrt":
            inner = self.argument() if self.peek() != "(" else self.atom()
            return Power(inner, Number(Fraction(1, 2)))
        if self.peek() == "(" or (self.peek() in ("[", "{", "group{") and name != "log"):
            arguments = self.arguments()
        else:
            arguments = (self.bare_argument(),)
        if name in ("lg",):
            name, base = "log", number(10)
        result: Expression
        if name == "log" and base is not None:
            result = Apply("log", (*arguments, base))
        elif name == "exp":
            result = Power(E, arguments[0])
        elif name == "cbrt":
            result = Apply("root", (arguments[0], number(3)))
        else:
            result = Apply(name, arguments)
        return result if power is None else Power(result, power)

    def bare_argument(self) -> Expression:
        """Read an argument without brackets."""
        if self.peek() == "-":
            raise Unreadable("a sign after a function")
        result = self.power()
        while self.starts_atom(implicit=True) and self.peek() not in ("(", "["):
            text, kind = self.peek(), self.kind()
            if (kind in ("cmd", "word", "letters")) and text in FUNCTION_NAMES:
                break
            if any(text.startswith(f) for f in GLUED) and kind == "letters":
                break
            result = self.juxtaposed(result)
        return result

    def big(self, name: str) -> Expression:
        """A sum or product with stated bounds: of its body, the index, and both bounds."""
        lower = upper = None
        index = ""
        for _ in range(2):
            if self.peek() == "_" and self.peek(1) == "group{":
                self.at += 2
                index = self.take().text
                self.take("=")
                lower = self.sum()
                self.take("}group")
            elif self.peek() == "^":
                self.at += 1
                upper = self.exponent()
        if lower is None or upper is None:
            raise Unreadable(f"a {name} without bounds")
        return Apply(name, (self.product(), Symbol(index), lower, upper))
