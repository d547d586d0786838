"""Polynomials that are not negative, rewritten so that it is seen: squares, products, means."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from bench.inequalities.explaining.documents import Block, Paragraph, list_formulas
from bench.inequalities.explaining.formulas import (
    Formula,
    choose_sign,
    juxtapose,
    make_primitive,
    measure,
    set_equation,
)
from bench.inequalities.explaining.one_variable import find_squares
from bench.inequalities.explaining.pairs import Mean, average, find_pairs
from bench.inequalities.explaining.scenes import Scene, Stated
from bench.inequalities.explaining.squares import (
    MOST_DIGITS,
    count_digits,
    read_blocks,
    read_polynomial,
    round_blocks,
    split_blocks,
    write_squares,
)
from bench.inequalities.polynomials import Polynomial, has_nonnegative_coefficients, size_of

INLINE = 84
"""Width of an equation that stays within its sentence."""

Proof = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Rewriting:
    """An equation `left * p = formula`, whose right side is seen not to be negative."""

    left: str
    """A factor's LaTeX, empty for 1."""
    formula: Formula
    digits: int = 0
    """Of the longest number, if the formula is too long to be written at all."""
    vanishes: bool = False
    """Whether `left` is 0 at some points."""

    def write_left(self, stated: Stated) -> str:
        """Return the left side."""
        return juxtapose([self.left, stated.factor]) if self.left else stated.name


def is_seen(stated: Stated) -> bool:
    """Whether a polynomial is written as a product of squares and of what has no minus."""
    if not stated.formula.is_one_term or stated.formula.whole:
        return False
    content, factors = stated.shown.factor()
    seen = (k % 2 == 0 or has_nonnegative_coefficients(factor) for factor, k in factors)
    return content > 0 and all(seen)


def rewrite(scene: Scene, stated: Stated, proof: Proof) -> Rewriting | None:
    """Return the polynomial in a form that is seen not to be negative; None where it takes more.

    An easy reason is taken where there is one, whatever the certificate has.
    """
    if has_nonnegative_coefficients(stated.p):
        return Rewriting("", stated.formula)
    if proof["by"] == "product":
        found = _rewrite_product(scene, stated, proof)
        if found is not None:
            return found
    easy = []
    for squares in (find_squares(stated.shown), find_pairs(stated.shown)):
        if squares is not None:
            bottom, formula = write_squares(squares, scene.alphabet)
            easy.append(Rewriting(_write_number(bottom), formula))
    written = [each for each in easy if not each.formula.whole]
    if written:
        return min(written, key=lambda each: each.formula.width + 2 * len(each.left))
    return None


def _write_number(value: int) -> str:
    return "" if value == 1 else str(value)


def _rewrite_product(scene: Scene, stated: Stated, proof: Proof) -> Rewriting | None:
    factors = read_factors(stated, proof)
    if any(k % 2 and not has_nonnegative_coefficients(factor) for factor, k, _ in factors):
        return None
    formula = write_factored(scene, stated, proof)
    return None if formula is None else Rewriting("", formula)


def read_factors(stated: Stated, proof: Proof) -> list[tuple[Polynomial, int, Proof | None]]:
    """Return the factors of a proof `product`, their powers and their proofs."""
    n = size_of(stated.p)
    return [(read_polynomial(p, n), int(k), inner) for p, k, inner in proof["factors"]]


def write_factored(scene: Scene, stated: Stated, proof: Proof) -> Formula | None:
    """Return the product of a proof `product`; None where a factor is too long to be written."""
    scale, parts = Fraction(proof["constant"]) * stated.scale, []
    for factor, k, _ in read_factors(stated, proof):
        whole, times = make_primitive(factor)
        scale /= times**k
        parts.append((whole if k % 2 else whole * choose_sign(whole), k))
    return scene.alphabet.write_factors(scale, parts)


