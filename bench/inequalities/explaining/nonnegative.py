"""Why a polynomial is not negative where no variable is: nonneg-proofs (FORMAT.md) in words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from bench.inequalities.explaining.documents import Block, Items, Paragraph, list_formulas
from bench.inequalities.explaining.expressions import write_name
from bench.inequalities.explaining.formulas import (
    Formula,
    juxtapose,
    make_primitive,
    measure,
    raise_text,
    set_equation,
    write_rational,
)
from bench.inequalities.explaining.one_variable import (
    count_changes,
    drop_squares,
    read_one_variable,
)
from bench.inequalities.explaining.pairs import find_means
from bench.inequalities.explaining.rewritings import (
    INLINE,
    Rewriting,
    is_seen,
    read_factors,
    rewrite,
    rewrite_squares,
    say_hidden_squares,
    say_means,
    say_product,
    say_remarks,
    say_rewriting,
    write_factored,
)
from bench.inequalities.explaining.scenes import Scene, Stated, define, refer_to
from bench.inequalities.polynomials import (
    Polynomial,
    add_minimum,
    constant,
    has_nonnegative_coefficients,
    is_cyclic,
    put_in_order,
    size_of,
    split_by_power,
)

MOST_DISPLAYED = 420
"""Width of a polynomial that is written by the powers of a variable."""

Proof = Mapping[str, Any]


def explain_nonnegative(scene: Scene, stated: Stated, proof: Proof) -> list[Block]:
    """Return why `stated` is `>= 0` where no variable is negative."""
    if stated.p.is_zero():
        return [Paragraph("This is true, because the difference is $0$.")]
    if has_nonnegative_coefficients(stated.p):
        return [_say_coefficients(scene, stated)]
    if is_seen(stated):
        return [say_product(stated)]
    rewriting = rewrite(scene, stated, proof)
    if rewriting is not None:
        return say_rewriting(stated, rewriting)
    means = find_means(stated.shown)
    if means is not None:
        return [say_means(scene, stated, *means)]
    return _EXPLAINED[proof["by"]](scene, stated, proof)


def _say_coefficients(scene: Scene, stated: Stated) -> Paragraph:
    verb = "is" if len(scene.names) == 1 else "are"
    if len(stated.p) == 1:
        return Paragraph(f"This is true, because ${scene.list_letters()}$ {verb} not negative.")
    return Paragraph(
        f"This is true, because all coefficients are positive and ${scene.list_letters()}$ {verb}"
        " not negative."
    )


# Proofs in parts


def _explain_product(scene: Scene, stated: Stated, proof: Proof) -> list[Block]:
    blocks: list[Block] = []
    factors, formula = read_factors(stated, proof), write_factored(scene, stated, proof)
    if formula is not None and formula.latex != stated.formula.latex:
        blocks = [Paragraph("It is a product:"), set_equation(stated.name, formula, ".")]
    hard = [
        (factor, inner)
        for factor, k, inner in factors
        if inner is not None and not has_nonnegative_coefficients(factor)
    ]
    if len(factors) == 1:
        return explain_nonnegative(scene, refer_to(scene, hard[0][0]), hard[0][1])
    for factor, inner in hard:
        part = refer_to(scene, factor)
        if part.has_label:
            blocks += [Paragraph(f"Its factor ${part.name}$ is not negative, where"), *define(part)]
        else:
            blocks.append(Paragraph(f"We have to show that ${part.name} \\ge 0$."))
        blocks += explain_nonnegative(scene, part, inner)
    if len(factors) > len(hard):
        blocks.append(
            Paragraph("The other factors are squares or have positive coefficients only.")
        )
    return blocks


def _explain_sturm(scene: Scene, stated: Stated, proof: Proof) -> list[Block]:
    read = read_one_variable(stated.shown)
    assert read is not None
    x, y, coefficients = read
    blocks: list[Block] = []
    if y is not None:
        blocks.append(
            Paragraph(
                f"The polynomial is homogeneous in ${scene.list_letters([x, y])}$, so we may take"
                f" ${scene.letter(y)} = 1$; the case ${scene.letter(y)} = 0$ follows by continuity."
            )
        )
    core = drop_squares(coefficients)
    at_zero, far = count_changes(core)
    letter = scene.letter(x)
    terms = scene.alphabet.write_terms(
        {
            tuple(k if i == x else 0 for i in range(len(scene.names))): c
            for k, c in enumerate(core)
            if c
        }
    )
    polynomial = Formula(terms).latex
    if len(core) < len(coefficients):
        blocks.append(
            Paragraph(
                "Factors that are squares or have no negative coefficient do not change its sign."
                f" What is left is $f({letter}) = {polynomial}$."
            )
        )
    else:
        blocks.append(Paragraph(f"Let $f({letter}) = {polynomial}$."))
    blocks.append(
        Paragraph(
            f"The signs in Sturm's chain of $f$ change {_count(at_zero)} at ${letter} = 0$ and"
            f" {_count(far)} as ${letter} \\to \\infty$. By Sturm's theorem $f$ has no zero with"
            f" ${letter} > 0$. Its leading coefficient is positive, hence $f({letter}) \\ge 0$ for"
            f" all ${letter} \\ge 0$."
        )
    )
    return blocks


def _count(times: int) -> str:
    return {0: "never", 1: "once", 2: "twice"}.get(times, f"{times} times")


def _explain_variable(scene: Scene, stated: Stated, proof: Proof) -> list[Block]:
    i = int(proof["variable"])
    letter, parts = scene.letter(i), split_by_power(stated.p, i)
    formula = _write_by_powers(scene, stated.shown, i)
    blocks: list[Block] = [Paragraph(f"We sort {stated.subject} by the powers of ${letter}$.")]
    if formula.width <= MOST_DISPLAYED:
        blocks = [
            Paragraph(f"Sorted by the powers of ${letter}$,"),
            set_equation(stated.name, formula, "."),
        ]
    return [*blocks, *_explain_parts(scene, letter, parts, proof["coefficients"])]


def _write_by_powers(scene: Scene, p: Polynomial, i: int) -> Formula:
    """Return a polynomial as the sum of the powers of a variable with their coefficients."""
    terms = []
    for k, part in sorted(split_by_power(p, i).items(), reverse=True):
        whole, scale = make_primitive(part)
        formula = scene.alphabet.write(whole)
        number = "" if scale == 1 else write_rational(1 / scale)
        power = raise_text(scene.letter(i), k) if k else ""
        if not number and not power:
            terms += [*formula.terms]
            continue
        inner = "" if formula.latex == "1" and (number or power) else formula.factor
        terms.append(("+", juxtapose(filter(None, (number, inner, power)))))
    return Formula(tuple(terms))


def _explain_parts(
    scene: Scene, letter: str, parts: Mapping[int, Polynomial], proofs: Mapping[str, Proof]
) -> list[Block]:
    """Return why the coefficients of a variable's powers are not negative."""
    hard = [k for k, part in parts.items() if not has_nonnegative_coefficients(part)]
    items: list[tuple[Block, ...]] = []
    for k in sorted(hard, reverse=True):
        where = f"coefficient of ${raise_text(letter, k)}$" if k else f"term without ${letter}$"
        part = refer_to(scene, parts[k])
        items.append(tuple(_explain_part(scene, where, part, proofs[str(k)])))
    easy = len(parts) - len(hard)
    noun = "coefficient is" if easy == 1 else "coefficients are"
    other = "other " if hard else ""
    blocks: list[Block] = [Paragraph(f"The {other}{noun} not negative, term by term.")]
    if not easy:
        blocks = []
    return [*items[0], *blocks] if len(items) == 1 else [Items(tuple(items)), *blocks]


