"""From tokens to expressions and relations: one grammar for all spellings.

    chain    = sum (relation sum)+
    sum      = product (("+" | "-") product)*           -a*b is -(a*b)
    product  = factor (("*" | "/") factor | power)*     the last form only where `Source.implicit`
    factor   = "-"* power
    power    = raised ("^" "-"* power)?                 x^y^z is x^(y^z), -x^2 is -(x^2)
    raised   = atom ("²" | "⁻¹" | ...)*
    atom     = number | name | "(" sum ")" | root atom | fraction atom atom

A stretch is a list of tokens of which the last one, and no other, is an `END`.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction

from bench.inequalities.statements import (
    RELATIONS,
    Expression,
    Relation,
    add,
    divide,
    find_variables,
    is_name,
    multiply,
    negate,
    raise_to,
)
from bench.inequalities.texts.tokens import (
    FUNCTIONS,
    Kind,
    Spelling,
    StatementError,
    Token,
    quote,
    refuse,
)

Stretch = list[Token]

MAX_EXPONENT = 1000
"""The largest numerator and denominator of an exponent."""
MAX_DEGREE = 1000
"""What the exponents of an expression may come to. Powers of powers, and products of powers, make
numbers and polynomials that no computer holds, out of a line of text."""
MAX_DEPTH = 100
"""Operations in operations."""

_MISPLACED = {
    "->": "an implication within a condition",
    "forall": "a quantifier within a condition",
    "in": "membership in a set",
}


@dataclass(frozen=True, slots=True)
class Source:
    """A text, and how its tokens are to be read."""

    text: str
    spelling: Spelling
    implicit: bool
    """Whether a product may be written without a sign."""
    names: Collection[str] | None = None
    """The variables that there are; None where any name is one."""

    def show(self, token: Token) -> str:
        """Return a token as it is written."""
        return self.text[token.start : token.end]

    def complain(self, token: Token, what: str, remedy: str) -> StatementError:
        """Return an error about the place of a token."""
        return StatementError(f"{what} at {quote(self.text, token.start)}; {remedy}")


def is_mark(token: Token, *texts: str) -> bool:
    """Whether a token is one of these marks."""
    return token.kind is Kind.MARK and token.text in texts


def find_outside(tokens: Sequence[Token], *marks: str) -> Iterator[int]:
    """Yield the places of some marks that are in no bracket."""
    depth = 0
    for place, token in enumerate(tokens):
        depth += (token.kind is Kind.OPEN) - (token.kind is Kind.CLOSE)
        if depth == 0 and is_mark(token, *marks):
            yield place


def end_at(tokens: Sequence[Token], place: int, start: int = 0) -> Stretch:
    """Return the stretch of tokens from a start up to a place."""
    position = tokens[place].start
    return [*tokens[start:place], Token(Kind.END, "", position, position)]


def split(tokens: Stretch, *marks: str) -> list[Stretch]:
    """Return the stretches between some marks that are in no bracket."""
    parts, start = [], 0
    for place in find_outside(tokens, *marks):
        parts.append(end_at(tokens, place, start))
        start = place + 1
    return [*parts, tokens[start:]]


def find_partner(tokens: Sequence[Token]) -> int:
    """Return the place of the bracket that closes the first token."""
    depth = 0
    for place, token in enumerate(tokens):
        depth += (token.kind is Kind.OPEN) - (token.kind is Kind.CLOSE)
        if depth == 0:
            return place
    raise AssertionError("brackets were checked")


def unwrap(tokens: Stretch, *marks: str) -> Stretch:
    """Return a stretch without brackets around the whole, if within them is one of some marks."""
    while tokens[0].kind is Kind.OPEN and find_partner(tokens) == len(tokens) - 2:
        inner = end_at(tokens, len(tokens) - 2, 1)
        if not any(is_mark(token, *marks) for token in inner):
            break
        tokens = inner
    return tokens


def read_relations(source: Source, tokens: Stretch) -> list[Relation]:
    """Return the relations of a conjunction; a chain `a < b <= c` is two of them.

    Raises StatementError.
    """
    tokens = unwrap(tokens, "and", *RELATIONS)
    parts = split(tokens, "and")
    if len(parts) > 1:
        return [relation for part in parts for relation in read_relations(source, part)]
    return _Reader(source, tokens).read_chain()


def read_claims(source: Source, tokens: Stretch) -> list[Relation]:
    """Return the relations of a claim, which are inequalities. Raises StatementError."""
    for token in tokens:
        if is_mark(token, "=", "!="):
            raise refuse(source.text, token._replace(text=f"a claim with '{token.text}'"))
    return read_relations(source, tokens)


def read_all(source: Source, tokens: Stretch) -> Expression:
    """Return the expression that a stretch is. Raises StatementError."""
    reader = _Reader(source, tokens)
    expression = reader.read_sum()
    reader.finish("an operator")
    _check_size(source, tokens[0], expression)
    return expression


class _Reader:
    """Reads one stretch from left to right."""

    def __init__(self, source: Source, tokens: Stretch) -> None:
        self._source = source
        self._tokens = tokens
        self._place = 0

    @property
    def _token(self) -> Token:
        return self._tokens[self._place]

    @property
    def _last(self) -> Token:
        return self._tokens[self._place - 1]

    def _take(self) -> Token:
        token = self._token
        self._place += token.kind is not Kind.END
        return token

    def _take_mark(self, *texts: str) -> Token | None:
        return self._take() if is_mark(self._token, *texts) else None

    def _take_minuses(self) -> int:
        count = 0
        while self._take_mark("-"):
            count += 1
        return count

    def _expect(self, wanted: str) -> StatementError:
        token = self._token
        if token.kind is Kind.MARK and token.text in _MISPLACED:
            return refuse(self._source.text, token._replace(text=_MISPLACED[token.text]))
        shown = "" if token.kind is Kind.END else f" instead of '{self._source.show(token)}'"
        return self._source.complain(token, f"expected {wanted}{shown}", "correct it there")

    def finish(self, wanted: str) -> None:
        """Raise unless everything was read."""
        if self._token.kind is not Kind.END:
            raise self._expect(wanted)

    def read_chain(self) -> list[Relation]:
        sides, ops = [self.read_sum()], []
        while op := self._take_mark(*RELATIONS):
            ops.append(op.text)
            sides.append(self.read_sum())
        if not ops and self._token.kind is Kind.END:
            raise self._source.complain(
                self._token, f"a relation ({' '.join(RELATIONS)}) is missing", "add one"
            )
        self.finish("an operator or a relation")
        for side in sides:
            _check_size(self._source, self._tokens[0], side)
        return list(zip(ops, sides, sides[1:], strict=False))

    def read_sum(self) -> Expression:
        terms = [self._negate(self._take_minuses(), self._read_product())]
        while sign := self._take_mark("+", "-"):
            terms.append(self._negate(sign.text == "-", self._read_product()))
        return add(*terms)

    def _negate(self, times: int, expression: Expression) -> Expression:
        for _ in range(times):
            expression = negate(expression)
        return expression

    def _read_product(self) -> Expression:
        value = self._read_factor()
        divided = False
        while True:
            if self._take_mark("*"):
                value, divided = multiply(value, self._read_factor()), False
            elif sign := self._take_mark("/"):
                value, divided = self._divide(value, self._read_factor(), sign), True
            elif self._begins_atom():
                self._check_product(divided)
                value = multiply(value, self._read_power())
            else:
                return value

    def _divide(self, left: Expression, right: Expression, sign: Token) -> Expression:
        if right == Fraction(0):
            raise self._source.complain(sign, "a division by 0", "change the denominator")
        return divide(left, right)

    def _begins_atom(self) -> bool:
        kinds = (Kind.NUMBER, Kind.NAME, Kind.ROOT, Kind.FRACTION, Kind.OPEN)
        return self._token.kind in kinds

    def _check_product(self, divided: bool) -> None:
        """Raise where two things stand side by side and are no product."""
        source, token, last = self._source, self._token, self._last
        if not source.implicit and last.kind is Kind.NAME:
            shown = source.show(last)
            raise source.complain(
                token,
                f"'{shown}' is the name of a variable and stands like that of a function",
                f"write '{shown} * ...' for a product",
            )
        if not source.implicit or token.kind is Kind.NUMBER:
            raise self._expect("an operator such as '*'")
        if divided:
            raise self._refuse_two_readings(token, "a/bc", "(a/b)*c or a/(b*c)")

    def _refuse_two_readings(self, token: Token, form: str, readings: str) -> StatementError:
        return self._source.complain(
            token, f"'{form}' can be read in two ways, {readings},", "put brackets or braces"
        )

    def _read_factor(self) -> Expression:
        minuses = self._take_minuses()
        return self._negate(minuses, self._read_power())

    def _read_power(self) -> Expression:
        base = self._read_raised()
        sign = self._take_mark("^")
        if sign is None:
            return base
        minuses = self._take_minuses()
        self._refuse_bare_digits("x^10")
        return self._raise(base, self._negate(minuses, self._read_power()), sign)

    def _refuse_bare_digits(self, form: str) -> None:
        """Raise where LaTeX would take the first digit only, and the author hardly means that."""
        token = self._token
        if self._source.spelling is Spelling.LATEX and token.kind is Kind.NUMBER:
            if len(token.text) > 1:
                raise self._refuse_two_readings(token, form, "with one digit or with all of them")

    def _read_raised(self) -> Expression:
        value = self._read_atom()
        while self._token.kind is Kind.POWER:
            token = self._take()
            value = self._raise(value, Fraction(int(token.text)), token)
        return value

    def _raise(self, base: Expression, exponent: Expression, sign: Token) -> Expression:
        _check_size(self._source, sign, exponent)  # before it is computed
        power = raise_to(base, exponent)
        assert isinstance(power, tuple)
        exponent = power[2]
        if not isinstance(exponent, Fraction):
            if find_variables(exponent):
                return power
            raise refuse(
                self._source.text, sign._replace(text="an exponent that is no rational number")
            )
        if max(abs(exponent.numerator), exponent.denominator) > MAX_EXPONENT:
            raise refuse(
                self._source.text, sign._replace(text=f"an exponent beyond {MAX_EXPONENT}")
            )
        return power

    def _read_atom(self) -> Expression:
        token = self._token
        match token.kind:
            case Kind.NUMBER:
                return Fraction(self._take().text)
            case Kind.NAME:
                return self._read_name(self._take())
            case Kind.ROOT:
                return self._read_root(self._take())
            case Kind.FRACTION:
                return self._read_fraction(self._take())
            case Kind.OPEN:
                return self._read_bracket()
            case _:
                raise self._expect("a number, a name or a bracket")

    def _read_name(self, token: Token) -> Expression:
        names = self._source.names
        shown = self._source.show(token)
        if token.text in names if names is not None else is_name(token.text):
            return token.text
        if self._begins_atom():
            raise unknown_function(self._source, token)
        if names is None:
            raise self._source.complain(
                token, f"'{shown}' cannot name a variable", "use letters, digits, _ and '"
            )
        raise self._source.complain(
            token, f"'{shown}' is not among the variables {', '.join(names)}", "declare it"
        )

    def _read_bracket(self) -> Expression:
        opening = self._take()
        self._refuse_part_of_number(opening)
        value = self.read_sum()
        if colon := self._take_mark(":"):
            if not self._take_mark("R"):
                raise self._source.complain(
                    colon, "a type other than ℝ", "all numbers are real, leave it out"
                )
        if self._token.kind is not Kind.CLOSE:
            raise self._expect(f"an operator or the end of '{opening.text}'")
        self._take()
        return value

    def _refuse_part_of_number(self, opening: Token) -> None:
        r"""Raise at `[x]` and `{x}`, but not at LaTeX's groups: nobody puts a name in brackets."""
        shown = self._source.show(opening)
        groups = self._source.spelling is Spelling.LATEX and shown == "{"
        after = self._tokens[self._place : self._place + 2]
        if opening.text == "(" or groups or [t.kind for t in after] != [Kind.NAME, Kind.CLOSE]:
            return
        part = "a floor" if opening.text == "[" else "a fractional part"
        raise refuse(
            self._source.text,
            opening._replace(text=f"'{shown}' around one name, which may be {part},"),
        )

    def _read_root(self, root: Token) -> Expression:
        latex = self._source.spelling is Spelling.LATEX
        index = Fraction(root.text)
        if latex and self._token.text == "[":
            self._take()
            found = self._take()
            if found.kind is not Kind.NUMBER or not found.text.isdigit() or int(found.text) < 2:
                raise self._source.complain(
                    found, "the index of a root is to be a whole number from 2", "write one"
                )
            if self._token.kind is not Kind.CLOSE:
                raise self._expect("the end of '['")
            self._take()
            index = Fraction(found.text)
        bare = self._token.kind is not Kind.OPEN
        if bare:
            self._refuse_bare_digits(r"\sqrt12")
        argument = self._read_atom()
        after = self._token
        if bare and self._source.spelling is not Spelling.LEAN:
            glued = after.start == self._last.end and self._begins_atom()
            if glued or after.kind is Kind.POWER or is_mark(after, "^"):
                raise self._refuse_two_readings(after, "√ab", "√(a)b or √(ab)")
        return self._raise(argument, 1 / index, root)

    def _read_fraction(self, sign: Token) -> Expression:
        token = self._token
        if token.kind is Kind.NUMBER and len(token.text) == 2 and token.text.isdigit():
            self._take()
            return self._divide(Fraction(token.text[0]), Fraction(token.text[1]), sign)
        self._refuse_bare_digits(r"\frac123")
        top = self._read_atom()
        self._refuse_bare_digits(r"\frac123")
        return self._divide(top, self._read_atom(), sign)


