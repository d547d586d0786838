"""Puts an expression in the place of a variable."""

from __future__ import annotations

from bench.answers.expressions import Apply, Expression, Power, Product, Sum, Symbol


def substituted(x: Expression, name: str, value: Expression) -> Expression:
    """Return the expression with every occurrence of the variable replaced."""
    match x:
        case Symbol(symbol):
            return value if symbol == name else x
        case Sum(terms):
            return Sum(tuple(substituted(t, name, value) for t in terms))
        case Product(factors):
            return Product(tuple(substituted(f, name, value) for f in factors))
        case Power(base, exponent):
            return Power(substituted(base, name, value), substituted(exponent, name, value))
        case Apply(function, arguments):
            return Apply(function, tuple(substituted(a, name, value) for a in arguments))
        case _:
            return x
