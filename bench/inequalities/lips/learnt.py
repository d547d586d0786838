"""A learnt order of states: a linear cost of a few features, fitted to which states led to proofs.

The rows are the searches that `rstar-bench run` stored. Of every state on the way to the proof the
one child that is on the way is compared with its other children; a logistic model of the difference
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
from typing import Any

import numpy as np

from bench.errors import DataError, UnknownNameError
from bench.inequalities.lips import ALL
from bench.inequalities.lips.ranking import find_degree, list_terms, measure_cost
from bench.inequalities.polynomials import Floats
from bench.inequalities.proving.goals import walk
from bench.inequalities.statements import Expression

FEATURES = ("calc", "dec", "uneven", "denominators", "radicals", "terms", "depth", "slack", "tight")
"""What is seen of a state, in the order of its weights."""
PENALTY = 1.0
"""Of the squared weights, against the sum of all pairs' losses."""

_WEIGHTS = Path(__file__).with_name("learnt.json")

Weights = Mapping[str, float]


def describe(larger: Expression, smaller: Expression, slack: Floats) -> dict[str, float]:
    """Return the features of `larger >= smaller`.

    Args:
        larger: the larger side.
        smaller: the smaller one.
        slack: (larger - smaller) / (|larger| + |smaller|) at points of the domain, shape (points,).
    """
    cost = measure_cost(larger, smaller)
    parts = [e for side in (larger, smaller) for e in walk(side)]
    powers = [e[2] for e in parts if isinstance(e, tuple) and e[0] == "^"]
    known = slack[np.isfinite(slack)]
    return {
        "calc": float(np.log1p(cost.calc)),
        "dec": float(np.log1p(cost.dec)),
        "uneven": float(find_degree(("+", larger, smaller)) is None),
        "denominators": float(sum(isinstance(e, tuple) and e[0] == "/" for e in parts)),
        "radicals": float(
            sum(isinstance(power, Fraction) and power.denominator > 1 for power in powers)
        ),
        "terms": float(sum(len(list_terms(side)) for side in (larger, smaller))),
        "depth": float(max(map(_measure_depth, (larger, smaller)))),
        "slack": float(np.median(known)) if len(known) else 1.0,
        "tight": float((known < 1e-6).mean()) if len(known) else 0.0,
    }


def _measure_depth(e: Expression) -> int:
    return 1 + max(map(_measure_depth, e[1:])) if isinstance(e, tuple) else 0


def weigh(features: Mapping[str, float], weights: Weights) -> float:
    """Return the learnt cost of a state; lower is better."""
    return sum(weights[name] * features[name] for name in FEATURES)


@dataclass(frozen=True, slots=True)
class Choice:
    """A state on the way to a proof: its child that is on the way, and the others."""

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
            "runs of a search such as lips_quick with solved problems"
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
    """Return the weights under which right states cost least, by penalised logistic regression."""
    from scipy.optimize import minimize

    x = _list_differences(choices)
    scale = np.maximum(x.std(axis=0), 1e-9)
    x = x / scale

    def loss(w: Floats) -> tuple[float, Floats]:
        margin = x @ w
        chance = 1 / (1 + np.exp(np.clip(margin, -50, 50)))
        value = np.logaddexp(0, -margin).sum() + PENALTY * (w @ w)
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
