"""Losses by hand: what a few scores cost, and where the minimum is."""

from __future__ import annotations

import math
from typing import Any

import pytest

from rstar_train.value.objectives import (
    add_centering,
    outcome,
    preference,
    raw_preference,
    regression,
)

torch = pytest.importorskip("torch")


def cost(objective: Any, raw: float, other: float, target: float = 0.0) -> float:
    return float(objective(*(torch.tensor([each]) for each in (raw, other, target)))[0])


def test_equal_scores_cost_the_logarithm_of_two() -> None:
    assert cost(preference, 0.3, 0.3) == pytest.approx(math.log(2))
    assert cost(raw_preference, 3.0, 3.0) == pytest.approx(math.log(2))


def test_the_papers_preference_compares_values_and_the_official_one_raw_scores() -> None:
    margin = math.tanh(0.5) - math.tanh(-1.0)
    assert cost(preference, 0.5, -1.0) == pytest.approx(math.log1p(math.exp(-margin)))
    assert cost(raw_preference, 0.5, -1.0) == pytest.approx(math.log1p(math.exp(-1.5)))
    assert cost(preference, 99.0, -99.0) == pytest.approx(math.log1p(math.exp(-2.0)))


def test_a_centered_preference_costs_the_square_of_a_pairs_sum_on_top() -> None:
    plain, added = cost(preference, 0.5, 1.5), cost(add_centering(preference, 0.05), 0.5, 1.5)
    assert added - plain == pytest.approx(0.05 * 4)
    balanced = cost(add_centering(preference, 0.05), 1.0, -1.0)
    assert balanced == pytest.approx(cost(preference, 1.0, -1.0))


def test_only_a_centered_preference_brings_back_two_scores_that_drifted_off_together() -> None:
    slopes = {}
    for name, objective in (
        ("plain", raw_preference),
        ("centered", add_centering(raw_preference, 0.1)),
    ):
        raw, other = (torch.tensor([each], requires_grad=True) for each in (4.0, 3.0))
        objective(raw, other, raw).sum().backward()
        slopes[name] = float(raw.grad[0] + other.grad[0])
    assert slopes["plain"] == pytest.approx(0.0, abs=1e-6)
    assert slopes["centered"] == pytest.approx(0.1 * 4 * 7)


def test_an_outcomes_probability_is_half_of_one_plus_the_value() -> None:
    for raw in (-1.0, 0.0, 0.7):
        probability = (1 + math.tanh(raw)) / 2
        assert cost(outcome, raw, 0.0, 1.0) == pytest.approx(-math.log(probability), abs=1e-6)
        assert cost(outcome, raw, 0.0, 0.0) == pytest.approx(-math.log(1 - probability), abs=1e-6)


def test_a_value_that_is_q_costs_nothing() -> None:
    assert cost(regression, math.atanh(0.25), 0.0, 0.25) == pytest.approx(0.0, abs=1e-12)
    assert cost(regression, 0.0, 0.0, -1.0) == pytest.approx(1.0)


def test_a_value_is_learnt_where_a_term_has_no_other_text_and_a_pair_where_it_has() -> None:
    from rstar_train.value.batches import LossTerm, make_batches
    from rstar_train.value.objectives import Objective
    from rstar_train.value.training import micro_batch_loss

    raws = {(1, 2): 0.4, (1, 3): -0.2}

    class Fixed(torch.nn.Module):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.weight = torch.nn.Parameter(torch.zeros(1))

        def forward(self, layout: Any, ends: Any) -> Any:
            return torch.tensor(list(raws.values()))

    pair = LossTerm("p", (1, 2), (1, 3), 0.0, 1.0)
    value = LossTerm("p", (1, 2), None, 0.75, 2.0)
    (batch,) = make_batches([pair, value], 8)
    (part,) = batch.micro_batches
    objective = Objective("ppm", preference, point=outcome)
    found = float(micro_batch_loss(Fixed(), part, objective, torch.float32))
    assert found == pytest.approx(cost(preference, 0.4, -0.2) + 2 * cost(outcome, 0.4, 0.0, 0.75))