def unknown_function(source: Source, token: Token) -> StatementError:
    """Return the error that a name stands like that of a function and is none."""
    return source.complain(
        token,
        f"unknown function '{source.show(token)}'",
        f"known are {', '.join(FUNCTIONS)}, and a product is written with *",
    )


def _check_size(source: Source, token: Token, expression: Expression) -> None:
    level, depth = [expression], 0
    while level:
        level = [part for e in level if isinstance(e, tuple) for part in e[1:]]
        depth += 1
    if depth > MAX_DEPTH:
        raise source.complain(
            token,
            f"operations are nested more than {MAX_DEPTH} deep",
            "write the statement with fewer",
        )
    if _measure_degree(expression) > MAX_DEGREE:
        raise refuse(
            source.text, token._replace(text=f"powers that come to a degree beyond {MAX_DEGREE}")
        )


def _measure_degree(expression: Expression) -> int:
    """Return the degree in the variables, or of powers of numbers; a q-th root counts as q."""
    if not isinstance(expression, tuple):
        return int(isinstance(expression, str))
    op, *operands = expression
    degrees = [_measure_degree(operand) for operand in operands]
    if op in ("*", "/"):
        return sum(degrees)
    exponent = operands[-1]
    if op != "^" or not isinstance(exponent, Fraction):
        return max(degrees)
    return max(1, degrees[0]) * max(abs(exponent.numerator), exponent.denominator)