def _explain_part(scene: Scene, where: str, part: Stated, proof: Proof) -> list[Block]:
    rewriting = rewrite(scene, part, proof)
    if rewriting is not None and not rewriting.formula.whole:
        left, right = rewriting.write_left(part), rewriting.formula.latex
        equation = left if left == right else f"{left} = {right}"
        if measure(equation) <= INLINE and not part.has_label:
            return [Paragraph(f"The {where} is not negative, as ${equation} \\ge 0$.")]
    if part.has_label:
        head = Paragraph(f"The {where} is a positive multiple of ${part.name}$, where")
        return [head, *define(part), *explain_nonnegative(scene, part, proof)]
    text = f"For the {where} we have to show that ${part.name} \\ge 0$."
    return [Paragraph(text), *explain_nonnegative(scene, part, proof)]


def _explain_minimum(scene: Scene, stated: Stated, proof: Proof) -> list[Block]:
    letters = scene.list_letters()
    cases: Mapping[str, Proof] = proof["cases"]
    if is_cyclic(stated.p):
        i = min(map(int, cases))
        text = (
            f"A cyclic shift of ${letters}$ does not change {stated.subject}."
            f" So we may assume that ${scene.letter(i)}$ is the least of them."
        )
        head = Paragraph(text, apart=stated.has_label)
        return [head, *_explain_least(scene, stated, i, cases[str(i)])]
    items = []
    for i in sorted(map(int, cases)):
        head = Paragraph(f"Let ${scene.letter(i)}$ be the least.")
        items.append((head, *_explain_least(scene, stated, i, cases[str(i)])))
    return [Paragraph(f"We look at the least of ${letters}$.", apart=True), Items(tuple(items))]


def _explain_least(scene: Scene, stated: Stated, i: int, proof: Proof) -> list[Block]:
    others = [j for j in range(len(scene.names)) if j != i]
    names = dict(zip(others, scene.make_names(len(others)), strict=True))
    inner = scene.rename(names)
    puts = [f"{scene.letter(j)} = {scene.letter(i)} + {inner.letter(j)}" for j in others]
    head = f"Write {list_formulas(puts)} with ${inner.list_letters(others)} \\ge 0$."
    shifted = add_minimum(stated.p, i)
    return [Paragraph(head), *_explain_substituted(inner, stated, shifted, proof)]


