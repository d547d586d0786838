"""The steps from polynomial to polynomial in words: phase C of FORMAT.md, replayed."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bench.inequalities.explaining.constrained import explain_squares
from bench.inequalities.explaining.documents import Block, Items, Paragraph, list_formulas
from bench.inequalities.explaining.formulas import bracket, juxtapose, raise_text
from bench.inequalities.explaining.nonnegative import explain_nonnegative
from bench.inequalities.explaining.radicals import explain_bound, name_radicals, write_value
from bench.inequalities.explaining.scenes import (
    Scene,
    Stated,
    define,
    refer_to,
    state_goal,
    write_quotient,
)
from bench.inequalities.explaining.signs import explain_sign, write_split
from bench.inequalities.explaining.squares import read_polynomial
from bench.inequalities.polynomials import (
    Polynomial,
    constant,
    degree_of,
    generators,
    has_nonnegative_coefficients,
    split_by_degree,
    split_by_power,
)
from bench.inequalities.proving.goals import POSITIVE
from bench.inequalities.proving.polynomial_goals import (
    PolynomialGoal,
    Radical,
    Split,
    add_radicals,
    drop_radicals,
    homogenise,
    list_degrees,
)
from bench.inequalities.proving.radicals import bound_power, group_by_radicals, raise_all_variables

Step = Mapping[str, Any]

ENOUGH = "It is enough to show"
LEFT = "It remains to show"

_SEEN = "This is true, because all terms are positive."


@dataclass(frozen=True, slots=True)
class Stage:
    """A polynomial goal as the reader knows it."""

    scene: Scene
    goal: PolynomialGoal
    stated: Stated

    def reach(
        self, goal: PolynomialGoal, lead: str, scene: Scene | None = None
    ) -> tuple[Stage, list[Block]]:
        """Return the stage at another goal, and the sentence that states it."""
        scene = scene or self.scene
        stated, blocks = state_goal(scene, goal.p, lead)
        return Stage(scene, goal, stated), blocks


def explain_polynomial_steps(stage: Stage, steps: Sequence[Step]) -> list[Block]:
    """Return what the steps after `clear` do, up to the one that closes the proof."""
    blocks: list[Block] = []
    at = 0
    while at < len(steps):
        step = steps[at]
        if stage.goal.p.is_constant():
            # That this is not negative, or is positive, has been said.
            return blocks
        if step["step"] in CLOSING:
            return [*blocks, *CLOSING[step["step"]](stage, step)]
        run = _find_bounds(stage, steps[at:])
        if run > 1:
            stage, more = _explain_bounds(stage, steps[at : at + run])
            at += run
        else:
            stage, more = STEPS[step["step"]](stage, step)
            at += 1
        blocks += more
    return blocks


# Steps


def _explain_homogenise(stage: Stage, step: Step) -> tuple[Stage, list[Block]]:
    goal, alphabet = stage.goal, stage.scene.alphabet
    split = goal.assumptions.split(int(step["equality"]))
    assert split is not None
    found = homogenise(goal.p, split, list_degrees(goal.n, goal.radicals))
    assert found is not None
    reached = goal.then({}, goal.reduce(found))
    factor = write_quotient(dataclasses.replace(stage.scene, radicals=()), split.high, split.low)
    text = (
        f"We have ${write_split(split, alphabet)}$. So we may multiply each term by a power of"
        f" ${factor}$, which is $1$, and choose the powers such that all terms get the same degree."
    )
    if not split.low.is_constant():
        low = alphabet.write(split.low).latex
        text += f" Then we multiply by a power of ${low}$, which is positive."
    after, blocks = stage.reach(reached, LEFT)
    return after, [Paragraph(text, apart=True), *blocks]


def _explain_homogenise_fact(stage: Stage, step: Step) -> tuple[Stage, list[Block]]:
    goal, scene = stage.goal, stage.scene
    fact = goal.assumptions.facts[int(step["fact"])]
    assert fact is not None
    parts = split_by_degree(fact[0])
    high, low = parts[max(parts)], parts[0]
    sign = 1 if has_nonnegative_coefficients(high) else -1
    split = Split(int(step["fact"]), sign * high, -sign * low, sign)
    found = homogenise(goal.plain, split)
    assert found is not None
    relation = r"\ge" if sign > 0 else r"\le"
    factor = write_quotient(scene, split.high, split.low)
    lower = {k: p for k, p in split_by_degree(goal.plain).items() if k < degree_of(goal.p)}
    side = "not positive" if sign > 0 else "not negative"
    text = (
        f"We have ${factor} {relation} 1$ by assumption. The terms of lower degree, taken together"
        f" for each degree, are {side}. So the left side does not increase when we multiply them by"
        f" powers of ${factor}$ such that all terms get the same degree."
    )
    blocks: list[Block] = [Paragraph(text, apart=True)]
    for k in sorted(lower):
        if not has_nonnegative_coefficients(lower[k] * -sign):
            rest = refer_to(scene, lower[k] * -sign)
            where = f"For the terms of degree ${k}$ this means that ${rest.name} \\ge 0$."
            blocks += [Paragraph(where), *(define(rest) if rest.has_label else [])]
            blocks += explain_nonnegative(scene, rest, step["parts"][str(k)])
    after, more = stage.reach(goal.then({}, goal.lift(found)), ENOUGH)
    return after, [*blocks, *more]


def _explain_multiply(stage: Stage, step: Step) -> tuple[Stage, list[Block]]:
    goal = stage.goal
    by = read_polynomial(step["by"], goal.n + goal.more)
    reached = goal.then({}, goal.reduce(goal.p * by))
    after, blocks = stage.reach(reached, LEFT)
    return after, [
        Paragraph(f"We multiply by ${stage.scene.quote(by)}$, which is positive."),
        *blocks,
    ]


def _explain_divide(stage: Stage, step: Step) -> tuple[Stage, list[Block]]:
    goal = stage.goal
    by = read_polynomial(step["by"], goal.n + goal.more)
    reached = goal.then({}, goal.p / by)
    if reached.p.is_constant():
        # The goal is this factor, so there is nothing left for the step that closes the proof.
        stated = refer_to(stage.scene, reached.p)
        return Stage(stage.scene, reached, stated), [Paragraph(_SEEN)]
    after, blocks = stage.reach(reached, LEFT)
    text = f"We divide by the factor ${stage.scene.quote(by)}$, which is positive."
    return after, [Paragraph(text), *blocks]


def _explain_interior(stage: Stage, _: Step) -> tuple[Stage, list[Block]]:
    goal = stage.goal
    signs = (POSITIVE,) * goal.n
    reached = goal.then({}, goal.p, assumptions=dataclasses.replace(goal.assumptions, signs=signs))
    text = (
        f"Both sides are continuous. So we may assume that ${stage.scene.list_letters()} > 0$: the"
        " other points are limits of such ones."
    )
    return dataclasses.replace(stage, goal=reached), [Paragraph(text)]


def _explain_rename(stage: Stage, step: Step) -> tuple[Stage, list[Block]]:
    goal = stage.goal
    radicals = tuple(
        Radical(int(each["index"]), read_polynomial(each["radicand"], goal.n))
        for each in step["radicals"]
    )
    size = goal.n + len(radicals)
    bare = dataclasses.replace(goal, radicals=radicals)
    scene, blocks = name_radicals(stage.scene, goal.assumptions, radicals, step["radicals"])
    images: dict[tuple[int, ...], Polynomial] = {}
    for exponents, image in step["images"]:
        value = read_polynomial(image["factor"], size)
        if image["radical"] is not None:
            value = value * bare.radical(int(image["radical"]), int(image["power"]))
        images[tuple(exponents)] = value
    equations = []
    total = add_radicals(generators(goal.n)[0] * 0, len(radicals))
    for product, part in group_by_radicals(goal).items():
        image = images.get(product)
        lifted = add_radicals(part, len(radicals))
        total = total + (lifted if image is None else lifted * image)
        if image is not None:
            roots = stage.scene.alphabet.write_monomial((*[0] * goal.n, *product))
            one_root = scene.quote(image)
            if roots != one_root:
                equations.append(f"{roots} = {one_root}")
    if equations:
        blocks.append(Paragraph(f"We have {list_formulas(equations)}."))
    reached = bare.then({}, bare.reduce(total))
    old = stage.stated
    shown = reached.p * constant(size, old.scale)
    if sorted(scene.alphabet.write(shown).terms) == sorted(old.formula.terms):
        # The radicals are the same, perhaps in another order.
        return Stage(scene, reached, dataclasses.replace(old, p=reached.p, shown=shown)), blocks
    after, more = stage.reach(reached, LEFT, scene)
    return after, [*blocks, *more]


# Bounds


def _find_bounds(stage: Stage, steps: Sequence[Step]) -> int:
    """Return how many steps, bounds and divisions, can be told together: more than 1, or 0.

    They can if the goal is linear in the radicals that they bound, with factors of a visible sign.
    """
    run = 0
    while run < len(steps) and steps[run]["step"] in ("bound", "divide"):
        run += 1
    bounds = [step for step in steps[:run] if step["step"] == "bound"]
    if len(bounds) < 2 or steps[0]["step"] != "bound":
        return 0
    goal = stage.goal
    for step in bounds:
        i, p = int(step["radical"]), int(step["power"])
        parts = split_by_power(goal.p, goal.n + i)
        factor = parts.get(p)
        if factor is None or any(k not in (0, p) for k in parts):
            return 0
        if any(factor.degrees()[goal.n :]):
            return 0
        sign = -1 if step["kind"] in ("upper", "above") else 1
        if not goal.assumptions.is_visibly_nonnegative(sign * factor):
            return 0
    return run


def _explain_bounds(stage: Stage, steps: Sequence[Step]) -> tuple[Stage, list[Block]]:
    goal, items = stage.goal, []
    values = [step["by"] for step in steps if step["step"] == "bound"]
    kinds = {step["kind"] for step in steps if step["step"] == "bound"}
    same = all(each == values[0] for each in values) and not kinds & {"above", "below"}
    # A value that is a number needs no name.
    same = same and any(any(e) for side in values[0] for e, _ in side)
    told = f" Let {write_value(stage.scene, values[0])}." if same else ""
    for step in steps:
        if step["step"] == "divide":
            goal = goal.then({}, goal.p / read_polynomial(step["by"], goal.n + goal.more))
            continue
        items.append(tuple(explain_bound(stage.scene, goal, step, told=bool(told))))
        goal = _apply_bound(goal, step)
    after, blocks = stage.reach(goal, ENOUGH)
    signs = {step["kind"] in ("upper", "above") for step in steps if step["step"] == "bound"}
    which = "not negative where the bound is a lower one, and not positive where it is an upper one"
    if len(signs) == 1:
        which = "not positive" if True in signs else "not negative"
    head = Paragraph(f"We bound the radicals by rational functions.{told}", apart=True)
    text = (
        f"In ${stage.stated.name}$ the factors of these radicals are {which}. So the value"
        " does not increase when the bounds take their places. We multiply by the denominators and"
        " leave out positive factors."
    )

    return after, [head, Items(tuple(items)), Paragraph(text), *blocks]


def _apply_bound(goal: PolynomialGoal, step: Step) -> PolynomialGoal:
    i, p, kind = int(step["radical"]), int(step["power"]), str(step["kind"])
    q, radicand = goal.radicals[i]
    top, bottom = (read_polynomial(each, goal.n) for each in step["by"])
    above, below = bound_power(radicand, q, p, kind, top, bottom)
    parts = split_by_power(goal.p, goal.n + i)
    plain = parts.get(0, goal.p * 0)
    replaced = parts.get(p, goal.p * 0) * goal.lift(above) + plain * goal.lift(below)
    return goal.then({}, goal.reduce(replaced))


def _explain_bound(stage: Stage, step: Step) -> tuple[Stage, list[Block]]:
    blocks = explain_bound(stage.scene, stage.goal, step)
    upper = step["kind"] in ("upper", "above")
    radical = stage.scene.radicals[int(step["radical"])]
    power = int(step["power"])
    if power > 1:
        radical = raise_text(bracket(radical) if r"\sqrt" in radical else radical, power)
    sign = "not positive" if upper else "not negative"
    text = (
        f"In ${stage.stated.name}$ the factor of ${radical}$ is {sign}. So the value does not"
        " increase when the bound takes its place."
    )
    if not all(len(each) == 1 and not any(each[0][0]) for each in step["by"]):
        text += " We multiply by the denominator of the bound, which is positive."
    after, more = stage.reach(_apply_bound(stage.goal, step), ENOUGH)
    return after, [*blocks, Paragraph(text), *more]


# Powers


def _explain_raise(stage: Stage, step: Step) -> tuple[Stage, list[Block]]:
    goal, scene = stage.goal, stage.scene
    larger, smaller = tuple(step["larger"]), tuple(step["smaller"])
    groups, k = group_by_radicals(goal), int(step["power"])
    bare = dataclasses.replace(scene, radicals=())
    left = _power(goal, groups[larger], larger, k)
    right = _power(goal, -groups[smaller], smaller, k)
    scale = constant(goal.n, stage.stated.scale)
    sides = [
        _write_product(bare, scene, part * scale, exponents)
        for part, exponents in ((groups[larger], larger), (-groups[smaller], smaller))
    ]
    power = {2: "squares", 3: "cubes"}.get(k, f"{k}th powers")
    blocks: list[Block] = [Paragraph(f"This says that ${sides[0]} {scene.relation} {sides[1]}$.")]
    if step["proof"]["by"] != "visible":
        stated = refer_to(bare, groups[larger])
        blocks.append(Paragraph(f"We first show that ${stated.name} \\ge 0$."))
        blocks += define(stated) if stated.has_label else []
        blocks += explain_sign(bare, goal.assumptions, stated, step["proof"], strict=False)
    text = f"So the left side is not negative, and we may compare the {power} of both sides."
    if step["proof"]["by"] == "visible":
        text = f"The left side is not negative, so we may compare the {power} of both sides."
    blocks.append(Paragraph(text))
    reached = goal.then({}, goal.lift(left - right))
    after, more = stage.reach(reached, LEFT)
    return after, [*blocks, *more]


def _power(goal: PolynomialGoal, part: Polynomial, exponents: Sequence[int], k: int) -> Polynomial:
    product = part**k
    for e, (index, radicand) in zip(exponents, goal.radicals, strict=True):
        product = product * radicand ** (e * k // index)
    return product


def _write_product(bare: Scene, scene: Scene, part: Polynomial, exponents: Sequence[int]) -> str:
    """Return a polynomial times radicals."""
    roots = scene.alphabet.write_monomial((*[0] * len(scene.names), *exponents))
    if not roots:
        return bare.quote(part)
    return roots if part.is_one() else juxtapose([bare.alphabet.write(part).factor, roots])


def _explain_power_variables(stage: Stage, step: Step) -> tuple[Stage, list[Block]]:
    goal, k = stage.goal, int(step["power"])
    raised = raise_all_variables(goal, k)
    assert raised is not None
    scene = stage.scene
    names = dict(enumerate(scene.make_names(goal.n)))
    inner = dataclasses.replace(scene.rename(names), radicals=())
    puts = list_formulas(
        [f"{scene.letter(i)} = {raise_text(inner.letter(i), k)}" for i in range(goal.n)]
    )
    text = f"To remove the roots, we put {puts} with ${inner.list_letters()} \\ge 0$."
    reached = PolynomialGoal(
        dataclasses.replace(goal.assumptions, facts=(), equalities=()),
        (),
        drop_radicals(raised.p, goal.n),
        (),
    )
    after, blocks = stage.reach(reached, LEFT, inner)
    return after, [Paragraph(text), *blocks]


# The end


def _close_on_orthant(stage: Stage, step: Step) -> list[Block]:
    scene = dataclasses.replace(stage.scene, radicals=())
    return explain_nonnegative(scene, _without_radicals(stage), step["proof"])


def _close_by_squares(stage: Stage, step: Step) -> list[Block]:
    scene = dataclasses.replace(stage.scene, radicals=())
    return explain_squares(scene, stage.goal.assumptions, _without_radicals(stage), step)


def _close_positive(stage: Stage, step: Step) -> list[Block]:
    proof = step["proof"]
    if stage.goal.has_radicals:
        stated = stage.stated
    else:
        stated = _without_radicals(stage)
    scene = dataclasses.replace(stage.scene, radicals=())
    return explain_sign(scene, stage.goal.assumptions, stated, proof, strict=True)


def _without_radicals(stage: Stage) -> Stated:
    """Return the goal in the ring of the variables alone."""
    n = stage.goal.n
    return dataclasses.replace(
        stage.stated, p=stage.goal.plain, shown=drop_radicals(stage.stated.shown, n)
    )


STEPS: Mapping[str, Callable[[Stage, Step], tuple[Stage, list[Block]]]] = {
    "homogenise": _explain_homogenise,
    "homogenise_fact": _explain_homogenise_fact,
    "multiply": _explain_multiply,
    "divide": _explain_divide,
    "interior": _explain_interior,
    "rename": _explain_rename,
    "bound": _explain_bound,
    "raise": _explain_raise,
    "power_variables": _explain_power_variables,
}

CLOSING: Mapping[str, Callable[[Stage, Step], list[Block]]] = {
    "orthant": _close_on_orthant,
    "squares": _close_by_squares,
    "positive": _close_positive,
}
