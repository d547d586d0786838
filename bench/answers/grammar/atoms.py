r"""Atoms: numerals, names, brackets, and the commands that take arguments."""

from __future__ import annotations

from fractions import Fraction

from bench.answers.expressions import (
    Apply,
    Expression,
    Number,
    Power,
    Symbol,
    divide,
    multiply,
    number,
)
from bench.answers.grammar.functions import Functions
from bench.answers.grammar.numerals import BASES, PERIOD, Unreadable, literal, recurring
from bench.answers.grammar.symbols import (
    ACCENTS,
    CLOSERS,
    FLOORS,
    FUNCTION_NAMES,
    GLUED,
    GREEK,
    NAMED,
    PRODUCT_LETTERS,
    UNKNOWN_FUNCTIONS,
)
from bench.answers.grammar.tokens import Token


class Atoms(Functions):
    """The rules for what cannot be taken apart by signs."""

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
            return number(recurring(text, repeating))
        if self.peek() == "ldots" and "." in text:
            period = PERIOD.search(text.partition(".")[2])
            if period is None:
                raise Unreadable("digits that go on without a period")
            self.at += 1
            whole, _, fraction = text.partition(".")
            return number(recurring(f"{whole}.{fraction[: period.start()]}", period[1]))
        return literal(text)

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
