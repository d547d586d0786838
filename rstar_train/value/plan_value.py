"""CPL's value model: q of the search, at the last token of every step of a plan and of solutions.

The base model with a scalar head, read as tanh, and the squared error of q: what a PQM is, on rows
of another format and another weight (`rstar_train.rows.plan_trees`). Every root-to-solution path
counts once, so a step that many solutions share counts for each, and is computed once.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from bench.engines.ppm import PPMScorer
from bench.errors import BenchError
from bench.files.atomic import replace as write
from bench.files.atomic import replace_json
from bench.prompts.plans import PLANS, SOLUTION
from bench.reports.figure import COLOURS, error_bars, new_figure, svg
from rstar_train.cpl_figures import ValueAccuracyFigures, ValueBinFigures
from rstar_train.figures import ValueFigures
from rstar_train.recipes.settings import LoRASettings, PPMSettings
from rstar_train.rows.row import StepRow
from rstar_train.training.batching import TokenizerCache, draw_whole_problems
from rstar_train.value.batches import LossTerm
from rstar_train.value.objectives import Objective, regression
from rstar_train.value.training import train_value

log = logging.getLogger(__name__)

HELD_OUT_STEPS = 1500
"""Held-out steps that are scored, of whole problems."""
BINS = 8
"""Bins of the calibration, with as many steps each."""
PLOTS = ("value_calibration.svg", "value_calibration.json")


def train_plan_value(
    rows: Sequence[StepRow],
    base: Path,
    out: Path,
    *,
    settings: PPMSettings,
    lora: LoRASettings,
    seed: int,
) -> ValueFigures:
    """Train on q of every step, weighted by the paths through it.

    Raises BenchError without rows, and what `train_value` raises.
    """
    if not rows:
        raise BenchError(
            "there is no step with a q to train a value model on: no tree has a solution; raise "
            "search.iterations, or search other problems"
        )

    def make(row: StepRow, ids: TokenizerCache) -> LossTerm | None:
        text = ids(row.text)
        if text is None:
            return None
        return LossTerm(row.problem_id, text, None, row.q, row.weight or 1.0)

    return train_value(
        rows,
        make,
        Objective("pqm", regression),
        base,
        out,
        settings=settings,
        lora=lora,
        seed=seed,
        template=PLANS,
    )


def measure_value(
    rows: Sequence[StepRow], model: Path, *, seed: int, out: Path | None = None
) -> ValueAccuracyFigures:
    """Return how well a merged value model predicts q of held-out steps, as in search.

    Whole problems, of at most `HELD_OUT_STEPS` steps, each step once. Where `out` is given, `PLOTS`
    are written there.
    """
    drawn = draw_whole_problems(rows, HELD_OUT_STEPS, seed)
    if not drawn:
        return ValueAccuracyFigures(steps=0)
    scorer = PPMScorer(model, name="held-out steps")
    try:
        predicted = step_values(drawn, scorer)
    finally:
        scorer.close()
    figures = summarise(drawn, predicted)
    if out is not None:
        out.mkdir(parents=True, exist_ok=True)
        bins = list((figures.bins or {}).values())
        replace_json(out / "value_calibration.json", [each.to_json() for each in bins])
        write(out / "value_calibration.svg", calibration_plot(bins))
    return figures


def step_values(rows: Sequence[StepRow], scorer: PPMScorer) -> list[float]:
    """Return the value of every step, what the steps of a problem share scored once."""
    problems: dict[str, list[StepRow]] = {}
    for row in rows:
        problems.setdefault(row.problem_id, []).append(row)
    values: dict[str, float] = {}
    for group in problems.values():
        texts = list(dict.fromkeys(row.text for row in group))
        scored = scorer.values("", [[text] for text in texts])
        values |= {text: value for text, (value,) in zip(texts, scored, strict=True)}
    return [values[row.text] for row in rows]


def summarise(rows: Sequence[StepRow], predicted: Sequence[float]) -> ValueAccuracyFigures:
    """Return errors, rank correlations and calibration of predictions of q."""
    q, found = np.array([row.q for row in rows]), np.array(predicted)
    within, ordered = [], []
    for problem_id in dict.fromkeys(row.problem_id for row in rows):
        of_one = [at for at, row in enumerate(rows) if row.problem_id == problem_id]
        rank = correlate(found[of_one], q[of_one])
        if rank is not None:
            within.append(rank)
        ends = [at for at in of_one if SOLUTION in rows[at].step]
        right, wrong = ([found[at] for at in ends if sign * q[at] > 0] for sign in (1, -1))
        ordered += [(a > b) + (a == b) / 2 for a in right for b in wrong]
    return ValueAccuracyFigures(
        steps=len(rows),
        problems=len({row.problem_id for row in rows}),
        mse=float(((found - q) ** 2).mean()),
        mse_of_mean=float(q.var()),
        spearman=correlate(found, q),
        within_problem=float(np.mean(within)) if within else None,
        bins={str(at): each for at, each in enumerate(calibrate(found, q))},
        ends_ordered=float(np.mean(ordered)) if ordered else None,
    )


def correlate(predicted: np.ndarray, q: np.ndarray) -> float | None:
    """Return Spearman's rank correlation, ties sharing their ranks; None where all are equal."""
    if len(np.unique(predicted)) < 2 or len(np.unique(q)) < 2:
        return None
    from scipy.stats import spearmanr

    return float(spearmanr(predicted, q).statistic)


def calibrate(predicted: np.ndarray, q: np.ndarray) -> list[ValueBinFigures]:
    """Return the mean prediction and the mean q of bins of equal size, lowest predictions first."""
    order = np.argsort(predicted, kind="stable")
    bins = []
    for part in np.array_split(order, min(BINS, len(order))):
        mean = float(q[part].mean())
        error = 1.96 * float(q[part].std(ddof=1)) / len(part) ** 0.5 if len(part) > 1 else 0.0
        bins.append(
            ValueBinFigures(
                len(part), float(predicted[part].mean()), mean, mean - error, mean + error
            )
        )
    return bins


def calibration_plot(bins: Sequence[ValueBinFigures]) -> bytes:
    """Return an SVG: predicted value across, q of the search up, intervals of the mean as bars."""
    figure, (axes,) = new_figure(1, width=4.0, height=3.2)
    axes.plot([-1, 1], [-1, 1], color="#aaaaaa", linestyle="--", linewidth=1)
    predicted, q = [each.predicted for each in bins], [each.q for each in bins]
    errors = error_bars(q, [each.low for each in bins], [each.high for each in bins])
    axes.errorbar(predicted, q, yerr=errors, fmt="none", color=COLOURS[0])
    axes.plot(predicted, q, "o", color=COLOURS[0], gid="bins")
    axes.set_xlim(-1.05, 1.05)
    axes.set_ylim(-1.05, 1.05)
    axes.set_xlabel("value that the model gives")
    axes.set_ylabel("q of the search")
    axes.set_title(f"Held-out steps: {sum(each.steps for each in bins)}")
    return svg(figure)
