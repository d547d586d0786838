r"""Reads tokens as one expression, by recursive descent over a grammar small enough to know.

    sum      := product (("+" | "-" | "\pm") product)*
    product  := unary (("*" | "/" | ":" | nothing) unary)*          left to right: 1/2x is x/2
    unary    := "-" unary | power                                    -x^2 is -(x^2)
    power    := postfix ("^" exponent)?                              a^b^c is a^(b^c)
    postfix  := atom ("!" | "%" | "^\circ" | "'" | "_" subscript)*

A juxtaposition is a product, but `1\frac{1}{2}` is a mixed number when the fraction is proper. A
function without brackets takes the product that follows it, up to the next function. What is not
in the grammar is an `Unreadable`, never a guess: half an expression is not read.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

from bench.answers.expressions import (
    CONSTANTS,
    Apply,
    Expression,
    Number,
    Power,
    Symbol,
    add,
    divide,
    multiply,
    negate,
    number,
)
from bench.answers.grammar.atoms import Atoms
from bench.answers.grammar.numerals import Unreadable, literal
from bench.answers.grammar.symbols import (
    DIVISION,
    MULTIPLICATION,
    PLURAL_MINUS,
)
from bench.answers.grammar.tokens import Token


def parse_expression(tokens: Sequence[Token], sign: int = 1) -> Expression:
    r"""Read all the tokens as one expression, with `sign` for every `\pm` in it.

    Raises Unreadable, TooLarge.
    """
    parser = _Parser(tokens, sign)
    result = parser.choose()
    if parser.token is not None:
        raise Unreadable(f"stopped at {parser.token.text!r}")
    return result


class _Parser(Atoms):
    """One pass over the tokens; each method reads one rule, and leaves `at` after it."""

    def sum(self) -> Expression:
        terms = [self.product()]
        while (text := self.peek()) in ("+", "-") or text in PLURAL_MINUS:
            self.at += 1
            term = self.product()
            minus = (text == "-") or (text == "±" and self.sign < 0)
            minus = minus or (text == "∓" and self.sign > 0)
            terms.append(negate(term) if minus else term)
        return add(*terms)

    def product(self) -> Expression:
        result = self.unary()
        while (token := self.token) is not None:
            if token.text in MULTIPLICATION:
                self.at += 1
                result = multiply(result, self.unary())
            elif token.text in DIVISION:
                self.at += 1
                result = divide(result, self.unary())
            elif self.starts_atom(implicit=True):
                result = self.juxtaposed(result)
            else:
                break
        return result

    def juxtaposed(self, left: Expression) -> Expression:
        """A factor without a sign, or the fraction of a mixed number."""
        before, token = self.tokens[self.at - 1], self.tokens[self.at]
        whole = before.kind == "num" and isinstance(left, Number) and left.decimals is None
        if whole and isinstance(left, Number):
            fraction = self.proper_fraction()
            if fraction is not None:
                mixed = left.value + (-fraction if left.value < 0 else fraction)
                return self.postfixes(number(mixed))
        if token.kind == "num" and before.kind in ("num", "letters"):
            # `n 2^n` and `k2^k` are products; `3 4` is none, and `A5` is a name.
            product = before.kind == "letters" and (token.spaced or self.peek(1) == "^")
            if not product:
                raise Unreadable(f"a number right behind {before.text!r}")
        return multiply(left, self.power())

    def proper_fraction(self) -> Fraction | None:
        r"""`1/2` or `\frac{1}{2}` at this place, when it can be the fraction of a mixed number."""
        start = self.at
        digits: list[str] = []
        if self.peek() == "frac":
            self.at += 1
            for _ in range(2):
                braced = self.peek() == "group{"
                self.at += braced
                if self.kind() != "num":
                    break
                text = self.take().text
                if not braced and len(digits) == 0 and len(text) == 2:  # \frac12
                    digits += list(text)
                    break
                digits.append(text)
                if braced and self.peek() != "}group":
                    digits.clear()
                    break
                self.at += braced
        elif self.kind() == "num" and self.tokens[self.at].spaced and self.peek(1) == "/":
            if self.kind(2) == "num":
                digits = [self.peek(), self.peek(2)]
                self.at += 3
        whole = len(digits) == 2 and all(d.isdigit() for d in digits)
        if whole and self.peek() not in ("^", "!"):
            top, bottom = (int(d) for d in digits)
            if 0 < top < bottom:
                return Fraction(top, bottom)
        self.at = start
        return None

    def unary(self) -> Expression:
        text = self.peek()
        if text in ("-", "+") or text in PLURAL_MINUS:
            self.at += 1
            inner = self.unary()
            minus = text == "-" or (text == "±" and self.sign < 0)
            minus = minus or (text == "∓" and self.sign > 0)
            return negate(inner) if minus else inner
        return self.power()

    def power(self) -> Expression:
        base = self.postfix()
        if self.peek() == "^":
            self.at += 1
            exponent = self.exponent()
            if self.peek() == "_" and isinstance(base, Symbol) and base.name not in CONSTANTS:
                base = Symbol(f"{base.name}_{self.subscript()}")  # x^2_1 is x_1^2
            base = self.postfixes(Power(base, exponent))
        return base

    def exponent(self) -> Expression:
        if self.peek() in ("-", "+"):
            return (
                negate(self.exponent_after_sign()) if self.take().text == "-" else self.exponent()
            )
        return self.exponent_after_sign()

    def exponent_after_sign(self) -> Expression:
        # A subscript after an exponent belongs to the base: x^2_1.
        plain = self.kind() == "num"
        base = self.postfixes(literal(self.take().text) if plain else self.atom())
        if self.peek() == "^":
            self.at += 1
            return Power(base, self.exponent())
        return base

    def postfix(self) -> Expression:
        return self.postfixes(self.atom())

    def postfixes(self, result: Expression) -> Expression:
        while (token := self.token) is not None:
            if token.text == "!" and self.peek(1) == "!" and self.peek(2) != "!":
                self.at += 1
                result = Apply("factorial2", (result,))
            elif token.text == "!":
                result = Apply("factorial", (result,))
            elif token.text == "%":
                result = Apply("percent", (result,))
            elif token.text in ("degree", "degrees") and token.kind != "word":
                result = Apply("deg", (result,))
            elif token.text == "^" and self.peek(1) in ("circ", "degree"):
                self.at += 1
                result = Apply("deg", (result,))
            elif token.text == "circ" and self.peek(1) != "(" and isinstance(result, Number):
                result = Apply("deg", (result,))
            elif token.text == "^" and self.peek(1) == "group{" and self.peek(2) == "circ":
                self.take()
                self.at += 2
                if self.peek() != "}group":
                    raise Unreadable("a degree sign with more in its exponent")
                result = Apply("deg", (result,))
            elif token.text == "'" and isinstance(result, Symbol):
                result = Symbol(result.name + "'")
            else:
                break
            self.at += 1
            result = self.minutes(result)
        return result

    def minutes(self, result: Expression) -> Expression:
        """Minutes and seconds of arc after degrees."""
        for quotes, parts in (("'", 60), ("''", 3600)):
            deg = isinstance(result, Apply) and result.function == "deg"
            if not (deg and self.kind() == "num" and self.peek(1) == "'"):
                break
            if len(quotes) == 2 and self.peek(2) != "'":
                break
            assert isinstance(result, Apply)
            value = Fraction(self.take().text) / parts
            self.at += len(quotes)
            result = Apply("deg", (add(result.arguments[0], number(value)),))
        return result
