"""Inequalities of the classical families: true by a theorem, or false at a point that is known.

A family draws the parameters of a theorem, which its docstring names, together with a point at
which equality holds; so a statement is true by construction. One in four is then made false: the
bound is tightened by a drawn amount, the sign is turned, or a hypothesis is left out. The point at
which it fails is verified exactly, and is the problem's reference answer.

Two statements that differ in nothing but spelling and names are one problem.
"""

from __future__ import annotations

import json
import random
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import combinations, permutations

from bench.problems.generated.row import Generated
from bench.types import Verifier

Point = dict[str, Fraction]

FALSE = 0.25
"""Share of the statements that are made false."""
TIGHTER = (5, 20, 100, 1000)
"""A bound is tightened by one part in so many."""
TRIED = 40
"""Points at which a turned sign or a missing hypothesis is tried."""


@dataclass(frozen=True, slots=True)
class Domain:
    """What is assumed of the variables."""

    text: str
    """With `{names}` for their list."""
    draw: Callable[[random.Random, Sequence[str]], Point]
    """Returns one of its points."""
    wider: Domain | None = None
    """What is left without a hypothesis."""


@dataclass(frozen=True, slots=True)
class Draft:
    """A true statement, `larger >= smaller`, with a point where the two are equal."""

    names: str
    larger: str
    smaller: str
    domain: Domain
    equal_at: Point
    unit: str = ""
    """What is above 0 there, a part of which tightens the bound; the smaller side where empty."""


def generate(seed: int, *, family: str) -> Iterator[Generated]:
    """Yield problems of a family without end."""
    # Here, as no other generator needs the packages of the prover.
    from bench.inequalities.statements import hash_up_to_renaming
    from bench.inequalities.texts.reading import read_statement

    index = 0
    while True:
        rng = random.Random(f"{seed}:{family}:{index}")
        index += 1
        draft = FAMILIES[family](rng)
        if rng.random() < FALSE:
            made = _falsify(draft, rng)
            if made is None:
                continue
            text, point = made
            answer = json.dumps(
                {"refuted": {name: str(value) for name, value in point.items()}, "claim": 0}
            )
        else:
            text, answer = _write(draft, draft.larger, ">=", draft.smaller, draft.domain), ""
        yield Generated(
            question=text,
            answer=answer,
            key=hash_up_to_renaming(read_statement(text)),
            verifier=Verifier("certificate", {"statement": text}),
        )


def _write(draft: Draft, left: str, op: str, right: str, domain: Domain) -> str:
    return f"{left} {op} {right} {domain.text.format(names=', '.join(draft.names))}"


def _falsify(draft: Draft, rng: random.Random) -> tuple[str, Point] | None:
    """Return a false statement with a point that shows it; None where the draw gave none."""
    from bench.inequalities.counterexamples import is_counterexample
    from bench.inequalities.texts.reading import read_statement

    domain, tried = draft.domain, TRIED
    points: Iterator[Point] = iter([draft.equal_at])
    match rng.choice(("tighten", "tighten", "turn", "widen")):
        case "turn":
            text = _write(draft, draft.larger, "<=", draft.smaller, domain)
        case "widen" if domain.wider is not None:
            domain = domain.wider
            text = _write(draft, draft.larger, ">=", draft.smaller, domain)
        case _:
            text = _write(draft, draft.larger, ">=", _tighten(draft, rng), domain)
            tried = 0
    statement = read_statement(text)
    drawn = (domain.draw(rng, draft.names) for _ in range(tried))
    for point in (*points, *drawn):
        if is_counterexample(statement, point, 0):
            return text, point
    return None


def _tighten(draft: Draft, rng: random.Random) -> str:
    parts = rng.choice(TIGHTER)
    if not draft.unit:
        return f"{parts + 1}/{parts}*({draft.smaller})"
    added = f"1/{parts}*({draft.unit})"
    return added if draft.smaller == "0" else f"{draft.smaller} + {added}"


# Domains


def _draw_positive(rng: random.Random, names: Sequence[str]) -> Point:
    return {name: Fraction(rng.randint(1, 9), rng.randint(1, 4)) for name in names}


