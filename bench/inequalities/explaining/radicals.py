"""Radicals in words: their names, other radicals in their place, and their bounds."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import Any

from bench.inequalities.explaining.documents import Block, Paragraph, list_formulas
from bench.inequalities.explaining.formulas import (
    bracket,
    juxtapose,
    measure,
    raise_text,
    write_rational,
)
from bench.inequalities.explaining.nonnegative import explain_nonnegative
from bench.inequalities.explaining.scenes import Scene, define, refer_to, write_quotient
from bench.inequalities.explaining.signs import explain_sign
from bench.inequalities.explaining.squares import read_polynomial
from bench.inequalities.polynomials import Polynomial, from_flint
from bench.inequalities.proving.polynomial_goals import Assumptions, PolynomialGoal, Radical
from bench.inequalities.proving.radicals import bound_power

Step = Mapping[str, Any]

IN_PLACE = 7
"""Width of a radical that is written wherever it occurs; a wider one gets a name."""


def write_radical(scene: Scene, radical: Radical) -> str:
    """Return a radical's LaTeX."""
    index = "" if radical.degree == 2 else f"[{radical.degree}]"
    return rf"\sqrt{index}{{{scene.quote(radical.radicand)}}}"


def name_radicals(
    scene: Scene, known: Assumptions, radicals: Sequence[Radical], data: Sequence[Step]
) -> tuple[Scene, list[Block]]:
    """Return the scene with these radicals, and what is to be said of them.

    `data` are the certificate's radicals. One that the scene has already keeps its name.
    """
    bare = dataclasses.replace(scene, radicals=())
    written = [write_radical(bare, radical) for radical in radicals]
    roots = [t for t, r in zip(written, radicals, strict=True) if not r.radicand.is_constant()]
    long = roots if any(measure(text) > IN_PLACE for text in roots) else []
    names = dict(scene.named_radicals)
    told = frozenset(names)
    new = [text for text in dict.fromkeys(long) if text not in names]
    letters = bare.make_root_names(len(new))
    names.update(zip(new, letters, strict=True))
    names.update({text: text for text in written if text not in names})
    blocks: list[Block] = []
    if new:
        puts = list_formulas([f"{names[text]} = {text}" for text in new])
        blocks.append(Paragraph(f"Write {puts}."))
    for radical, each, text in zip(radicals, data, written, strict=True):
        if text not in told:
            blocks += _explain_radicand(bare, known, radical, each["nonnegative"])
    found = dataclasses.replace(
        bare,
        radicals=tuple(names[text] for text in written),
        named_radicals=names,
        used=scene.used.union(letters),
    )
    return found, blocks


def _explain_radicand(
    scene: Scene, known: Assumptions, radical: Radical, proof: Step
) -> list[Block]:
    if proof["by"] == "visible":
        return []
    stated = refer_to(scene, radical.radicand)
    if proof["by"] == "fact":
        return [Paragraph(f"By assumption ${scene.quote(radical.radicand)} \\ge 0$.")]
    head = Paragraph(f"For the root to exist we need ${stated.name} \\ge 0$.")
    named = define(stated) if stated.has_label else []
    return [head, *named, *explain_sign(scene, known, stated, proof, strict=False)]


def write_value(scene: Scene, by: Sequence[Any]) -> str:
    """Return the equation that names the value `n / d` near a radical."""
    bare = dataclasses.replace(scene, radicals=())
    top, bottom = (read_polynomial(each, len(scene.names)) for each in by)
    return f"${bare.make_value_name()} = {write_quotient(bare, top, bottom)}$"


