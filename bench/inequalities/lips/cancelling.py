"""Rewritings that divide both sides by something positive, multiply them by it, or take a root.

The old difference is the new one times a multiplier whose sign is known; nothing is cancelled that
is not seen to be positive or negative.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator
from fractions import Fraction
from typing import NamedTuple

from bench.inequalities.lips.forms import Form, Forms, Powers, raise_to
from bench.inequalities.lips.sides import ONE, Rewriting, take_difference
from bench.inequalities.polynomials import Polynomial
from bench.inequalities.roots import exact_root
from bench.inequalities.statements import Expression, add, divide, multiply

MOST_POWER = 6
"""Power to which a side is raised."""


class Product(NamedTuple):
    """A positive constant times powers of positive polynomials."""

    content: Fraction
    powers: list[tuple[Polynomial, Fraction]]


def cancel_denominators(
    forms: Forms, larger: Expression, smaller: Expression
) -> Iterator[Rewriting]:
    """Multiply both sides by their denominators."""
    left, right = forms.read(larger), forms.read(smaller)
    if left is not None and right is not None and (left.under or right.under):
        under = left.under | right.under
        yield from _cancel("cancel_denominators", forms, (left, right), [], under)


def cancel_numerators(forms: Forms, larger: Expression, smaller: Expression) -> Iterator[Rewriting]:
    """Divide two fractions by what their numerators share, and multiply by the denominators.

    So `a/b >= a/c` becomes `c >= b`.
    """
    left, right = forms.read(larger), forms.read(smaller)
    if left is None or right is None or left.top.is_zero() or right.top.is_zero():
        return
    shared = _find_shared(forms, left, right)
    both_constant = left.top.is_constant() and right.top.is_constant()
    if (shared or both_constant) and (left.under or right.under):
        under = left.under | right.under
        yield from _cancel("cancel_numerators", forms, (left, right), shared, under)


def cancel_factor(forms: Forms, larger: Expression, smaller: Expression) -> Iterator[Rewriting]:
    """Divide both sides by what they share, and the difference by all that is positive in it."""
    whole = forms.read(take_difference(larger, smaller))
    if whole is not None and not whole.top.is_zero():
        zero = Form(whole.top * 0, whole.under)
        shared = _find_shared(forms, whole, zero)
        yield from _cancel("cancel_factor", forms, (whole, zero), shared, whole.under)
    left, right = forms.read(larger), forms.read(smaller)
    if left is None or right is None or left.top.is_zero() or right.top.is_zero():
        return
    shared = _find_shared(forms, left, right)
    yield from _cancel("cancel_factor", forms, (left, right), shared, left.under & right.under)


def _find_shared(forms: Forms, left: Form, right: Form) -> Powers:
    """Return the factors of a known sign that two numerators share, made positive."""
    shared = left.top.gcd(right.top)
    if shared.is_constant():
        return []
    signed = ((p * forms.sign_of_factor(p), k) for p, k in forms.factor(shared)[1])
    return [(p, k) for p, k in signed if not p.is_zero()]


def _cancel(
    tactic: str, forms: Forms, sides: tuple[Form, Form], shared: Powers, under: Counter[int]
) -> Iterator[Rewriting]:
    """Divide by the factors that are shared, multiply by denominators, all of them positive."""
    positive = {}
    for i in under:
        content, p = forms.take_content(forms.denominator(i))
        sign = forms.sign_of(p)
        if not sign:
            return
        positive[i] = (content * sign, p * sign)
    divisor = math.prod((p**k for p, k in shared), start=forms.one)
    changed = []
    for form in sides:
        top, left = divmod(form.top, divisor)[0], Counter(form.under)
        for i, (content, p) in positive.items():
            done = min(under[i], form.under[i])
            top = top * p ** (under[i] - done) * forms.constant(content**-done)
            left[i] -= done
        changed.append(forms.reduce(forms.multiply_out(top), +left))
    content = forms.find_content(changed[0].top, changed[1].top)
    unit = forms.constant(1 / content)
    new = [forms.write(Form(form.top * unit, form.under)) for form in changed]
    factors = [(p, Fraction(k)) for p, k in shared]
    factors += [(p, Fraction(-under[i])) for i, (_, p) in positive.items()]
    if factors or content.numerator > 1:
        yield Rewriting(tactic, new[0], new[1], multiplier=forms.write_powers(content, factors))


def cancel_power(forms: Forms, larger: Expression, smaller: Expression) -> Iterator[Rewriting]:
    """Take a root of two sides that are powers, or a power of two sides that are roots."""
    left, right = read_product(forms, larger), read_product(forms, smaller)
    if left is None or right is None or not (left.powers or right.powers):
        return
    exponents = [k for _, k in (*left.powers, *right.powers)]
    index = math.lcm(*(k.denominator for k in exponents))
    common = math.gcd(*(k.numerator for k in exponents))
    for exponent in (Fraction(index), *(Fraction(1, k) for k in range(MOST_POWER, 1, -1))):
        is_root = exponent < 1
        if exponent == 1 or index > MOST_POWER or (is_root and common % exponent.denominator):
            continue
        new = [_raise(forms, side, exponent) for side in (left, right)]
        if new[0] is None or new[1] is None:
            continue
        if is_root:
            multiplier = _add_products(new[0], new[1], exponent.denominator)
        else:
            multiplier = divide(ONE, _add_products(larger, smaller, index))
        yield Rewriting("cancel_power", new[0], new[1], multiplier=multiplier)
        return


def read_product(forms: Forms, e: Expression) -> Product | None:
    """Return an expression as a product of positive powers; None where it is not seen as one."""
    form = forms.read(e)
    if form is None or form.top.is_zero():
        return None
    content, factors = forms.factor(form.top)
    powers: list[tuple[Polynomial, Fraction]] = []
    for p, k in factors:
        radical = forms.find_root(p)
        if radical is None:
            powers.append((p, Fraction(k)))
        else:
            powers.append((forms.lift(radical.radicand), Fraction(k, radical.degree)))
    for i, k in form.under.items():
        shared, p = forms.take_content(forms.denominator(i))
        content /= shared**k
        powers.append((p, Fraction(-k)))
    positive = []
    for p, exponent in powers:
        sign = forms.sign_of_factor(p)
        if not sign or (sign < 0 and exponent.denominator > 1):
            return None
        content *= sign ** abs(exponent.numerator)
        positive.append((p * sign, exponent))
    return Product(content, positive) if content > 0 else None


def _raise(forms: Forms, side: Product, exponent: Fraction) -> Expression | None:
    """Return a power of a product; None where its constant has no rational one."""
    root = exact_root(side.content, exponent.denominator)
    if root is None:
        return None
    powers = [(p, k * exponent) for p, k in side.powers]
    return forms.write_powers(root**exponent.numerator, powers)


def _add_products(left: Expression, right: Expression, power: int) -> Expression:
    """Return `l^(k-1) + l^(k-2) r + ... + r^(k-1)`, by which `l - r` makes `l^k - r^k`."""
    terms = []
    for i in range(power):
        powers = [(left, power - 1 - i), (right, i)]
        factors = [raise_to(e, Fraction(k)) for e, k in powers if k and e != ONE]
        terms.append(multiply(*factors) if factors else ONE)
    return add(*terms)
