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
    MINUS_ONE,
    Apply,
    E,
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
from bench.answers.grammar.cursor import Cursor
from bench.answers.grammar.dotted import gather_dots
from bench.answers.grammar.numerals import BASES, PERIOD, Unreadable, read_literal, read_recurring
from bench.answers.grammar.symbols import (
    ACCENTS,
    CLOSERS,
    DIVISION,
    FLOORS,
    FUNCTION_NAMES,
    GLUED,
    GREEK,
    INVERSES,
    MULTIPLICATION,
    NAMED,
    PLURAL_MINUS,
    PRODUCT_LETTERS,
    UNKNOWN_FUNCTIONS,
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


class _Parser(Cursor):
    """One pass over the tokens; each method reads one rule, and leaves `at` after it."""

    def sum(self) -> Expression:
        """Read a sum."""
        terms = [self.product()]
        while (text := self.peek()) in ("+", "-") or text in PLURAL_MINUS:
            self.at += 1
            term = self.product()
            minus = (text == "-") or (text == "±" and self.sign < 0)
            minus = minus or (text == "∓" and self.sign > 0)
            terms.append(negate(term) if minus else term)
        return add(*(gather_dots(terms) if len(terms) > 2 else terms))

    def product(self) -> Expression:
        """Read a product."""
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
            # `n 2^n`, `k2^k` and `2^6 3^5` are products; `3 4` is none, and `A5` is a name.
            power = self.at > 1 and self.tokens[self.at - 2].text == "^"
            product = token.spaced if power else False
            product = product or (
                before.kind == "letters" and (token.spaced or self.peek(1) == "^")
            )
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
        """Read a factor with its signs."""
        text = self.peek()
        if text in ("-", "+") or text in PLURAL_MINUS:
            self.at += 1
            inner = self.unary()
            minus = text == "-" or (text == "±" and self.sign < 0)
            minus = minus or (text == "∓" and self.sign > 0)
            return negate(inner) if minus else inner
        return self.power()

    def power(self) -> Expression:
        """Read a power, or what can have one."""
        base = self.postfix()
        if self.peek() == "^":
            self.at += 1
            exponent = self.exponent()
            if self.peek() == "_" and isinstance(base, Symbol) and base.name not in CONSTANTS:
                base = Symbol(f"{base.name}_{self.subscript()}")  # x^2_1 is x_1^2
            base = self.postfixes(Power(base, exponent))
        return base

    def exponent(self) -> Expression:
        """Read what follows a caret."""
        if self.peek() in ("-", "+"):
            return (
                negate(self.exponent_after_sign()) if self.take().text == "-" else self.exponent()
            )
        return self.exponent_after_sign()

    def exponent_after_sign(self) -> Expression:
        """Read an exponent behind its sign."""
        # A subscript after an exponent belongs to the base: x^2_1.
        plain = self.kind() == "num"
        base = self.postfixes(read_literal(self.take().text) if plain else self.atom())
        if self.peek() == "^":
            self.at += 1
            return Power(base, self.exponent())
        return base

    def postfix(self) -> Expression:
        """Read an atom with what is written behind it."""
        return self.postfixes(self.atom())

    def postfixes(self, result: Expression) -> Expression:
        """Read what is written behind an atom: a factorial, a percent sign, primes."""
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

    # Atoms: numerals, names, brackets, and the commands that take arguments.

    def atom(self) -> Expression:
        """Read a numeral, a name, a command or what is in brackets."""
        token = self.take()
        text = token.text
        if token.kind == "num":
            return self.literal(text)
        if token.kind == "letters" or (token.kind == "word" and text in FUNCTION_NAMES):
            return self.letters(token)
        if token.kind == "word" and text in NAMED:
            return NAMED[text]
        if text == "ldots":
            return Symbol("...")
        if token.kind == "cmd":
            return self.command(text)
        if text in CLOSERS:
            saved, self.bars = self.bars, 0
            inner = self.choose() if text == "group{" else self.sum()
            self.bars = saved
            closer = self.take()
            if closer.text != CLOSERS[text]:
                raise Unreadable(f"found {closer.text!r}, expected {CLOSERS[text]!r}")
            if text == "(" and self.peek() == "_" and isinstance(inner, Number):
                return self.literal(str(inner.value))  # (1011)_2
            if text == "group{" and self.peek() == "_" and isinstance(inner, Symbol):
                return self.symbol(inner.name)  # {g}_{k}
            return inner
        if text == "|":
            self.bars += 1
            inner = self.sum()
            self.take("|")
            self.bars -= 1
            return Apply("abs", (inner,))
        raise Unreadable(f"{text!r} starts no expression")

    def choose(self) -> Expression:
        r"""Read a sum, or two with `\choose` or `\over` between them, as in a group."""
        top = self.sum()
        if self.peek() == "choose":
            self.at += 1
            return Apply("binomial", (top, self.sum()))
        if self.peek() == "over":
            self.at += 1
            return divide(top, self.sum())
        return top

    def literal(self, text: str) -> Expression:
        """Read the rest of a numeral: its base, or the digits that recur."""
        if self.peek() == "_" and text.isdigit():
            base = self.subscript()
            base = BASES.get(base, base)
            if (
                base.isdigit()
                and 2 <= int(base[:3]) <= 36
                and all(int(d) < int(base) for d in text)
            ):
                return Apply("base", (number(int(text)), number(int(base))))
            raise Unreadable(f"a number with the subscript {base!r}")
        if self.peek() in ("overline", "bar", "dot") and "." in text:
            self.at += 1
            repeating = self.braced_text()
            if not repeating.isdigit():
                raise Unreadable("a bar over what are no digits")
            return number(read_recurring(text, repeating))
        if self.peek() == "ldots" and "." in text:
            period = PERIOD.search(text.partition(".")[2])
            if period is None:
                raise Unreadable("digits that go on without a period")
            self.at += 1
            whole, _, fraction = text.partition(".")
            return number(read_recurring(f"{whole}.{fraction[: period.start()]}", period[1]))
        return read_literal(text)

    def letters(self, token: Token) -> Expression:
        """Read a run of letters: a function, a constant, one name, or a product of names."""
        text = token.text
        if text in NAMED and text not in ("i", "e"):
            return NAMED[text]
        if text in FUNCTION_NAMES:
            return self.function(FUNCTION_NAMES[text])
        if len(text) > 1:
            glued = next((f for f in GLUED if text.startswith(f)), "")
            if glued and len(text) - len(glued) <= 2:
                rest = [Token("letters", c) for c in text[len(glued) :]]
                self.tokens = [*self.tokens[: self.at], *rest, *self.tokens[self.at :]]
                return self.function(FUNCTION_NAMES[glued])
            if len(text) > PRODUCT_LETTERS:
                return self.symbol(text)
            # Only the last letter takes what follows: `ab^2`, `ab_1`.
            last = self.letters(Token("letters", text[-1]))
            if self.peek() == "^" or self.peek() == "!":
                last = self.postfixes(last)
                if self.peek() == "^":
                    self.at += 1
                    last = Power(last, self.exponent())
            return multiply(*(NAMED.get(c, Symbol(c)) for c in text[:-1]), last)
        return self.symbol(text)

    def symbol(self, name: str) -> Expression:
        """Read a name with its index and primes; with arguments, if it is a function."""
        if self.peek() == "_":
            name = f"{name}_{self.subscript()}"
        while self.peek() == "'":
            self.at += 1
            name += "'"
        if [self.peek(k) for k in range(4)] == ["^", "group{", "*", "}group"]:
            self.at += 4
            name += "*"
        if self.peek() == "^" and self.peek(1) in ("prime", "*"):
            self.at += 2
            name += "'"
        elif self.peek() == "^" and self.peek(1) == "group{" and self.peek(2) == "prime":
            self.at += 2
            while self.peek() == "prime":
                self.at += 1
                name += "'"
            self.take("}group")
        if name in NAMED:
            return NAMED[name]
        if name[0] in UNKNOWN_FUNCTIONS and self.peek() == "group{" and self.peek(1) == "(":
            return Apply(name, self.grouped_arguments())  # f{\left(x\right)}, as sympy prints it
        if self.peek() == "(" and (name[0] in UNKNOWN_FUNCTIONS or self.has_comma()):
            arguments = self.arguments()
            if name == "C" and len(arguments) == 2:
                return Apply("binomial", arguments)
            return Apply(name, arguments)
        return Symbol(name)

    def arguments(self) -> tuple[Expression, ...]:
        """Read arguments in brackets."""
        closer = CLOSERS[self.take().text]
        found = [self.sum()]
        while self.peek() == ",":
            self.at += 1
            found.append(self.sum())
        self.take(closer)
        return tuple(found)

    def grouped_arguments(self) -> tuple[Expression, ...]:
        """Read arguments in brackets in a group."""
        self.take("group{")
        found = self.arguments()
        self.take("}group")
        return found

    def command(self, name: str) -> Expression:
        """Read what begins with a command."""
        if name == "frac":
            return divide(self.argument(), self.argument())
        if name == "sqrt":
            return self.root()
        if name == "binom":
            return Apply("binomial", (self.argument(), self.argument()))
        if name in NAMED:
            return NAMED[name]
        if name in FUNCTION_NAMES:
            return self.function(FUNCTION_NAMES[name])
        if name in FLOORS:
            function, closer = FLOORS[name]
            inner = self.sum()
            self.take(closer)
            return Apply(function, (inner,))
        if name in ACCENTS:
            return self.accented(name)
        if name == "mathbb":
            return self.symbol(f"mathbb {self.braced_text()}")
        if name == "Gamma" and self.peek() == "(":
            return Apply("gamma", self.arguments())
        if name in GREEK:
            return self.symbol(name)
        if name in ("sum", "prod"):
            return self.big(name)
        if name == "emptyset":
            return Symbol(name)
        raise Unreadable(rf"\{name} is not in the grammar")

    def accented(self, accent: str) -> Expression:
        """Read a name with something drawn over it."""
        # What is drawn over a name says what it is, a vector or a segment; not which one it is.
        name = self.braced_text()
        if not name:
            raise Unreadable(rf"nothing under \{accent}")
        if accent == "overline" and name.isdigit():
            raise Unreadable("digits under a bar")
        return self.symbol(name)

    def argument(self) -> Expression:
        r"""What `\frac` or `\sqrt` takes: a group, or one character."""
        token = self.token
        if token is None:
            raise Unreadable("an argument is missing")
        if token.kind == "num" and len(token.text) > 1 and not token.text.startswith("."):
            # \frac12: TeX takes one digit
            first, rest = token.text[0], token.text[1:]
            self.tokens = [
                *self.tokens[: self.at],
                Token("num", first),
                Token("num", rest),
                *self.tokens[self.at + 1 :],
            ]
        elif token.kind == "letters" and len(token.text) > 1:
            self.tokens = [
                *self.tokens[: self.at],
                *(Token("letters", c) for c in token.text),
                *self.tokens[self.at + 1 :],
            ]
        elif token.text == "-":
            raise Unreadable("a sign where an argument is due")
        if self.token is not None and self.token.text == "(":
            return self.postfix()
        return self.atom()

    def root(self) -> Expression:
        """Read a root, of the second or a stated degree."""
        degree: Expression | None = None
        if self.peek() == "[":
            self.at += 1
            degree = self.sum()
            self.take("]")
        if self.kind() == "num":
            inner = self.literal(self.take().text)  # \sqrt 12 and √12 mean the root of twelve
        else:
            inner = self.argument()
        if degree is None:
            return Power(inner, Number(Fraction(1, 2)))
        return Apply("root", (inner, degree))

    # Functions with and without brackets, and sums and products over a range.

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