def explain_bound(
    scene: Scene, goal: PolynomialGoal, step: Step, *, told: bool = False
) -> list[Block]:
    """Return why the bound of a radical's power holds that a step `bound` puts in its place.

    `told` says that the value near the radical has its name already.
    """
    p, kind, i = int(step["power"]), str(step["kind"]), int(step["radical"])
    q, radicand = goal.radicals[i]
    top, bottom = (read_polynomial(each, goal.n) for each in step["by"])
    bare, t = dataclasses.replace(scene, radicals=()), scene.radicals[i]
    value = write_quotient(bare, *bound_power(radicand, q, p, kind, top, bottom))
    if kind in ("above", "below"):
        return _explain_side(bare, _raise(t, p), value, step, (q, radicand), (top, bottom))
    whole = bare.quote(radicand)
    u = whole if r"\sqrt" in t else _raise(t, q)
    v = write_quotient(bare, top, bottom)
    number = find_constant(top, bottom)
    name = bare.make_value_name() if number is None else v
    head = "" if told or number is not None else f"Let ${name} = {v}$. "
    powers = _Powers(name, number)
    mean = "AM-GM" if (p, q) == (1, 2) else "the weighted AM-GM inequality"
    if kind == "upper":
        # The larger side over what the radical's power is multiplied by.
        larger = f"{_times(p, u)} + {powers.write(q - p, q)}"
        under = powers.write(q, q - p)
        bound = rf"\frac{{{larger}}}{{{under}}}"
        bound = value if bound == value else f"{bound} = {value}"
        text = rf"{head}By {mean}, ${_raise(t, p)} \le {bound}$."
    elif kind == "lower":
        larger = f"{_times(q - p, u)} + {powers.write(p, q)}"
        product = _join(powers.write(q, p), _raise(t, q - p), number is None)
        text = (
            f"{head}By {mean}, ${larger} \\ge {product}$. We multiply by ${_raise(t, p)}$ and use"
            f" ${_raise(t, q)} = {whole}$. This gives ${_raise(t, p)} \\ge {value}$."
        )
    else:
        text = (
            f"{head}The function $f(s) = s^{{-{q - p}/{q}}}$ is convex for $s > 0$, so its graph"
            f" lies above its tangent at $s = {powers.write(1, q)}$. We take $s = {whole}$ and"
            f" multiply by $s$. This gives ${_raise(t, p)} \\ge {value}$."
        )
    return [Paragraph(text)]


def find_constant(top: Polynomial, bottom: Polynomial) -> Fraction | None:
    """Return a quotient that is a number; None of another."""
    if not (top.is_constant() and bottom.is_constant()):
        return None
    return from_flint(top.leading_coefficient()) / from_flint(bottom.leading_coefficient())


@dataclasses.dataclass(frozen=True, slots=True)
class _Powers:
    """Writes multiples of powers of a value, which may be a number."""

    name: str
    number: Fraction | None

    def write(self, times: int, power: int) -> str:
        if self.number is not None:
            return write_rational(times * self.number**power)
        return _times(times, _raise(self.name, power))


def _join(multiple: str, root: str, named: bool) -> str:
    """Return a multiple of a power of a value times a root, the root before a name."""
    if not named:
        return root if multiple == "1" else juxtapose([multiple, root])
    digits = re.match(r"\d*", multiple)
    number = digits[0] if digits else ""
    return juxtapose(filter(None, (number, root, multiple[len(number) :])))


def _explain_side(
    scene: Scene,
    power: str,
    value: str,
    step: Step,
    radical: tuple[int, Polynomial],
    by: tuple[Polynomial, Polynomial],
) -> list[Block]:
    """Return why a radical is above or below a quotient, by comparing powers of both."""
    (q, radicand), (top, bottom) = radical, by
    relation, sign = (r"\le", 1) if step["kind"] == "above" else (r"\ge", -1)
    rest = refer_to(scene, (top**q - radicand * bottom**q) * sign)
    raised = {2: "squares", 3: "cubes"}.get(q, f"{q}th powers")
    text = (
        f"We show that ${power} {relation} {value}$. Both sides are not negative, and by comparing"
        f" their {raised} we see that this says ${rest.name} \\ge 0$."
    )
    if step["power"] != 1:
        text = text.replace(f"comparing their {raised}", "comparing suitable powers of them")
    named = [Paragraph("Here"), *define(rest)] if rest.has_label else []
    return [Paragraph(text), *named, *explain_nonnegative(scene, rest, step["proof"])]


def _raise(base: str, power: int) -> str:
    """Return the power of a letter, a root or a number."""
    if power == 1:
        return base
    return raise_text(bracket(base) if r"\sqrt" in base else base, power)


def _times(number: int, body: str) -> str:
    if number == 1:
        return body

    return juxtapose([str(number), bracket(body) if " " in body else body])
