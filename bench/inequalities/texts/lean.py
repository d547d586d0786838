"""The Lean-like spelling: binders, quantifiers and arrows before a claim.

It is what the data sets write, not Lean: no elaboration, no notation but that of real arithmetic,
and types other than the real numbers are refused.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from bench.inequalities.statements import (
    RELATIONS,
    Relation,
    Statement,
    is_name,
)
from bench.inequalities.texts.grammar import (
    Source,
    Stretch,
    end_at,
    find_outside,
    find_partner,
    is_mark,
    read_claims,
    read_relations,
    unwrap,
)
from bench.inequalities.texts.tokens import (
    Kind,
    Spelling,
    StatementError,
    Token,
    quote,
    refuse,
    tokenize,
)

_HEADER = re.compile(r"\b(?:(?:theorem|lemma)\s+[^\s({\[:]*|example\b)")
_PREAMBLE = re.compile(
    r"(?:(?:import|open|open_locale|namespace|set_option|(?:noncomputable )?section)\b[^:={}]*)?"
    r"(?:@\[[^\]]*\]\s*)?(?:private|protected)?"
)
"""A line before the header that says nothing about a statement in real numbers."""
_COMMENT = re.compile(r"--[^\n]*|/-")
_BLOCK = re.compile(r"/-|-/")
"""The signs within a block comment, which may hold others but no comment of a line."""


def read_lean(text: str) -> Statement:
    """Read a theorem, or what could stand behind its name; the variables are those declared.

    Raises StatementError and UnsupportedStatement.
    """
    code = _blank_comments(text)
    header = _HEADER.search(code)
    start = header.end() if header else 0
    if header:
        _check_preamble(text, code[: header.start()])
    end = code.find(":=", start)
    # Blanks in place of the name keep the places of errors right.
    tokens = tokenize(" " * start + code[start : end if end >= 0 else None], Spelling.LEAN)
    lean = _Lean(text)
    if header or _begins_with_binder(tokens):
        tokens = lean.read_binders(tokens)
        if not is_mark(tokens[0], ":"):
            raise lean.source.complain(
                tokens[0], "expected ':' before the claim", "write 'theorem name binders : claim'"
            )
        tokens = tokens[1:]
    lean.read_goal(tokens)
    return Statement(tuple(lean.variables), tuple(lean.assumptions), tuple(lean.claims))


def _blank_comments(text: str) -> str:
    """Return a text with blanks for its comments, which may hold `:=`; places stay right."""
    blanked = list(text)
    opened: list[int] = []
    place = 0
    while found := (_BLOCK if opened else _COMMENT).search(text, place):
        start, place = found.span()
        if found[0] == "/-":
            opened.append(start)
            continue
        if found[0] == "-/":
            start = opened.pop()
        blanked[start:place] = [c if c == "\n" else " " for c in text[start:place]]
    if opened:
        raise StatementError(f"a comment is never closed at {quote(text, opened[0])}; add its '-/'")
    return "".join(blanked)


def _check_preamble(text: str, before: str) -> None:
    """Raise if a text before the header, such as `variable (ha : 0 < a)`, may say something."""
    position = 0
    for line in before.splitlines(keepends=True):
        if line.strip() and not _PREAMBLE.fullmatch(line.strip()):
            place = position + len(line) - len(line.lstrip())
            raise StatementError(
                f"something stands before the theorem at {quote(text, place)}; write its "
                "variables and hypotheses behind the theorem's name, and remove it"
            )
        position += len(line)


def _begins_with_binder(tokens: Stretch) -> bool:
    if tokens[0].kind is not Kind.OPEN:
        return False
    inner = tokens[1 : find_partner(tokens)]
    named = bool(inner) and inner[0].kind is Kind.NAME
    return named and any(is_mark(token, ":") for token in inner)


@dataclass(slots=True)
class _Lean:
    """Reads what stands behind a theorem's name."""

    text: str
    variables: list[str] = field(default_factory=list)
    assumptions: list[Relation] = field(default_factory=list)
    claims: list[Relation] = field(default_factory=list)

    @property
    def source(self) -> Source:
        """The text, with the variables that are declared so far."""
        names = tuple(self.variables) or None
        return Source(self.text, Spelling.LEAN, implicit=False, names=names)

    def read_binders(self, tokens: Stretch) -> Stretch:
        """Read `{a b : ℝ} (h : a > b)` and return what follows."""
        while tokens[0].kind is Kind.OPEN:
            close = find_partner(tokens)
            if tokens[0].text != "[":  # an instance says nothing that is not known of reals
                self._read_binder(end_at(tokens, close, 1))
            tokens = tokens[close + 1 :]
        return tokens

    def _read_binder(self, tokens: Stretch) -> None:
        place = next(find_outside(tokens, ":"), None)
        if place is None:
            raise self.source.complain(
                tokens[-1], "expected ':' and a type or a condition", "write one"
            )
        kind = tokens[place + 1 :]
        if any(is_mark(token, *RELATIONS) for token in kind):
            self.assumptions += read_relations(self.source, kind)
        else:
            self._read_type(kind)
            for token in tokens[:place]:
                self._declare(token)

    def _read_type(self, tokens: Stretch) -> None:
        first = tokens[0]
        if any(is_mark(token, "->") for token in tokens):
            raise refuse(self.text, first._replace(text="a variable that is a function"))
        is_real = is_mark(first, "R") or (first.kind is Kind.WORD and first.text == "real")
        if not (is_real and len(tokens) == 2):
            raise self.source.complain(
                first, "expected the type ℝ or a condition", "write one behind ':'"
            )

    def _declare(self, token: Token) -> None:
        shown = self.source.show(token)
        if token.kind is not Kind.NAME or not is_name(token.text):
            why = ", as it names a function," if token.kind is Kind.ROOT else ""
            raise self.source.complain(
                token, f"'{shown}' cannot name a variable{why}", "use another name"
            )
        if token.text in self.variables:
            raise self.source.complain(token, f"'{shown}' is declared twice", "use another name")
        self.variables.append(token.text)

    def read_goal(self, tokens: Stretch) -> None:
        """Read `∀ x > 0, condition → claim`."""
        tokens = unwrap(tokens, "->", "forall", "and", *RELATIONS)
        if is_mark(tokens[0], "forall"):
            comma = next(find_outside(tokens, ","), None)
            if comma is None:
                raise self.source.complain(
                    tokens[-1], "expected ',' behind the variables of '∀'", "write one"
                )
            self._read_quantifier(end_at(tokens, comma, 1))
            self.read_goal(tokens[comma + 1 :])
            return
        arrow = next(find_outside(tokens, "->"), None)
        if arrow is not None:
            self.assumptions += read_relations(self.source, end_at(tokens, arrow))
            self.read_goal(tokens[arrow + 1 :])
            return
        self.claims += read_claims(self.source, tokens)

    def _read_quantifier(self, tokens: Stretch) -> None:
        """Read `x y : ℝ`, `x > 0` or `(x : ℝ) (h : x > 0)`."""
        if tokens[0].kind is Kind.OPEN:
            tokens = self.read_binders(tokens)
        count = 0
        while tokens[count].kind is Kind.NAME:
            self._declare(tokens[count])
            count += 1
        names, rest = tokens[:count], tokens[count:]
        if is_mark(rest[0], *RELATIONS):
            for name in names:
                self.assumptions += read_relations(self.source, [name, *rest])
        elif is_mark(rest[0], ":"):
            self._read_type(rest[1:])
        elif is_mark(rest[0], "in"):
            raise refuse(self.text, rest[0]._replace(text="membership in a set"))
        elif rest[0].kind is not Kind.END:
            raise self.source.complain(
                rest[0], "expected ',' behind the variables of '∀'", "write one"
            )
