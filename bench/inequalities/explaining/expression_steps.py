"""The steps before the goal is a polynomial, and `clear`, in words: phase A of FORMAT.md, replayed.

The certificate keeps the name of a variable when it puts a power or a ratio in its place. A reader
gets a new name, so that no letter means two things.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction
from typing import Any

from bench.inequalities.explaining.claims import WIDE, Claimed
from bench.inequalities.explaining.clearing import explain_clear, replay_clear
from bench.inequalities.explaining.constrained import find_easily, write_equality
from bench.inequalities.explaining.documents import Block, Items, Paragraph, list_formulas
from bench.inequalities.explaining.formulas import juxtapose, measure, raise_text
from bench.inequalities.explaining.pairs import find_pairs
from bench.inequalities.explaining.polynomial_steps import explain_polynomial_steps
from bench.inequalities.explaining.rewritings import say_rewriting
from bench.inequalities.explaining.scenes import Scene, write_quotient
from bench.inequalities.polynomials import constant, size_of
from bench.inequalities.proving.clearing import read_assumptions
from bench.inequalities.proving.goals import (
    NONNEGATIVE,
    POSITIVE,
    Fact,
    Goal,
    add_gap,
    bound_logarithm,
    insert,
    list_factors,
    negate,
    raise_equality,
    raise_variables,
    subtract,
    use_ratios,
    use_weighted_mean,
)
from bench.inequalities.statements import (
    Expression,
    evaluate,
    format_latex_expression,
    from_json_expression,
)

Step = Mapping[str, Any]


def explain_steps(claimed: Claimed, steps: Sequence[Step]) -> list[Block]:
    """Return the proof of a goal in words."""
    blocks: list[Block] = []
    for at, step in enumerate(steps):
        name = step["step"]
        if name == "clear":
            stage, more = explain_clear(claimed, step)
            return [*blocks, *more, *explain_polynomial_steps(stage, steps[at + 1 :])]
        if name in _CLOSING:
            return [*blocks, *_CLOSING[name](claimed, step)]
        claimed, more = _STEPS[name](claimed, step)
        blocks += more
    return blocks


# Substitutions


def _list_signs(scene: Scene, goal: Goal, names: Sequence[str]) -> str:
    """Return what is known of variables, such as `x, y > 0` and `z >= 0`."""
    shown = scene.alphabet.variables
    groups: list[str] = []
    for sign, relation in ((POSITIVE, "> 0"), (NONNEGATIVE, r"\ge 0")):
        letters = [shown[goal.variables.index(name)] for name in names if goal.signs[name] == sign]
        if letters:
            groups.append(f"{', '.join(letters)} {relation}")
    return list_formulas(groups)


def _become(claimed: Claimed) -> list[Block]:
    """Return the sentence that tells a goal after a substitution, unless it is too long."""
    return claimed.say("The claim becomes") if measure(claimed.latex) <= WIDE else []


def _explain_gap(claimed: Claimed, step: Step) -> tuple[Claimed, list[Block]]:
    changed = Claimed(claimed.scene, add_gap(claimed.goal, Fraction(step["gap"])))
    return changed, changed.say("We show a little more, namely that")


def _explain_power(claimed: Claimed, step: Step) -> tuple[Claimed, list[Block]]:
    goal, scene, k = claimed.goal, claimed.scene, int(step["power"])
    numbers = [goal.variables.index(v) for v in step["variables"]]
    inner = scene.rename(dict(zip(numbers, scene.make_names(len(numbers)), strict=True)))
    puts = [f"{scene.letter(i)} = {raise_text(inner.letter(i), k)}" for i in numbers]
    raised = raise_variables(goal, step["variables"], k)
    assert raised is not None
    changed = Claimed(inner, raised)
    signs = _list_signs(inner, raised, step["variables"])
    return changed, [Paragraph(f"Put {list_formulas(puts)} with {signs}."), *_become(changed)]


def _explain_ratio(claimed: Claimed, step: Step) -> tuple[Claimed, list[Block]]:
    goal, scene, reverse = claimed.goal, claimed.scene, bool(step["reverse"])
    n = len(goal.variables)
    inner = scene.rename(dict(enumerate(scene.make_names(n))))
    puts = []
    for i in range(n):
        top, bottom = inner.letter(i), inner.letter((i + 1) % n)
        if reverse:
            top, bottom = bottom, top
        puts.append(rf"{scene.letter(i)} = \frac{{{top}}}{{{bottom}}}")
    changed = Claimed(inner, use_ratios(goal, int(step["equality"]), reverse=reverse))
    text = (
        f"Since ${juxtapose(scene.alphabet.variables)} = 1$, we may put {list_formulas(puts)} with"
        f" ${inner.list_letters()} > 0$."
    )
    return changed, [Paragraph(text), *_become(changed)]


def _explain_raise_equality(claimed: Claimed, step: Step) -> tuple[Claimed, list[Block]]:
    goal, power = claimed.goal, int(step["power"])
    changed = Claimed(claimed.scene, raise_equality(goal, int(step["equality"]), power))
    p = read_assumptions(changed.goal).equalities[-1]
    if p is None:
        return changed, []
    what = "square" if power == 2 else f"power ${power}$"
    said = write_equality(p, claimed.scene.alphabet)
    return changed, [Paragraph(f"By taking the {what} of both sides we have ${said}$.")]


def _explain_linear(claimed: Claimed, step: Step) -> tuple[Claimed, list[Block]]:
    goal, scene = claimed.goal, claimed.scene
    names, origins = list(step["variables"]), list(step["from"])
    images = {v: from_json_expression(e) for v, e in step["by"].items()}
    facts = read_assumptions(goal).facts
    signs, forms = dict[str, str](), []
    for name, origin in zip(names, origins, strict=True):
        if isinstance(origin, str):
            signs[name] = goal.signs[origin]
            forms.append(scene.letter(goal.variables.index(origin)))
            continue
        fact = facts[origin]
        assert fact is not None
        signs[name] = POSITIVE if fact[1] else NONNEGATIVE
        forms.append(scene.quote(fact[0]))
    kept = [j for j in range(len(goal.facts)) if j not in step["drop"]]
    changed = goal.insert(
        images,
        {},
        variables=tuple(names),
        signs=signs,
        facts=tuple(
            Fact(insert(goal.facts[j].expression, images), goal.facts[j].strict) for j in kept
        ),
    )
    letters = names if not scene.used.intersection(names) else scene.make_names(len(names))
    inner = dataclasses.replace(scene.rename(dict(enumerate(letters))), variables=tuple(names))
    after = Claimed(inner, changed)
    puts = []
    for i, (origin, form) in enumerate(zip(origins, forms, strict=True)):
        old = origin if isinstance(origin, str) else goal.facts[origin].expression
        unit = {name: Fraction(int(k == i)) for k, name in enumerate(names)}
        times = evaluate(insert(old, images), unit)
        assert times is not None and times > 0, "the checker has seen that it is"
        left = (
            inner.letter(i) if times == 1 else f"{format_latex_expression(times)}{inner.letter(i)}"
        )
        puts.append(f"{left} = {form}")
    back = [
        f"{scene.letter(i)} = {_write_line(inner, names, images[v])}"
        for i, v in enumerate(goal.variables)
    ]
    text = (
        f"Put {list_formulas(puts)}. By assumption {_list_signs(inner, changed, names)}."
        f" We have {list_formulas(back)}."
    )
    return after, [Paragraph(text), *_become(after)]


def _write_line(scene: Scene, names: Sequence[str], e: Expression) -> str:
    """Return a linear form over a common denominator."""
    p = replay_clear(
        Goal(tuple(names), {}, (), (), e), {"radicals": [], "roots": [], "denominators": []}
    ).numerator
    assert p is not None
    return write_quotient(scene, p, constant(size_of(p), 1))


# Bounds of powers with variables in the exponent


def _explain_weighted_mean(claimed: Claimed, step: Step) -> tuple[Claimed, list[Block]]:
    goal = claimed.goal
    bounded = use_weighted_mean(goal)
    assert bounded is not None and isinstance(goal.expression, tuple)
    last = goal.expression[2]
    assert isinstance(last, tuple)
    powers = [f for f in list_factors(last[1]) if _is_power_of_variables(f)]
    weights = [f[2] for f in powers if isinstance(f, tuple)]
    means: list[Expression] = [("*", f[2], f[1]) for f in powers if isinstance(f, tuple)]
    changed = Claimed(claimed.scene, bounded)
    total = claimed.write(("+", *weights))
    text = (
        f"The weights ${', '.join(map(claimed.write, weights))}$ are positive and ${total} = 1$."
        " So the weighted AM-GM inequality says that"
        f" ${claimed.write(('*', *powers))} \\le {claimed.write(('+', *means))}$."
    )
    return changed, [Paragraph(text), *changed.say("It is enough to show that")]


def _is_power_of_variables(e: Expression) -> bool:
    return isinstance(e, tuple) and e[0] == "^" and isinstance(e[1], str) and isinstance(e[2], str)


def _explain_log_bound(claimed: Claimed, step: Step) -> tuple[Claimed, list[Block]]:
    goal, power = claimed.goal, Fraction(step["power"])
    bounded = bound_logarithm(goal, power)
    assert bounded is not None and isinstance(goal.expression, tuple)
    product = goal.expression[1]
    logarithms = []
    for f in list_factors(product):
        assert isinstance(f, tuple)
        logarithms.append(rf"{claimed.write(f[2])} \ln {claimed.write(f[1])}")
    exponent = claimed.write(power)
    bound = rf"\frac{{1 - s^{{{exponent}}}}}{{{claimed.write(-power)}}}"
    if power == -1:
        bound = r"1 - \frac{1}{s}"
    changed = Claimed(claimed.scene, bounded)
    text = (
        f"The logarithm of ${claimed.write(product)}$ is ${' + '.join(logarithms)}$, and we show"
        f" that it is not negative. For every $s > 0$ we have $\\ln s \\ge {bound}$; both sides are"
        " $0$ at $s = 1$, and the derivative of their difference has the sign of $s - 1$."
    )
    return changed, [Paragraph(text), *changed.say("So it is enough to show that")]


# Other goals


def _explain_replace(claimed: Claimed, step: Step) -> tuple[Claimed, list[Block]]:
    goal, scene = claimed.goal, claimed.scene
    by = from_json_expression(step["by"])
    lemma = Claimed(
        dataclasses.replace(scene, strict=False),
        dataclasses.replace(goal, expression=subtract(goal.expression, by)),
    )
    changed = Claimed(scene, dataclasses.replace(goal, expression=by))
    inner = [*lemma.say("We first show that"), *explain_steps(lemma, step["proof"])]
    blocks: list[Block] = [Items((tuple(inner),), numbered=False)]
    return changed, [*blocks, *changed.say("So it is enough to show that")]


def _explain_cases(claimed: Claimed, step: Step) -> list[Block]:
    goal, scene = claimed.goal, claimed.scene
    easy = _explain_without_cases(claimed, step)
    if easy is not None:
        return easy
    items = []
    for case in step["proofs"]:
        negated = list(case["negated"])
        numbers = [goal.variables.index(v) for v in negated]
        inner = scene.rename(dict(zip(numbers, scene.make_names(len(numbers)), strict=True)))
        bounds: list[str] = []
        others = [v for v in goal.free if v not in negated]
        for relation, which in ((r"\ge", others), (r"\le", negated)):
            signed = [scene.letter(goal.variables.index(v)) for v in which]
            if signed:
                bounds.append(f"${', '.join(signed)} {relation} 0$")
        text = f"Let {' and '.join(bounds)}."
        changed = Claimed(inner, negate(goal, negated))
        blocks: list[Block] = changed.say("We have to show that")
        if numbers:
            put = list_formulas([f"{scene.letter(i)} = -{inner.letter(i)}" for i in numbers])
            text += f" Put {put} with ${inner.list_letters(numbers)} \\ge 0$."
            blocks = _become(changed)
        items.append((Paragraph(text), *blocks, *explain_steps(changed, case["proof"])))
    letters = ", ".join(scene.letter(goal.variables.index(v)) for v in goal.free)
    what = "the sign" if len(goal.free) == 1 else "the signs"
    return [Paragraph(f"We distinguish cases by {what} of ${letters}$."), Items(tuple(items))]


def _explain_without_cases(claimed: Claimed, step: Step) -> list[Block] | None:
    """Return a proof for variables of any sign by squares of two terms; None if there is none."""
    clear = next(case["proof"][0] for case in step["proofs"] if not case["negated"])
    if claimed.scene.strict or clear["step"] != "clear" or clear["radicals"] or clear["roots"]:
        return None
    known = read_assumptions(claimed.goal)
    cleared = replay_clear(claimed.goal, clear)
    signed = [p * sign for p, sign in zip(cleared.denominators, cleared.signs, strict=True)]
    free = [i for i, v in enumerate(claimed.goal.variables) if v in claimed.goal.free]
    if not all(map(known.is_visibly_positive, signed)) or find_pairs(cleared.signed, free) is None:
        return None
    stage, blocks = explain_clear(claimed, clear)
    easy = find_easily(stage.scene, known, stage.stated)
    return None if easy is None else [*blocks, *say_rewriting(stage.stated, easy)]


def _explain_absurd(claimed: Claimed, step: Step) -> list[Block]:
    p = read_assumptions(claimed.goal).equalities[int(step["equality"])]
    assert p is not None
    return [
        Paragraph(
            "Such numbers do not exist, because the assumption would say that"
            f" ${write_equality(p, claimed.scene.alphabet)}$, while the left side is positive."
        )
    ]


_STEPS: Mapping[str, Callable[[Claimed, Step], tuple[Claimed, list[Block]]]] = {
    "gap": _explain_gap,
    "power": _explain_power,
    "raise_equality": _explain_raise_equality,
    "ratio": _explain_ratio,
    "linear": _explain_linear,
    "weighted_mean": _explain_weighted_mean,
    "log_bound": _explain_log_bound,
    "replace": _explain_replace,
}

_CLOSING: Mapping[str, Callable[[Claimed, Step], list[Block]]] = {
    "cases": _explain_cases,
    "absurd": _explain_absurd,
}
