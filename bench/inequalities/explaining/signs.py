"""Why a polynomial is positive, or not negative, under the assumptions: sign-proofs in words."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from typing import Any

from bench.inequalities.explaining.constrained import explain_squares, write_equality
from bench.inequalities.explaining.documents import Block, Paragraph
from bench.inequalities.explaining.formulas import (
    Alphabet,
    bracket,
    juxtapose,
    make_primitive,
    raise_text,
    write_rational,
)
from bench.inequalities.explaining.nonnegative import explain_nonnegative
from bench.inequalities.explaining.one_variable import complete_square
from bench.inequalities.explaining.scenes import Scene, Stated, define, refer_to, write_quotient
from bench.inequalities.explaining.squares import read_polynomial, write_squares
from bench.inequalities.polynomials import (
    constant,
    degree_of,
    from_flint,
    generators,
    is_homogeneous,
    size_of,
    terms_of,
)
from bench.inequalities.proving.polynomial_goals import Assumptions, Split, homogenise

Proof = Mapping[str, Any]


def normalise(split: Split) -> Split:
    """Return an equality `A = B` as `A / B = 1` where `B` is a constant."""
    if not split.low.is_constant():
        return split
    value = from_flint(split.low.leading_coefficient())
    n = size_of(split.low)
    return split._replace(high=split.high * constant(n, 1 / value), low=constant(n, 1))


def write_split(split: Split, alphabet: Alphabet) -> str:
    """Return `A = B`."""
    return f"{alphabet.write(split.high).latex} = {alphabet.write(split.low).latex}"


def explain_sign(
    scene: Scene, known: Assumptions, stated: Stated, proof: Proof, *, strict: bool
) -> list[Block]:
    """Return why a polynomial is `> 0`, or `>= 0`, where the assumptions hold."""
    kind = proof["by"]
    if kind == "visible":
        return [_say_visible(stated, strict)]
    easy = complete_square(stated.shown) if strict and kind not in ("homogenised", "fact") else None
    if easy is not None:
        bottom, formula = write_squares(easy, scene.alphabet)
        left = stated.name if bottom == 1 else juxtapose([str(bottom), stated.factor])
        return [Paragraph(f"We have ${left} = {formula.latex} > 0$.")]
    if kind == "fact":
        relation = ">" if strict else r"\ge"
        return [Paragraph(f"We have ${stated.name} {relation} 0$ by assumption.")]
    if kind == "orthant":
        return explain_nonnegative(scene, stated, proof["proof"])
    if kind == "squares":
        return explain_squares(scene, known, stated, proof)
    if kind == "gap":
        return _explain_gap(scene, known, stated, proof)
    if kind == "above":
        return _explain_above(scene, known, stated, proof)
    if kind == "homogenised":
        return [_say_homogenised(scene, known, stated, proof)]
    if kind == "margin":
        return _explain_margin(scene, known, stated, proof)
    return [_say_power(scene, known, stated, proof)]


def _say_visible(stated: Stated, strict: bool) -> Paragraph:
    if not strict:
        return Paragraph(f"We have ${stated.name} \\ge 0$, because no term is negative.")
    reason = ", because no term is negative and at least one is positive"
    if len(stated.p) == 1:
        reason = ", because its factors are positive" if degree_of(stated.p) > 1 else ""
    return Paragraph(f"We have ${stated.name} > 0$" + reason + ".")


def _say_homogenised(scene: Scene, known: Assumptions, stated: Stated, proof: Proof) -> Paragraph:
    j = int(proof["equality"])
    equality = known.equalities[j]
    assert equality is not None
    equation = write_homogenised(scene, known, stated, j)
    return Paragraph(f"Since ${write_equality(equality, scene.alphabet)}$, we have ${equation}$.")


def write_homogenised(scene: Scene, known: Assumptions, stated: Stated, j: int) -> str:
    """Return `p = q > 0`, with `q` homogenised by an equality and visibly positive."""
    split = known.split(j)
    assert split is not None
    split = normalise(split)
    higher = homogenise(stated.shown, split)
    assert higher is not None
    if split.low.is_one():
        return f"{stated.name} = {write_quotient(scene, higher, higher**0)} > 0"
    degrees = [sum(e) for e in terms_of(stated.shown)]
    times = (max(degrees) - min(degrees)) // split.difference
    factor = raise_text(scene.alphabet.write(split.low).factor, times)
    return f"{factor} {stated.factor} = {scene.quote(higher)} > 0"


def _explain_margin(scene: Scene, known: Assumptions, stated: Stated, proof: Proof) -> list[Block]:
    p, n, blocks = stated.p, known.n, list[Block]()
    if proof["equality"] is not None:
        split = known.split(int(proof["equality"]))
        assert split is not None
        higher = homogenise(p, split)
        assert higher is not None
        if higher != p:
            equality = write_split(split, scene.alphabet)
            blocks.append(
                Paragraph(
                    f"By ${equality}$ we may multiply each term of ${stated.name}$ such that all"
                    f" terms get the same degree, which gives"
                    f" ${scene.quote(make_primitive(higher)[0])}$ up to a positive factor."
                )
            )
            stated = refer_to(scene, higher)
        p = higher
    total = sum(generators(n), constant(n, 0 if is_homogeneous(p) else 1))
    margin = total ** degree_of(p) * constant(n, Fraction(proof["margin"]))
    rest = refer_to(scene, p - margin)
    amount = juxtapose(
        filter(
            None,
            (
                write_rational(Fraction(proof["margin"]) * stated.scale),
                raise_text(bracket(scene.quote(total)), degree_of(p)) if degree_of(p) else "",
            ),
        )
    )
    blocks.append(
        Paragraph(
            f"We show that ${stated.name}$ is at least ${amount}$, which is positive. For this we"
            f" need ${rest.name} \\ge 0$."
        )
    )
    return [*blocks, *_define_if_named(rest), *explain_nonnegative(scene, rest, proof["proof"])]


def _define_if_named(stated: Stated) -> list[Block]:
    return [Paragraph("Here"), *define(stated)] if stated.has_label else []


def _say_power(scene: Scene, known: Assumptions, stated: Stated, proof: Proof) -> Paragraph:
    split = known.split(int(proof["equality"]))
    assert split is not None
    p, m = int(proof["p"]), int(proof["m"])
    total = bracket(scene.quote(sum(generators(known.n), constant(known.n, 0))))
    one = split.low.is_one()
    high = raise_text(scene.alphabet.write(split.high).factor, p)
    low = raise_text(scene.alphabet.write(split.low).factor, p)
    number = write_rational(20 / stated.scale)
    left = juxtapose([number, *([raise_text(total, m)] if m else []), bracket(stated.name)])
    return Paragraph(
        f"Multiplied out, ${left} - {high}$ has no negative coefficient."
        f" So ${left} \\ge {high} = {'1' if one else low} > 0$, and ${stated.name} > 0$."
    )


def _explain_gap(scene: Scene, known: Assumptions, stated: Stated, proof: Proof) -> list[Block]:
    gap = Fraction(proof["gap"])
    inner: Proof = proof["squares"]
    n = known.n
    plain = not inner["negated"] and read_polynomial(inner["multiplier"], n).is_one()
    if plain:
        return explain_squares(scene, known, stated, inner, gap)
    rest = refer_to(scene, stated.p - constant(n, gap))
    head = Paragraph(
        f"It is enough that ${stated.name}$ exceeds a positive number, namely that"
        f" ${rest.name} \\ge 0$."
    )
    return [head, *_define_if_named(rest), *explain_squares(scene, known, rest, inner)]


def _explain_above(scene: Scene, known: Assumptions, stated: Stated, proof: Proof) -> list[Block]:
    least = read_polynomial(proof["least"], known.n)
    rest = refer_to(scene, stated.p - least)
    shown = least * constant(known.n, stated.scale)
    visible = _say_visible(refer_to(scene, least), strict=True)
    head = Paragraph(
        f"So it is enough that ${stated.name} \\ge {scene.quote(shown)}$, that is,"
        f" ${rest.name} \\ge 0$."
    )
    inner = explain_sign(scene, known, rest, proof["proof"], strict=False)
    return [visible, head, *_define_if_named(rest), *inner]
