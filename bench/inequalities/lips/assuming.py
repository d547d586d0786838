"""Rewritings that use an equality: the difference of the sides is the same where it holds."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from fractions import Fraction

from bench.inequalities.lips.forms import Forms, raise_to
from bench.inequalities.lips.identities import change_terms, reduce_fraction, shorten
from bench.inequalities.lips.ranking import count_operators
from bench.inequalities.lips.sides import (
    ZERO,
    Rewriting,
    balance,
    is_root,
    list_signed_terms,
    scale,
    take_difference,
)
from bench.inequalities.polynomials import Polynomial, split_by_power, variables_of
from bench.inequalities.proving.goals import insert, walk
from bench.inequalities.statements import Expression, add, divide, find_variables, multiply, negate

ROUNDS = 8
"""Multiples of an equality that are taken from a polynomial in turn."""

Measure = Callable[[Polynomial], tuple[int, ...]]


def rewrite_with_assumption(
    forms: Forms, larger: Expression, smaller: Expression
) -> Iterator[Rewriting]:
    """Put in the place of a variable what an equality says it is; not in roots.

    That a root stays the same could not be proved: a certificate compares radicands by one equality
    that splits, as FORMAT.md has it.
    """
    below = find_variables_in_roots(larger) | find_variables_in_roots(smaller)
    for h in forms.equalities:
        for i in variables_of(h):
            parts = split_by_power(h, i)
            is_linear = set(parts) == {0, 1} and forms.goal.variables[i] not in below
            if not is_linear or not forms.sign_of(parts[1]):
                continue
            image = forms.read(divide(negate(forms.write_sum(parts[0])), forms.write_sum(parts[1])))
            if image is None:
                continue
            images = {forms.goal.variables[i]: forms.write(image)}
            sides = [
                change_terms(insert(side, images), lambda e: reduce_fraction(forms, e))
                for side in (larger, smaller)
            ]
            yield Rewriting("rewrite_with_assumption", sides[0], sides[1])


def find_variables_in_roots(e: Expression) -> frozenset[str]:
    """Return the variables on which a root in an expression depends."""
    return frozenset[str]().union(*(find_variables(part) for part in walk(e) if is_root(part)))


def simplify_with_assumption(
    forms: Forms, larger: Expression, smaller: Expression
) -> Iterator[Rewriting]:
    """Shorten numerators and denominators by multiples of the equalities."""

    def change(e: Expression) -> Expression:
        return shorten_by_equalities(forms, e, count_terms)

    if forms.equalities:
        new = [shorten(forms, change_terms(side, change)) for side in (larger, smaller)]
        yield Rewriting("simplify_with_assumption", new[0], new[1])
        old = take_difference(larger, smaller)
        whole = min(old, change(old), key=count_operators)
        yield Rewriting("simplify_with_assumption", *balance(list_signed_terms(whole)))


def count_terms(p: Polynomial) -> tuple[int, ...]:
    """Return how long a polynomial is."""
    return len(p), len(variables_of(p))


def count_variables(p: Polynomial) -> tuple[int, ...]:
    """Return how many variables a polynomial couples, and how long it is."""
    return len(variables_of(p)), len(p)


def shorten_by_equalities(forms: Forms, e: Expression, measure: Measure) -> Expression:
    """Return a fraction whose parts are small by a measure, changed by multiples of equalities."""
    form = forms.read(e)
    if form is None:
        return e
    top = _reduce(form.top, forms.equalities, measure)
    below: list[Expression] = []
    for i, k in form.under.items():
        p = _reduce(forms.denominator(i), forms.equalities, measure)
        if p.is_zero():
            return e
        below.append(raise_to(forms.write_sum(p), Fraction(k)))
    written = forms.write_shortest(top)
    changed = forms.read(divide(written, multiply(*below)) if below else written)
    return e if changed is None else forms.write(changed)


def _reduce(p: Polynomial, equalities: list[Polynomial], measure: Measure) -> Polynomial:
    for _ in range(ROUNDS):
        best = min([p, *_list_reduced(p, equalities)], key=measure)
        if measure(best) >= measure(p):
            break
        p = best
    return p


def _list_reduced(p: Polynomial, equalities: list[Polynomial]) -> Iterator[Polynomial]:
    """Yield `p` less multiples of equalities that cancel one of its terms."""
    context = p.context()
    for e, c in p.to_dict().items():
        for h in equalities:
            for f, d in h.to_dict().items():
                rest = tuple(int(k) - int(m) for k, m in zip(e, f, strict=True))
                if min(rest) >= 0:
                    yield p - context.from_dict({rest: c / d}) * h


def homogenise(forms: Forms, larger: Expression, smaller: Expression) -> Iterator[Rewriting]:
    """Bring all terms to one degree, by powers of `A/B` where an equality says `A = B`.

    Sums within products and denominators are brought to one degree first. Where a power would not
    be whole, nothing is proposed.
    """
    split = forms.split
    if split is None:
        return
    ratio = forms.read(
        divide(forms.write_sum(forms.lift(split.high)), forms.write_sum(forms.lift(split.low)))
    )
    if ratio is None:
        return
    sides = [_homogenise(side, forms.write(ratio), split.difference) for side in (larger, smaller)]
    known = [side for side in sides if side is not None]
    together = (
        None if len(known) < 2 else _bring_together(known, forms.write(ratio), split.difference)
    )
    if together is not None:
        yield Rewriting("homogenise", together[0][0], together[0][1])


_Graded = tuple[Expression, Fraction]
"""An expression and its degree."""


def _homogenise(e: Expression, ratio: Expression, difference: int) -> _Graded | None:
    if not isinstance(e, tuple):
        return e, Fraction(isinstance(e, str))
    op, *parts = e
    if op == "^":
        inner = _homogenise(parts[0], ratio, difference)
        if inner is None or not isinstance(parts[1], Fraction):
            return None
        return ("^", inner[0], parts[1]), inner[1] * parts[1]
    found = [_homogenise(part, ratio, difference) for part in parts]
    graded = [each for each in found if each is not None]
    if len(graded) < len(parts):
        return None
    degrees = [degree for _, degree in graded]
    if op == "+":
        together = _bring_together(graded, ratio, difference)
        return None if together is None else (add(*together[0]), together[1])
    if op == "*":
        return multiply(*(each for each, _ in graded)), sum(degrees, Fraction(0))
    if op == "/":
        return divide(graded[0][0], graded[1][0]), degrees[0] - degrees[1]
    return negate(graded[0][0]), degrees[0]


def _bring_together(
    graded: list[_Graded], ratio: Expression, difference: int
) -> tuple[list[Expression], Fraction] | None:
    """Return expressions of one degree, the largest of those that are not 0, and that degree."""
    top = max((degree for e, degree in graded if e != ZERO), default=Fraction(0))
    raised = []
    for e, degree in graded:
        times = (top - degree) / difference
        if e == ZERO or not times:
            raised.append(e)
        elif times.denominator > 1:
            return None
        else:
            raised.append(_scale_term(e, raise_to(ratio, times)))
    return raised, top


def _scale_term(e: Expression, factor: Expression) -> Expression:
    """Return a product whose sign is in front, as that of a term is."""
    if isinstance(e, tuple) and e[0] == "-":
        return negate(_scale_term(e[1], factor))
    return scale(e, factor)
