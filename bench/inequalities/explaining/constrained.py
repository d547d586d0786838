"""Squares under assumptions in words: the sign-proof `squares` of FORMAT.md.

    multiplier * F = sum of weights times squares + sum of polynomials times equalities

Where a sum of squares shows `F` without the assumptions, it is told instead, if it is shorter.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from bench.inequalities.explaining.documents import Block, Paragraph, list_formulas
from bench.inequalities.explaining.formulas import (
    Alphabet,
    Formula,
    Signed,
    bracket,
    juxtapose,
    make_primitive,
    write_rational,
)
from bench.inequalities.explaining.pairs import find_pairs
from bench.inequalities.explaining.rewritings import (
    Rewriting,
    say_cut_squares,
    say_equation,
    say_hidden_squares,
    say_rewriting,
)
from bench.inequalities.explaining.scenes import Scene, Stated, define, refer_to
from bench.inequalities.explaining.squares import (
    MOST_DIGITS,
    WeightedSquare,
    collect,
    count_digits,
    cut_terms,
    find_denominator,
    read_blocks,
    read_polynomial,
    round_blocks,
    split_blocks,
    write_squares,
    write_terms,
)
from bench.inequalities.explaining.squares import Block as Weighted
from bench.inequalities.polynomials import (
    Polynomial,
    constant,
    from_flint,
    generators,
    make,
    size_of,
    terms_of,
)
from bench.inequalities.proving.goals import FREE
from bench.inequalities.proving.polynomial_goals import Assumptions

Proof = Mapping[str, Any]

SIMPLER = 12
"""By how much a sum that needs no matrix may be wider."""


def write_equality(p: Polynomial, alphabet: Alphabet) -> str:
    """Return `p = 0` with its negative terms on the other side, constants on the right."""
    p, _ = make_primitive(p)
    n, terms = size_of(p), terms_of(p)
    if all(c > 0 for c in terms.values()):
        return f"{alphabet.write(p).latex} = 0"
    if terms.get((0,) * n, Fraction(0)) > 0 or all(c < 0 for c in terms.values()):
        terms = terms_of(-p)
    left, right = (
        alphabet.write(make(n, {e: abs(c) for e, c in terms.items() if (c > 0) == positive}))
        for positive in (True, False)
    )
    return f"{left.latex} = {right.latex}"


@dataclass(frozen=True, slots=True)
class _Identity:
    """`multiplier * F` as a certificate has it, `F` as it is shown."""

    multiplier: Polynomial
    squares: list[WeightedSquare]
    negated: list[WeightedSquare]
    """What is multiplied by `-F`."""
    multiples: list[tuple[int, Polynomial]]
    """Polynomials by the numbers of the equalities that they multiply."""

    @property
    def digits(self) -> int:
        """About how many digits the longest number has."""
        return max(count_digits(self.squares), count_digits(self.negated))

    @property
    def denominator(self) -> int:
        """The least whole number that leaves no fractions."""
        fractions = (c for _, multiple in self.multiples for c in multiple.coeffs())
        return math.lcm(
            find_denominator([*self.squares, *self.negated]),
            *(from_flint(c).denominator for c in fractions),
        )


def _read_identity(
    scene: Scene, known: Assumptions, stated: Stated, data: Proof, least: Fraction | int
) -> _Identity:
    n, p = known.n, stated.p - constant(known.n, least)
    multiplier = read_polynomial(data["multiplier"], n)
    pairs = []
    for j, each in data["equalities"]:
        equality = known.equalities[int(j)]
        assert equality is not None
        pairs.append((read_polynomial(each, n), equality))
    blocks, multipliers = round_blocks(read_blocks(data["blocks"], n), pairs, multiplier * p)
    plain, negated = list[Weighted](), list[Weighted]()
    base = [x for x, sign in zip(generators(n), known.signs, strict=True) if sign != FREE]
    base += [constant(n, 1), *(fact[0] for fact in known.facts if fact is not None)]
    for block in blocks:
        quotient, rest = divmod(block.weight, -p)
        if data["negated"] and rest.is_zero() and quotient in base:
            negated.append(Weighted(quotient, block.basis, block.gram))
        else:
            plain.append(block)
    squares, one = split_blocks(plain, scene.alphabet), constant(n, 1)
    if least:
        squares = collect([*squares, WeightedSquare(Fraction(least), one, one)])
    scale = constant(n, stated.scale)
    numbers = [int(j) for j, _ in data["equalities"]]
    return _Identity(
        multiplier,
        [s._replace(coefficient=s.coefficient * stated.scale) for s in squares],
        split_blocks(negated, scene.alphabet),
        [(j, q * scale) for j, q in zip(numbers, multipliers, strict=True) if not q.is_zero()],
    )


def explain_squares(
    scene: Scene, known: Assumptions, stated: Stated, data: Proof, least: Fraction | int = 0
) -> list[Block]:
    """Return why a polynomial is at least `least`, by squares under the assumptions."""
    found = _read_identity(scene, known, stated, data, least)
    relation = "> 0" if least else r"\ge 0"
    factor = "" if found.multiplier.is_one() else scene.alphabet.write(found.multiplier).factor
    easy = None if least else find_easily(scene, known, stated)
    if found.digits > MOST_DIGITS:
        if easy is not None:
            return say_rewriting(stated, easy)
        left = juxtapose([factor, stated.factor]) if factor else stated.name
        count, more = len(found.squares) + len(found.negated), _name_multiples(scene, known, found)
        hidden = say_hidden_squares(left, count, found.digits, more)
        sentences = _conclude(scene, known, stated, data, found, relation, told=False)
        return [hidden, *map(Paragraph, sentences)]
    bottom = found.denominator
    formula = cut_terms(_write_sum(scene, stated, found, bottom))
    if easy is not None and (found.multiples or easy.formula.width <= formula.width + SIMPLER):
        return say_rewriting(stated, easy)
    ends, definitions = _write_multiples(scene, known, found, bottom)
    number = "" if bottom == 1 else str(bottom)
    left = stated.name
    if number or factor:
        left = juxtapose(filter(None, (number, factor, stated.factor)))
    proves = not ends and not data["negated"]
    whole = Formula((*formula.terms, *ends), formula.whole)
    blocks = [*say_equation(left, whole, f" {relation}" if proves else ""), *definitions]
    if formula.whole:
        blocks.append(say_cut_squares(formula))
    sentences = _conclude(scene, known, stated, data, found, relation)
    return [*blocks, *map(Paragraph, sentences)]


def _write_sum(scene: Scene, stated: Stated, found: _Identity, bottom: int) -> list[Signed]:
    """Return the squares, those with `-F` last, times a number that leaves no fractions."""
    minus = f"(-{stated.factor})"
    if not stated.has_label:
        minus = bracket(scene.alphabet.write_sum(-stated.shown).latex)
    terms = write_terms(found.squares, scene.alphabet, bottom)
    for _, body in write_terms(found.negated, scene.alphabet, bottom):
        terms.append(("+", minus if body == "1" else juxtapose([minus, body])))
    return terms


def find_easily(scene: Scene, known: Assumptions, stated: Stated) -> Rewriting | None:
    """Return squares of sums of two terms that need no assumption but the signs."""
    free = [i for i, sign in enumerate(known.signs) if sign == FREE]
    squares = find_pairs(stated.shown, free)
    if squares is None:
        return None
    bottom, formula = write_squares(squares, scene.alphabet)
    return None if formula.whole else Rewriting("" if bottom == 1 else str(bottom), formula)


def _write_multiples(
    scene: Scene, known: Assumptions, found: _Identity, times: int
) -> tuple[list[Signed], list[Block]]:
    """Return the terms of an identity that vanish, and what the names in them stand for."""
    terms, definitions = list[Signed](), list[Block]()
    for j, multiplier in found.multiples:
        equality = known.equalities[j]
        assert equality is not None
        whole = multiplier * constant(known.n, times)
        sign = "+"
        if scene.alphabet.write(whole).latex.startswith("-"):
            sign, whole = "-", -whole
        primitive, shrunk = make_primitive(whole)
        named = refer_to(scene, primitive)
        if named.has_label:
            definitions += [Paragraph("Here"), *define(named)]
        number = "" if shrunk == 1 else write_rational(1 / shrunk)
        factors = [number, "" if named.name == "1" else named.factor]
        bracketed = bracket(scene.alphabet.write_sum(equality).latex)
        terms.append((sign, juxtapose([*filter(None, factors), bracketed])))
    return terms, definitions


def _name_multiples(scene: Scene, known: Assumptions, found: _Identity) -> str:
    """Return the words on the terms that vanish."""
    names = [
        scene.alphabet.write_sum(p).latex
        for j, _ in found.multiples
        if (p := known.equalities[j]) is not None
    ]
    if not names:
        return ""
    return f", plus multiples of {list_formulas(names)}, which is $0$ by assumption"


def _conclude(
    scene: Scene,
    known: Assumptions,
    stated: Stated,
    data: Proof,
    found: _Identity,
    relation: str,
    *,
    told: bool = True,
) -> list[str]:
    """Return what makes an identity a proof; `told` says that it is written above."""
    sentences = []
    equalities = [
        write_equality(p, scene.alphabet)
        for j, _ in found.multiples
        if (p := known.equalities[j]) is not None
    ]
    if equalities and told:
        count = len(found.multiples)
        last = "last term is" if count == 1 else f"last {count} terms are"
        sentences.append(f"The {last} $0$, since {list_formulas(equalities)}.")
    facts = _find_used_facts(known, [*found.squares, *found.negated])
    if facts:
        listed = list_formulas([f"{scene.alphabet.write_sum(p).latex} \\ge 0" for p in facts])
        sentences.append(f"By assumption {listed}.")
    if data["negated"]:
        right = "right side" if told else "sum"
        sentences.append(
            f"Suppose that ${stated.name} < 0$. Then the {right} is not negative, while the left"
            " side is negative. This is a contradiction."
        )
        return sentences
    if not found.multiplier.is_one():
        factor = scene.alphabet.write(found.multiplier).latex
        constrained = bool(known.facts or known.equalities)
        sentences.append(f"The factor ${factor}$ is positive.")
        if not constrained:
            sentences[-1] = (
                f"The factor ${factor}$ is positive, but for some points to which the inequality"
                " extends by continuity."
            )
    if sentences:
        sentences.append(f"Hence ${stated.name} {relation}$.")
    return sentences


def _find_used_facts(known: Assumptions, squares: Sequence[WeightedSquare]) -> list[Polynomial]:
    facts = [fact[0] for fact in known.facts if fact is not None]
    return [p for p in facts if any(divmod(s.weight, p)[1].is_zero() for s in squares)]
