"""The value model of plans: it regresses q, is used as trained, and its errors are as by hand."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import pytest

from bench.checkpoints.ppm_config import PPMConfig
from bench.errors import BenchError
from bench.prompts.plans import PLANS, START_OF_PLAN
from rstar_train.recipes.settings import LoRASettings, PPMSettings
from rstar_train.rows.row import StepRow
from rstar_train.value.plan_value import (
    calibrate,
    calibration_plot,
    correlate,
    measure_value,
    summarise,
    train_plan_value,
)

np = pytest.importorskip("numpy")
LORA = LoRASettings(rank=4, alpha=8, dropout=0.0)
SETTINGS = PPMSettings(
    epochs=10.0,
    learning_rate=1e-2,
    batch_size=8,
    max_length=256,
    warmup_fraction=0.0,
    max_rows=0,
    bias=True,
)


def row(problem: int, words: str, q: float, weight: float = 1.0) -> StepRow:
    prompt = PLANS.render(f"Calculate {problem} + 3 * 4.", START_OF_PLAN)
    return StepRow(f"p{problem}", prompt, f"\n<step>Plan 1: {words}</step>", q, weight)


def rows() -> list[StepRow]:
    return [
        row(at, words, q) for at in range(4) for words, q in (("take 3 * 4 as a", 0.8), ("no", -1))
    ]


def test_a_value_model_learns_q_and_is_read_in_the_template_of_plans(
    tiny_policy: Path, tmp_path: Path
) -> None:
    pytest.importorskip("peft")
    from bench.checkpoints.merging import save_merged

    made = tmp_path / "value"
    figures = train_plan_value(rows(), tiny_policy, made, settings=SETTINGS, lora=LORA, seed=1)
    assert figures.loss_first == pytest.approx((0.64 + 1) / 2, rel=0.01)  # the head starts at 0
    assert figures.loss_last < 0.5 * figures.loss_first
    assert figures.tokens_per_epoch < figures.tokens_per_epoch_without_sharing
    config = PPMConfig.load(made)
    assert (config.template, config.kind, config.squash) == (PLANS.name, "pqm", "tanh")
    merged = tmp_path / "merged"
    merged.mkdir()
    save_merged("ppm", tiny_policy, made, merged)
    found = measure_value(rows(), merged, seed=1, out=tmp_path / "plots")
    assert (found.steps, found.problems) == (8, 4)
    assert found.mse is not None and found.mse < 0.3 < (found.mse_of_mean or 0)
    assert found.within_problem == pytest.approx(1.0)
    assert "<svg" in (tmp_path / "plots" / "value_calibration.svg").read_text()


def test_a_step_counts_for_every_path_through_it(tiny_policy: Path, tmp_path: Path) -> None:
    heavy = [row(1, "take 3 * 4 as a", 1.0, 3.0), row(1, "no", 0.0, 1.0)]
    figures = train_plan_value(heavy, tiny_policy, tmp_path, settings=SETTINGS, lora=LORA, seed=1)
    assert figures.loss_first == pytest.approx(3 / 4, rel=0.01)


def test_errors_and_ranks_are_those_worked_by_hand() -> None:
    given = [row(1, "a", 1.0), row(1, "b", 0.0), row(2, "c", -1.0), row(2, "d", -1.0)]
    found = summarise(given, [0.5, 0.0, -1.0, 0.0])
    assert found.mse == pytest.approx((0.25 + 0 + 0 + 1) / 4)
    assert found.mse_of_mean == pytest.approx(0.6875)  # mean -0.25
    # Ranks of the predictions 4, 2.5, 1, 2.5 and of q 4, 3, 1.5, 1.5.
    assert found.spearman == pytest.approx(3.75 / math.sqrt(4.5 * 4.5))
    assert found.within_problem == pytest.approx(1.0)  # of problem 2 all q are equal


def test_ends_are_in_order_where_right_solutions_of_a_problem_are_valued_above_wrong_ones() -> None:
    def end(problem: int, words: str, q: float) -> StepRow:
        text = f"\n</plan>\n<solution>{words}</solution>"
        return replace(row(problem, words, q), step=text)

    given = [end(1, "a", 1.0), end(1, "b", -1.0), end(1, "c", -1.0), row(1, "step", -1.0)]
    given += [end(2, "d", 1.0), end(3, "e", -1.0)]
    # Of one problem alone, and a tie is half: 1 and 1/2 of two pairs.
    found = summarise(given, [0.2, 0.1, 0.2, 0.9, -1.0, 1.0])
    assert found.ends_ordered == pytest.approx(0.75)
    assert summarise(given[3:], [0.9, -1.0, 1.0]).ends_ordered is None


def test_equal_predictions_have_no_rank_correlation() -> None:
    assert correlate(np.array([0.0, 0.0]), np.array([1.0, -1.0])) is None


def test_bins_hold_every_step_once_lowest_predictions_first() -> None:
    predicted = np.linspace(-1, 1, 20)
    bins = calibrate(predicted, predicted / 2)
    assert sum(each.steps for each in bins) == 20
    assert [each.predicted for each in bins] == sorted(each.predicted for each in bins)
    assert all(each.q == pytest.approx(each.predicted / 2) for each in bins)
    assert all(each.low < each.q < each.high for each in bins)
    assert calibration_plot(bins).startswith(b"<?xml")


def test_without_rows_there_is_one_sentence_and_without_held_out_ones_a_count(
    tmp_path: Path,
) -> None:
    with pytest.raises(BenchError, match="no tree has a solution"):
        train_plan_value([], tmp_path, tmp_path, settings=SETTINGS, lora=LORA, seed=1)
    assert measure_value([], tmp_path, seed=1).steps == 0
