"""Rewritings by identities: sums gathered, products multiplied out or found, fractions changed.

Each function yields what it proposes for an inequality; the difference of the sides stays the same.
"""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from fractions import Fraction

from bench.inequalities.lips.equality import find_multipliers
from bench.inequalities.lips.expanding import (
    Monomial,
    expand_powers,
    expand_products,
    gather,
    write_term,
    write_terms,
)
from bench.inequalities.lips.forms import Form, Forms
from bench.inequalities.lips.ranking import count_operators
from bench.inequalities.lips.sides import (
    ONE,
    ZERO,
    Rewriting,
    balance,
    join_terms,
    list_signed_terms,
    list_terms_of_difference,
    take_difference,
)
from bench.inequalities.polynomials import from_flint
from bench.inequalities.statements import Expression, add, divide

Proposals = Iterator[Rewriting]


# Sums


def rewrite(forms: Forms, larger: Expression, smaller: Expression) -> Proposals:
    """Gather like terms, put those of one denominator together, give fractions one numerator."""
    difference = gather(take_difference(larger, smaller))
    yield Rewriting("rewrite", *balance(list_signed_terms(write_terms(difference))))
    shared: dict[Monomial, list[tuple[Monomial, Fraction]]] = {}
    for monomial, c in difference.items():
        below = frozenset((base, k) for base, k in monomial if k < 0)
        shared.setdefault(below, []).append((monomial - below, c))
    if any(below and len(tops) > 1 for below, tops in shared.items()):
        whole = [
            divide(write_terms(dict(tops)), write_term(_turn(below), ONE))
            if below
            else write_terms(dict(tops))
            for below, tops in shared.items()
        ]
        yield Rewriting("rewrite", *balance(list_signed_terms(add(*whole))))
    yield from _complete_numerators(forms, larger, smaller)


def _turn(below: Monomial) -> Monomial:
    return frozenset((base, -k) for base, k in below)


def _complete_numerators(forms: Forms, larger: Expression, smaller: Expression) -> Proposals:
    """Add the same constant to every fraction, so that all get one numerator.

    So `a/(b + c) + b/(c + a)` is `(a + b + c)/(b + c) + (a + b + c)/(c + a) - 2`.
    """
    signed = list_terms_of_difference(larger, smaller)
    read = [(sign, e, forms.read(e)) for sign, e in signed]
    fractions = [(sign, form) for sign, _, form in read if form is not None and form.under]
    if len(fractions) < 2:
        return
    tops = [form.top for _, form in fractions]
    below = [forms.product(form.under) for _, form in fractions]
    if tops[0] == tops[1] or below[0] == below[1]:
        return
    number, rest = divmod(tops[1] - tops[0], below[0] - below[1])
    if not rest.is_zero() or not number.is_constant():
        return
    top = tops[0] + number * below[0]
    if any(t + number * d != top for t, d in zip(tops, below, strict=True)):
        return
    value = from_flint(number.leading_coefficient())
    terms = [(sign, forms.write(Form(top, form.under))) for sign, form in fractions]
    others = [(sign, e) for sign, e, form in read if form is None or not form.under]
    total = value * sum(sign for sign, _ in fractions)
    constants = list_signed_terms(_add_constants([*others, *list_signed_terms(-total)]))
    yield Rewriting("rewrite", *balance([*terms, *constants]))


def _add_constants(terms: Iterable[tuple[int, Expression]]) -> Expression:
    return write_terms(gather(join_terms(terms)))


def simplify(forms: Forms, larger: Expression, smaller: Expression) -> Proposals:
    """Write each side, and the difference, as shortly as its fractions allow."""
    yield Rewriting("simplify", shorten(forms, larger), shorten(forms, smaller))
    short = shorten(forms, take_difference(larger, smaller))
    yield Rewriting("simplify", *balance(list_signed_terms(short)))


def shorten(forms: Forms, e: Expression) -> Expression:
    """Return the way of writing an expression that has the fewest operators."""
    candidates = [e, write_terms(gather(e))]
    terms = [(sign, reduce_fraction(forms, term)) for sign, term in list_signed_terms(e)]
    candidates.append(write_terms(gather(join_terms(terms))))
    whole = forms.read(e)
    if whole is not None:
        candidates.append(forms.write(whole))
    return min(candidates, key=count_operators)


def reduce_fraction(forms: Forms, e: Expression) -> Expression:
    """Return an expression as a fraction in lowest terms, unless it is longer so."""
    form = forms.read(e)
    return e if form is None else min(e, forms.write(form), key=count_operators)