def _explain_substituted(scene: Scene, stated: Stated, p: Polynomial, proof: Proof) -> list[Block]:
    """Return why a polynomial is not negative that `stated` becomes in other variables."""
    shown = p * constant(size_of(p), stated.scale)
    part = Stated(p, shown, stated.scale, stated.name, scene.alphabet.write(shown))
    rewriting = rewrite(scene, part, proof)
    if rewriting is not None:
        return _say_substituted(stated, part, rewriting)
    if proof["by"] == "variable":
        i = int(proof["variable"])
        parts = split_by_power(p, i)
        if parts.keys() == {0}:
            return _explain_substituted(scene, stated, p, proof["coefficients"]["0"])
        formula = _write_by_powers(scene, shown, i)
        rest = _explain_parts(scene, scene.letter(i), parts, proof["coefficients"])
        if formula.width <= MOST_DISPLAYED:
            return [Paragraph("Then"), set_equation(stated.name, formula, "."), *rest]
        text = (
            f"Then {stated.subject} becomes a sum of {len(p)} terms, which we sort by the powers of"
            f" ${scene.letter(i)}$."
        )
        return [Paragraph(text), *rest]
    if proof["by"] == "squares":
        return _say_substituted(stated, part, rewrite_squares(scene, part, proof))
    label = scene.labels.take()
    primitive, scale = make_primitive(p)
    part = Stated(p, primitive, scale, label, scene.alphabet.write(primitive))
    times = stated.scale / scale
    factor = "" if times == 1 else write_rational(times)
    return [
        Paragraph(f"Then ${stated.name} = {factor}{label}$, where"),
        *define(part),
        *explain_nonnegative(scene, part, proof),
    ]


def _say_substituted(stated: Stated, part: Stated, rewriting: Rewriting) -> list[Block]:
    formula, plain = rewriting.formula, part.formula
    if rewriting.digits:
        hidden = say_hidden_squares(rewriting.write_left(stated), formula.whole, rewriting.digits)
        return [hidden, *say_remarks(stated, rewriting)]
    if has_nonnegative_coefficients(part.p) and plain.whole:
        text = (
            f"Then {stated.subject} becomes a sum of {plain.whole} terms whose coefficients are all"
            " positive."
        )
        return [Paragraph(text)]
    if not rewriting.left:
        # A chain of equations: what it becomes, and what that is.
        middle = "" if plain.latex == formula.latex or plain.whole else f"{plain.latex} = "
        chain = f"{stated.name} = {middle}{formula.latex} \\ge 0"
        if measure(chain) <= INLINE:
            return [Paragraph(f"Then ${chain}$."), *say_remarks(stated, rewriting)]
    display = set_equation(rewriting.write_left(stated), formula, r" \ge 0.")
    return [Paragraph("Then"), display, *say_remarks(stated, rewriting)]


def _explain_orders(scene: Scene, stated: Stated, proof: Proof) -> list[Block]:
    groups: dict[str, list[tuple[list[int], Polynomial, Proof]]] = {}
    for order, inner in proof["cases"].items():
        numbers = [int(i) for i in order.split(",")]
        p = put_in_order(stated.p, numbers)
        groups.setdefault(f"{p} {inner}", []).append((numbers, p, inner))
    names = scene.make_names(len(scene.names))
    steps = scene.rename(dict(enumerate(names)))
    items: list[tuple[Block, ...]] = []
    for group in groups.values():
        numbers, p, inner = group[0]
        sums = [" + ".join(map(write_name, names[: r + 1])) for r in range(len(numbers))]
        puts = [f"{scene.letter(i)} = {sums[r]}" for r, i in enumerate(numbers)]
        text = (
            f"Let ${_write_order(scene, numbers)}$. Put {list_formulas(puts)} with"
            f" ${steps.list_letters()} \\ge 0$."
        )
        if len(group) > 1:
            same = list_formulas([_write_order(scene, other) for other, _, _ in group[1:]])
            text += f" The orders {same} give the same polynomial."
        items.append((Paragraph(text), *_explain_substituted(steps, stated, p, inner)))
    if len(items) == 1:
        return [*items[0]]
    head = Paragraph(f"We look at the orders of ${scene.list_letters()}$.", apart=True)
    return [head, Items(tuple(items))]


def _write_order(scene: Scene, order: Sequence[int]) -> str:
    return r" \le ".join(scene.letter(i) for i in order)


def _explain_squares(scene: Scene, stated: Stated, proof: Proof) -> list[Block]:
    return say_rewriting(stated, rewrite_squares(scene, stated, proof))


_EXPLAINED = {
    "product": _explain_product,
    "sturm": _explain_sturm,
    "variable": _explain_variable,
    "minimum": _explain_minimum,
    "orders": _explain_orders,
    "squares": _explain_squares,
}
