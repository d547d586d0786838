"""A learnt order of states: a linear cost of a few features, fitted to which states led to proofs.

The rows are the searches that `rstar-bench run` stored. Every state on the way to a proof is
compared with those that waited beside it and are not on the way; a logistic model of the difference
of their features says which comes first. Weights are fitted once with all benchmarks, and once
without each, so that a benchmark can be searched with weights that never saw it.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from bench.errors import DataError, UnknownNameError
from bench.inequalities.lips import ALL
from bench.inequalities.lips.ranking import find_degree, list_terms, measure_cost
from bench.inequalities.polynomials import Floats
from bench.inequalities.proving.goals import walk
from bench.inequalities.statements import Expression, find_variables

FEATURES = (
    "calc",
    "dec",
    "uneven",
    "denominators",
    "radicals",
    "terms",
    "depth",
    "polynomial",
    "slack",
    "tight",
    "growth",
    "scaled",
    "steps",
    "broken",
)
"""What is seen of a state, in the order of its weights."""
PENALTY = 0.3
"""Of the squared weights, against the sum of all choices' losses."""

_WEIGHTS = Path(__file__).with_name("learnt.json")

Weights = Mapping[str, float]


class Origin(NamedTuple):
    """Where a state comes from."""

    steps: int
    """From the claim."""
    operators: int
    """Those of the state before it."""
    scaled: bool
    """Whether it comes from there by a lemma, not a tactic."""
    broken: bool
    """Whether the variables go round no longer, as they do in the claim."""


def describe(
    larger: Expression, smaller: Expression, slack: Floats, origin: Origin
) -> dict[str, float]:
    """Return the features of `larger >= smaller`.

    Args:
        larger: the larger side.
        smaller: the smaller one.
        slack: (larger - smaller) / (|larger| + |smaller|) at points of the domain, shape (points,).
        origin: what the state comes from.
    """
    cost = measure_cost(larger, smaller)
    parts = [e for side in (larger, smaller) for e in walk(side)]
    powers = [e[2] for e in parts if isinstance(e, tuple) and e[0] == "^"]
    known = slack[np.isfinite(slack)]
    below = sum(isinstance(e, tuple) and e[0] == "/" and bool(find_variables(e[2])) for e in parts)
    roots = sum(isinstance(power, Fraction) and power.denominator > 1 for power in powers)
    return {
        "calc": float(np.log1p(cost.calc)),
        "dec": float(np.log1p(cost.dec)),
        "uneven": float(find_degree(("+", larger, smaller)) is None),
        "denominators": float(np.log1p(below)),
        "radicals": float(np.log1p(roots)),
        "terms": float(np.log1p(sum(len(list_terms(side)) for side in (larger, smaller)))),
        "depth": float(max(map(_measure_depth, (larger, smaller)))),
        "polynomial": float(not below and not roots),
        "slack": float(np.median(known)) if len(known) else 1.0,
        "tight": float((known < 1e-6).mean()) if len(known) else 0.0,
        "growth": float(np.log1p(cost.calc) - np.log1p(origin.operators)),
        "scaled": float(origin.scaled),
        "steps": float(origin.steps),
        "broken": float(origin.broken),
    }


def _measure_depth(e: Expression) -> int:
    return 1 + max(map(_measure_depth, e[1:])) if isinstance(e, tuple) else 0


def weigh(features: Mapping[str, float], weights: Weights) -> float:
    """Return the learnt cost of a state; lower is better."""
    return sum(weights[name] * features[name] for name in FEATURES)


@dataclass(frozen=True, slots=True)
class Choice:
    """A state on the way to a proof, and those that waited beside it."""

    benchmark: str
    right: Mapping[str, float]
    others: tuple[Mapping[str, float], ...]


@dataclass(frozen=True, slots=True)
class Fit:
    """Weights, and how they order the choices that they never saw."""

    weights: dict[str, Weights]
    """By what was left out: `all`, or `without BENCHMARK`."""
    ordered: dict[str, float]
    """By benchmark, the share of pairs that the weights without it order rightly."""
    pairs: dict[str, int]


def fit(choices: Sequence[Choice]) -> Fit:
    """Fit weights with all benchmarks, and without each. Raises DataError: there is no choice."""
    names = sorted({choice.benchmark for choice in choices})
    if not any(choice.others for choice in choices):
        raise DataError(
            "no search got to a proof through a choice, so there is nothing to learn from; give "
            "runs of a search such as lips_sight with solved problems"
        )
    weights = {ALL: _fit_weights(choices)}
    ordered, pairs = {}, {}
    for name in names:
        seen = [choice for choice in choices if choice.benchmark != name]
        held = _list_differences(choice for choice in choices if choice.benchmark == name)
        pairs[name] = len(held)
        if any(choice.others for choice in seen):
            weights[f"without {name}"] = found = _fit_weights(seen)
            vector = np.array([found[feature] for feature in FEATURES])
            ordered[name] = float((held @ vector > 0).mean()) if len(held) else float("nan")
    return Fit(weights, ordered, pairs)


def _list_differences(choices: Iterable[Choice]) -> Floats:
    """Return the other's features less the right one's, a row for each pair."""
    rows = [
        [other[name] - choice.right[name] for name in FEATURES]
        for choice in choices
        for other in choice.others
    ]
    return np.array(rows, dtype=float).reshape(-1, len(FEATURES))


def _fit_weights(choices: Sequence[Choice]) -> Weights:
    """Return the weights under which right states cost least, by penalised logistic regression.

    Every choice counts the same, however many states it was made among.
    """
    from scipy.optimize import minimize

    x = _list_differences(choices)
    share = np.concatenate([np.full(len(c.others), 1 / max(1, len(c.others))) for c in choices])
    scale = np.maximum(x.std(axis=0), 1e-9)
    x = x / scale

    def loss(w: Floats) -> tuple[float, Floats]:
        margin = x @ w
        chance = share / (1 + np.exp(np.clip(margin, -50, 50)))
        value = (share * np.logaddexp(0, -margin)).sum() + PENALTY * (w @ w)
        return float(value), -(x * chance[:, None]).sum(axis=0) + 2 * PENALTY * w

    found = minimize(loss, np.zeros(len(FEATURES)), jac=True, method="L-BFGS-B").x / scale
    return dict(zip(FEATURES, map(float, found), strict=True))


@cache
def load_weights(name: str) -> Weights:
    """Return stored weights by name. Raises UnknownNameError."""
    stored: dict[str, Any] = json.loads(_WEIGHTS.read_bytes())["weights"]
    if name not in stored:
        raise UnknownNameError("ranker", name, stored)
    return stored[name]  # type: ignore[no-any-return]