def _draw_real(rng: random.Random, names: Sequence[str]) -> Point:
    return {name: Fraction(rng.randint(-6, 6), rng.randint(1, 2)) for name in names}


def _draw_triangle(rng: random.Random, names: Sequence[str]) -> Point:
    x, y, z = (Fraction(rng.randint(1, 9)) for _ in range(3))
    return dict(zip(names, (y + z, z + x, x + y), strict=True))


REAL = Domain("for real {names}", _draw_real)
POSITIVE = Domain("with {names} > 0", _draw_positive, REAL)
TRIANGLE = Domain(
    "with {names} > 0 and a + b > c and b + c > a and c + a > b", _draw_triangle, POSITIVE
)


def _of_sum(total: int) -> Domain:
    def draw(rng: random.Random, names: Sequence[str]) -> Point:
        point = _draw_positive(rng, names)
        scale = total / sum(point.values(), Fraction(0))
        return {name: value * scale for name, value in point.items()}

    return Domain(f"with {{names}} > 0 and a + b + c = {total}", draw, POSITIVE)


# Writing


def _scale(factor: int, text: str) -> str:
    return text if factor == 1 else f"{factor}*{text}"


def _monomial(factor: int, names: Sequence[str], exponents: Sequence[int]) -> str:
    powers = [
        name if k == 1 else f"{name}^{k}" for name, k in zip(names, exponents, strict=True) if k
    ]
    return _scale(factor, "*".join(powers)) if powers else str(factor)


def _cycle(names: str, write: Callable[..., str]) -> str:
    """Return the sum of what `write` makes of the names, in each cyclic order."""
    return " + ".join(write(*names[i:], *names[:i]) for i in range(len(names)))


def _draw_scales(rng: random.Random, names: str, most: int) -> dict[str, int]:
    return {name: rng.randint(1, most) for name in names}


def _invert(scales: Mapping[str, int]) -> Point:
    """Return where all scaled variables are 1."""
    return {name: Fraction(1, scale) for name, scale in scales.items()}


def _ones(names: str) -> Point:
    return dict.fromkeys(names, Fraction(1))


# Families


def draw_weighted_means(rng: random.Random) -> Draft:
    """Weighted AM-GM of powers of scaled variables."""
    names = "abc"[: rng.choice((2, 3))]
    weights = [rng.randint(1, 2 if len(names) == 3 else 4) for _ in names]
    total, scales = sum(weights), _draw_scales(rng, names, 5)
    larger = " + ".join(
        _monomial(w * scales[x] ** total, x, [total]) for x, w in zip(names, weights, strict=True)
    )
    factor = total
    for x, w in zip(names, weights, strict=True):
        factor *= scales[x] ** w
    return Draft(names, larger, _monomial(factor, names, weights), POSITIVE, _invert(scales))


def draw_power_means(rng: random.Random) -> Draft:
    """The mean of degree jm is at least that of degree m."""
    names = "abc"[: rng.choice((2, 3))]
    weights, scales = [rng.randint(1, 5) for _ in names], _draw_scales(rng, names, 4)
    m, j = rng.choice(((1, 2), (1, 3), (2, 2), (1, 4)))

    def add(degree: int) -> str:
        return " + ".join(
            _monomial(w * scales[x] ** degree, x, [degree])
            for x, w in zip(names, weights, strict=True)
        )

    larger = _scale(sum(weights) ** (j - 1), f"({add(m * j)})")
    return Draft(names, larger, f"({add(m)})^{j}", POSITIVE, _invert(scales))


def draw_titu(rng: random.Random) -> Draft:
    """Cauchy's inequality in Engel's form, its equality point drawn first."""
    names, k = "abc", rng.randint(1, 5)
    point = [rng.randint(1, 9) for _ in names]
    tops = [point[i] + k * point[(i + 1) % 3] for i in range(3)]
    larger = " + ".join(
        f"{tops[i] ** 2}/({names[i]} + {_scale(k, names[(i + 1) % 3])})" for i in range(3)
    )
    smaller = f"{sum(tops) ** 2}/({1 + k}*(a + b + c))"
    equal_at = {name: Fraction(value) for name, value in zip(names, point, strict=True)}
    return Draft(names, larger, smaller, POSITIVE, equal_at)