# Products


def mul_expand(forms: Forms, larger: Expression, smaller: Expression) -> Proposals:
    """Multiply products and powers out."""
    sides = expand_products(larger), expand_products(smaller)
    if sides[0] is not None and sides[1] is not None:
        yield Rewriting("mul_expand", sides[0], sides[1])
    both = expand_products(take_difference(larger, smaller))
    if both is not None:
        yield Rewriting("mul_expand", *balance(list_signed_terms(both)))


def exp_expand(forms: Forms, larger: Expression, smaller: Expression) -> Proposals:
    """Multiply powers out, not products."""
    sides = expand_powers(larger), expand_powers(smaller)
    if sides[0] is not None and sides[1] is not None:
        yield Rewriting("exp_expand", sides[0], sides[1])


def factor(forms: Forms, larger: Expression, smaller: Expression) -> Proposals:
    """Write the difference, the sides, and their terms as products."""
    whole = forms.read(take_difference(larger, smaller))
    if whole is not None:
        yield Rewriting("factor", forms.write_with(whole, forms.write_product), ZERO)

    def write(e: Expression) -> Expression:
        form = forms.read(e)
        return e if form is None else forms.write_with(form, forms.write_product)

    yield Rewriting("factor", write(larger), write(smaller))
    yield Rewriting("factor", change_terms(larger, write), change_terms(smaller, write))


def change_terms(e: Expression, change: Callable[[Expression], Expression]) -> Expression:
    """Return a sum with every term changed."""
    return join_terms((sign, change(term)) for sign, term in list_signed_terms(e))


# Fractions


def fraction_reduce(forms: Forms, larger: Expression, smaller: Expression) -> Proposals:
    """Write every fraction in lowest terms."""
    new = [change_terms(side, lambda e: reduce_fraction(forms, e)) for side in (larger, smaller)]
    yield Rewriting("fraction_reduce", new[0], new[1])


def fraction_apart(forms: Forms, larger: Expression, smaller: Expression) -> Proposals:
    """Split fractions: by the terms of the numerator, by division, by their denominators."""
    for split in (_split_numerator, _divide_numerator, _split_denominator):
        sides = []
        for side in (larger, smaller):
            terms: list[tuple[int, Expression]] = []
            for sign, e in list_signed_terms(side):
                form = forms.read(e)
                parts = [] if form is None or not form.under else split(forms, form)
                if parts:
                    terms += [
                        (sign * own, part)
                        for each in parts
                        for own, part in list_signed_terms(forms.write(each))
                    ]
                else:
                    terms.append((sign, e))
            sides.append(join_terms(terms))
        yield Rewriting("fraction_apart", sides[0], sides[1])


def _split_numerator(forms: Forms, form: Form) -> list[Form]:
    context = form.top.context()
    terms = (context.from_dict({e: c}) for e, c in form.top.to_dict().items())
    return [forms.reduce(term, form.under) for term in terms]


def _divide_numerator(forms: Forms, form: Form) -> list[Form]:
    quotient, rest = divmod(form.top, forms.product(form.under))
    if quotient.is_zero():
        return []
    return [Form(quotient, Counter()), forms.reduce(rest, form.under)]


def _split_denominator(forms: Forms, form: Form) -> list[Form]:
    """Return `A/G + B/F` for `N/(F G)`, where `N = A F + B G` has a solution of low degree."""
    if forms.has_roots(form.top) or any(forms.has_roots(forms.denominator(i)) for i in form.under):
        return []
    for i, j in itertools.combinations(form.under, 2):
        powers = [Counter({k: form.under[k]}) for k in (i, j)]
        pair = [forms.plain(forms.product(each)) for each in powers]
        found = find_multipliers(forms.plain(form.top), pair)
        if found:
            return [
                forms.reduce(forms.lift(multiplier), form.under - powers[k])
                for k, multiplier in found
            ]
    return []


def fraction_together(forms: Forms, larger: Expression, smaller: Expression) -> Proposals:
    """Write each side, and the difference, as one fraction."""
    left, right = forms.read(larger), forms.read(smaller)
    if left is not None and right is not None:
        yield Rewriting("fraction_together", forms.write(left), forms.write(right))
    whole = forms.read(take_difference(larger, smaller))
    if whole is not None:
        yield Rewriting("fraction_together", forms.write(whole), ZERO)