def rewrite_squares(scene: Scene, stated: Stated, proof: Proof) -> Rewriting:
    """Return a proof by squares without assumptions as an equation."""
    n = size_of(stated.p)
    multiplier = read_polynomial(proof["multiplier"], n)
    total = multiplier * stated.p
    blocks, _ = round_blocks(read_blocks(proof["blocks"], n), (), total)
    squares = [
        square._replace(coefficient=square.coefficient * stated.scale)
        for square in split_blocks(blocks, scene.alphabet)
    ]
    factor = "" if multiplier.is_one() else scene.alphabet.write(multiplier).factor
    digits = count_digits(squares)
    if digits > MOST_DIGITS:
        hidden = Formula((("+", r"\cdots"),), len(squares))
        return Rewriting(factor, hidden, digits, bool(factor))
    bottom, formula = write_squares(squares, scene.alphabet)
    left = juxtapose(filter(None, (_write_number(bottom), factor)))
    return Rewriting(left, formula, vanishes=bool(factor))


def say_means(scene: Scene, stated: Stated, means: Sequence[Mean], rest: Polynomial) -> Paragraph:
    """Return the bounds by means that show a polynomial to be at least `rest`."""
    bounds = [
        rf"{scene.alphabet.write_monomial(mean.middle)} \le"
        rf" \frac{{{scene.quote(average(mean))}}}{{{len(mean.terms)}}}"
        for mean in means
    ]
    text = f"By AM-GM we have {list_formulas(bounds)}."
    if rest.is_zero():
        return Paragraph(f"{text} This is what we need.")
    return Paragraph(f"{text} This gives ${stated.name} \\ge {scene.quote(rest)} \\ge 0$.")


def say_rewriting(stated: Stated, rewriting: Rewriting) -> list[Block]:
    """Return the equation that shows a polynomial not to be negative."""
    formula = rewriting.formula
    if not rewriting.left and formula.latex == stated.formula.latex:
        if formula.is_one_term:
            return [say_product(stated)]
        return [Paragraph("This is true, because no term is negative.")]
    left = rewriting.write_left(stated)
    if rewriting.digits:
        hidden = say_hidden_squares(left, formula.whole, rewriting.digits)
        return [hidden, *say_remarks(stated, rewriting)]
    return [*say_equation(left, formula, r" \ge 0"), *say_remarks(stated, rewriting)]


def say_equation(left: str, formula: Formula, after: str) -> list[Block]:
    """Return an equation as a reason, in its sentence or as a display."""
    if measure(left) + formula.width <= INLINE and not formula.whole:
        return [Paragraph(f"Indeed, ${left} = {formula.latex}{after}$.")]
    return [Paragraph("Indeed,"), set_equation(left, formula, f"{after}.")]


def say_hidden_squares(left: str, count: int, digits: int, more: str = "") -> Paragraph:
    """Return the sentence about a sum of squares whose numbers are too long to be written."""
    return Paragraph(
        f"The certificate writes ${left}$ as a sum of {count} squares with factors that are not"
        f" negative{more}. Its numbers have up to {digits} digits, so it is not repeated here."
    )


def say_product(stated: Stated) -> Paragraph:
    """Return why a polynomial is not negative that is written as a product."""
    factors = stated.shown.factor()[1]
    if all(k % 2 == 0 for _, k in factors):
        return Paragraph("This is true, because squares are not negative.")
    return Paragraph(
        "This is true, because squares are not negative and neither are the other factors."
    )


def say_remarks(stated: Stated, rewriting: Rewriting) -> list[Block]:
    """Return what is to be said of an equation that is not written in full, or has a multiplier."""
    blocks: list[Block] = []
    if rewriting.formula.whole and not rewriting.digits:
        blocks.append(say_cut_squares(rewriting.formula))
    if rewriting.vanishes:
        blocks.append(
            Paragraph(
                "The first factor on the left is positive, but for some points on the boundary,"
                f" to which ${stated.factor} \\ge 0$ extends by continuity."
            )
        )
    return blocks


def say_cut_squares(formula: Formula) -> Paragraph:
    """Return the remark that a sum of squares is not written in full."""
    return Paragraph(
        f"The sum has {formula.whole} terms, squares with factors that are not negative."
        " The certificate holds the rest of them."
    )