def draw_nesbitt(rng: random.Random) -> Draft:
    """Nesbitt's inequality with coefficients; for four variables the outer two sum to the inner."""
    if rng.random() < 0.7:
        p, q = rng.randint(1, 25), rng.randint(1, 25)
        larger = _cycle("abc", lambda x, y, z: f"{x}/({_scale(p, y)} + {_scale(q, z)})")
        return Draft("abc", larger, f"3/{p + q}", POSITIVE, _ones("abc"))
    p, r = rng.randint(1, 6), rng.randint(1, 6)
    q = rng.randint(1, p + r)
    larger = _cycle(
        "abcd",
        lambda x, y, z, w: f"{x}/({_scale(p, y)} + {_scale(q, z)} + {_scale(r, w)})",
    )
    return Draft("abcd", larger, f"4/{p + q + r}", POSITIVE, _ones("abcd"))


def draw_schur(rng: random.Random) -> Draft:
    """Schur's inequality of degree t + 2 in scaled variables."""
    t, scales = rng.randint(1, 3), _draw_scales(rng, "abc", 8)
    scaled = {name: _scale(scale, name) for name, scale in scales.items()}

    def write(x: str, y: str, z: str) -> str:
        first = _monomial(scales[x] ** t, x, [t])
        return f"{first}*({scaled[x]} - {scaled[y]})*({scaled[x]} - {scaled[z]})"

    unit = f"({' + '.join(scaled.values())})^{t + 2}"
    return Draft("abc", _cycle("abc", write), "0", POSITIVE, _invert(scales), unit)


def draw_muirhead(rng: random.Random) -> Draft:
    """Muirhead's inequality: the exponents of the larger side majorise the others'."""
    scales = _draw_scales(rng, "abc", 5)
    while True:
        high = sorted((rng.randint(0, 4) for _ in range(3)), reverse=True)
        low = list(high)
        for _ in range(rng.randint(1, 2)):
            i, j = sorted(rng.sample(range(3), 2))
            if low[i] - low[j] >= 2:
                low[i], low[j] = low[i] - 1, low[j] + 1
        if sorted(low) != sorted(high) and sum(high) <= 6:
            break

    def add(exponents: Sequence[int]) -> str:
        terms = Counter(permutations(exponents))
        return " + ".join(
            _monomial(
                count * scales["a"] ** e[0] * scales["b"] ** e[1] * scales["c"] ** e[2], "abc", e
            )
            for e, count in sorted(terms.items(), reverse=True)
        )

    return Draft("abc", add(high), add(low), POSITIVE, _invert(scales))


def draw_tangent_lines(rng: random.Random) -> Draft:
    """A sum over variables of a given sum, each term above its tangent at the mean.

    That is so for `x^k` and `1/(x + q)`, which are convex, and for `1/(x^2 + q)` with `q` at most
    the square of the mean, by a factor `(x - mean)^2`.
    """
    mean, alpha, beta = rng.randint(1, 4), rng.randint(1, 5), rng.randint(1, 9)
    k, q = rng.randint(2, 3), rng.randint(1, 9)
    if rng.random() < 0.5:
        q = rng.randint(1, mean**2)
        larger = _cycle("abc", lambda x, *_: f"{beta}/({x}^2 + {q})")
        bound = Fraction(3 * beta, mean**2 + q)
    else:
        larger = _cycle("abc", lambda x, *_: f"{_scale(alpha, f'{x}^{k}')} + {beta}/({x} + {q})")
        bound = 3 * alpha * mean**k + Fraction(3 * beta, mean + q)
    equal_at = dict.fromkeys("abc", Fraction(mean))
    return Draft("abc", larger, str(bound), _of_sum(3 * mean), equal_at)


