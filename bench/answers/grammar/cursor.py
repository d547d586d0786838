"""A place in a row of tokens, and what can be told from there without reading an expression."""

from __future__ import annotations

import re
from collections.abc import Sequence

from bench.answers.grammar.numerals import Unreadable
from bench.answers.grammar.symbols import (
    ACCENTS,
    BIG,
    CLOSERS,
    FLOORS,
    FUNCTION_NAMES,
    GREEK,
    NAMED,
)
from bench.answers.grammar.tokens import Token
from bench.answers.grammar.units import is_unit_word


class Cursor:
    r"""Tokens, how far they are read, and the sign that `\pm` stands for."""

    def __init__(self, tokens: Sequence[Token], sign: int) -> None:
        """Start at the first token."""
        self.tokens = tokens
        self.sign = sign
        self.at = 0
        self.bars = 0  # absolute values that are open: the next bar closes one

    @property
    def token(self) -> Token | None:
        """The token that is next, or none."""
        return self.tokens[self.at] if self.at < len(self.tokens) else None

    def peek(self, offset: int = 0) -> str:
        """Return the text of a token ahead, or nothing."""
        at = self.at + offset
        return self.tokens[at].text if at < len(self.tokens) else ""

    def kind(self, offset: int = 0) -> str:
        """Return the kind of a token ahead, or nothing."""
        at = self.at + offset
        return self.tokens[at].kind if at < len(self.tokens) else ""

    def take(self, expected: str | None = None) -> Token:
        """Return the next token and step over it.

        Raises Unreadable: there is none, or another one than expected.
        """
        token = self.token
        if token is None or (expected is not None and token.text != expected):
            found = "the end" if token is None else repr(token.text)
            raise Unreadable(f"found {found}, expected {expected or 'more'}")
        self.at += 1
        return token

    def starts_atom(self, *, implicit: bool) -> bool:
        """Whether an atom can begin here; `implicit` if no sign stands before it."""
        token = self.token
        if token is None:
            return False
        text = token.text
        if token.kind == "num":
            return True
        if token.kind == "letters":
            last = self.tokens[self.at - 1] if self.at else None
            is_unit = len(text) > 1 and is_unit_word(text) and last is not None
            return not (implicit and is_unit and last is not None and self.at_unit())
        if token.kind == "word":
            return text in FUNCTION_NAMES or text in NAMED
        if token.kind == "cmd":
            return (
                text == "ldots"
                or text in GREEK
                or text in NAMED
                or text in ACCENTS
                or text in FUNCTION_NAMES
                or text in FLOORS
                or text in BIG
                or text
                in ("frac", "sqrt", "binom", "mathbb", "emptyset", "langle", "log", "prime", "bmod")
            )
        if text == "|":
            return not (implicit and self.bars)
        if text == "{":
            return not implicit or (self.at > 0 and self.tokens[self.at - 1].text == "}")
        return text in ("(", "[", "group{", "ldots")

    def at_unit(self) -> bool:
        """Whether the letters here are the unit of all that comes before: nothing follows."""
        offset = 1
        while self.peek(offset) in ("^", "group{", "}group", "/") or self.kind(offset) == "num":
            offset += 1
        return self.kind(offset) in ("", "word", "letters")

    def has_comma(self) -> bool:
        """Whether the bracket that opens here holds a comma of its own: `C(5, 2)`."""
        depth = 0
        for token in self.tokens[self.at :]:
            if token.text in CLOSERS:
                depth += 1
            elif token.text in (")", "]", "}", "}group"):
                depth -= 1
                if depth == 0:
                    return False
            elif token.text == "," and depth == 1:
                return True
        return False

    def subscript(self) -> str:
        """The text of a subscript, without spaces: `x_{1}` and `x_1` are one name."""
        self.take("_")
        token = self.take()
        if token.text != "group{":
            return token.text
        depth, words = 1, []
        while depth:
            token = self.take()
            depth += (token.text == "group{") - (token.text == "}group")
            words.append(token.text)
        return re.sub(r"group\{|\}group", "", "".join(words[:-1]))

    def braced_text(self) -> str:
        """Return the text of a group, or of one token."""
        if self.peek() != "group{":
            return self.take().text
        self.at += 1
        words = []
        while self.peek() != "}group":
            words.append(self.take().text)
        self.at += 1
        return "".join(words)
