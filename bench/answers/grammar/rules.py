"""The rules of the grammar that call one another, wherever each is written."""

from __future__ import annotations

from abc import ABC, abstractmethod

from bench.answers.expressions import Expression
from bench.answers.grammar.cursor import Cursor


class Rules(Cursor, ABC):
    """A reader of expressions: one method a rule, which leaves `at` after what it has read."""

    @abstractmethod
    def sum(self) -> Expression:
        """Read a sum."""

    @abstractmethod
    def product(self) -> Expression:
        """Read a product."""

    @abstractmethod
    def power(self) -> Expression:
        """Read a power, or what can have one."""

    @abstractmethod
    def exponent(self) -> Expression:
        """Read what follows a caret."""

    @abstractmethod
    def juxtaposed(self, left: Expression) -> Expression:
        """Read one more factor, without a sign before it."""

    @abstractmethod
    def atom(self) -> Expression:
        """Read what cannot be taken apart by signs."""

    @abstractmethod
    def argument(self) -> Expression:
        """Read what a command takes."""

    @abstractmethod
    def arguments(self) -> tuple[Expression, ...]:
        """Read arguments in brackets."""

    @abstractmethod
    def postfix(self) -> Expression:
        """Read an atom with what is written behind it."""

    @abstractmethod
    def postfixes(self, result: Expression) -> Expression:
        """Read what is written behind an atom: a factorial, a percent sign, primes."""