def draw_radicals(rng: random.Random) -> Draft:
    """Minkowski's inequality, Jensen's for a root, or AM-GM with the root in it."""
    match rng.choice(("minkowski", "jensen", "mean")):
        case "minkowski":
            m = rng.randint(2, 7)
            u = rng.randint(1, m**2 - 1)
            larger = _cycle(
                "abc",
                lambda x, y, _: f"sqrt({_scale(u, x)}^2 + {_scale(m**2 - u, y)}^2)",
            )
            return Draft("abc", larger, f"{m}*(a + b + c)", POSITIVE, _ones("abc"))
        case "jensen":
            m, mean = rng.randint(2, 9), rng.randint(1, 3)
            p = rng.randint(1, (m**2 - 1) // mean)
            q = m**2 - p * mean
            smaller = _cycle("abc", lambda x, *_: f"sqrt({_scale(p, x)} + {q})")
            equal_at = dict.fromkeys("abc", Fraction(mean))
            return Draft("abc", str(3 * m), smaller, _of_sum(3 * mean), equal_at)
    n = rng.choice((2, 3))
    names, roots = "abc"[:n], [rng.randint(1, 12) for _ in range(n)]
    factor = n
    for root in roots:
        factor *= root
    larger = " + ".join(_scale(root**n, x) for root, x in zip(roots, names, strict=True))
    product = "*".join(names)
    smaller = f"{factor}*" + (f"sqrt({product})" if n == 2 else f"({product})^(1/3)")
    equal_at = {x: Fraction(1, root**n) for root, x in zip(roots, names, strict=True)}
    return Draft(names, larger, smaller, POSITIVE, equal_at)


def draw_triangles(rng: random.Random) -> Draft:
    """Nesbitt's inequality of `b + c - a` and its like, or Cauchy's with these as denominators."""
    ravi = {"a": "(b + c - a)", "b": "(c + a - b)", "c": "(a + b - c)"}
    if rng.random() < 0.5:
        p, q = rng.randint(1, 25), rng.randint(1, 25)
        larger = _cycle(
            "abc",
            lambda x, y, z: f"{ravi[x]}/({_scale(p, ravi[y])} + {_scale(q, ravi[z])})",
        )
        return Draft("abc", larger, f"3/{p + q}", TRIANGLE, _ones("abc"))
    u, v = rng.randint(1, 20), rng.randint(1, 20)
    larger = _cycle("abc", lambda x, y, _: f"{_scale(u, x)}^2/{ravi[x]} + {_scale(v, x)}^2/{y}")
    return Draft("abc", larger, f"{u + v}*(a + b + c)", TRIANGLE, _ones("abc"))


def draw_quadratic_forms(rng: random.Random) -> Draft:
    """A sum of squares of differences, expanded, that vanishes at a drawn vector."""
    names = "abcd"[: rng.choice((2, 3, 3, 4))]
    vector = {name: rng.choice((-3, -2, -1, 1, 2, 3)) for name in names}
    terms: Counter[str] = Counter()
    for x, y in combinations(names, 2):
        weight, of_x, of_y = rng.randint(1, 4), vector[y], vector[x]
        terms[f"{x}^2"] += weight * of_x**2
        terms[f"{y}^2"] += weight * of_y**2
        terms[f"{x}*{y}"] -= 2 * weight * of_x * of_y
    sides = [
        " + ".join(_scale(sign * c, term) for term, c in terms.items() if sign * c > 0)
        for sign in (1, -1)
    ]
    equal_at = {name: Fraction(value) for name, value in vector.items()}
    return Draft(names, sides[0], sides[1] or "0", REAL, equal_at, unit=f"{names[0]}^2")


FAMILIES: Mapping[str, Callable[[random.Random], Draft]] = {
    "weighted_means": draw_weighted_means,
    "power_means": draw_power_means,
    "titu": draw_titu,
    "nesbitt": draw_nesbitt,
    "schur": draw_schur,
    "muirhead": draw_muirhead,
    "tangent_lines": draw_tangent_lines,
    "radicals": draw_radicals,
    "triangles": draw_triangles,
    "quadratic_forms": draw_quadratic_forms,
}
"""What a family draws, by its name."""
