"""How well a PPM orders pairs that it never saw, and whether its margins mean what they say.

A PPM's preference for one text over another is sigmoid(v - v'), by the loss that it was trained
with. It is calibrated when of the pairs to which it gives about 70 % it orders 70 % rightly.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from bench.checkpoints.ppm_config import PPMConfig
from bench.engines.ppm import PPMScorer
from bench.files.atomic import replace, replace_json
from bench.reports.figure import COLOURS, error_bars, new_figure, svg
from bench.stats import Interval, clustered_share
from rstar_train.figures import PairCounts, PairFigures
from rstar_train.rows.row import PairRow
from rstar_train.training.batching import draw_whole_problems

log = logging.getLogger(__name__)

HELD_OUT_PAIRS = 400
"""Held-out pairs that are scored: an interval of five points either way, at most."""
BINS = 6
"""Bins of the calibration, with as many pairs each."""


@dataclass(frozen=True, slots=True)
class CalibrationBin:
    """Pairs of similar margin: how sure the PPM is of its order, and how often it is right."""

    pairs: int
    right: int
    said: float
    """Mean probability that the PPM gives the order it puts them in, from 0.5 on."""
    share: float
    """Share of the pairs that it orders rightly, between `low` and `high`, clustered by problem."""
    low: float
    high: float


def measure_pairs(
    rows: Sequence[PairRow], ppm: Path, *, seed: int, out: Path | None = None
) -> PairFigures:
    """Return how often a merged PPM prefers the chosen side of held-out pairs, as in search.

    Whole problems, of at most `HELD_OUT_PAIRS` rows; a tie is a mistake. Intervals are clustered by
    problem (`clustered_share`): pairs below one prefix share it, and often a side.
    Where `out` is given, `calibration.svg` and `calibration.json` are written there.
    """
    drawn = draw_whole_problems(rows, HELD_OUT_PAIRS, seed)
    scorer = PPMScorer(ppm, name="held-out pairs")
    try:
        values = pair_values(drawn, scorer)
    finally:
        scorer.close()
    margins = [chosen - rejected for chosen, rejected in values]
    problems = [row.problem_id for row in drawn]
    scale = 5.0 if PPMConfig.load(ppm).squash == "tanh_fifth" else 1.0
    bins = calibrate(margins, problems, scale=scale)
    if out is not None:
        out.mkdir(parents=True, exist_ok=True)
        replace_json(out / "calibration.json", [asdict(each) for each in bins])
        replace(out / "calibration.svg", calibration_plot(bins))
    of_all = _count(margins, problems)
    return PairFigures(
        held_out_pairs=len(drawn),
        pairs=of_all.pairs,
        right=of_all.right,
        accuracy=of_all.accuracy,
        low=of_all.low,
        high=of_all.high,
        by_kind={
            kind: _count(
                [margin for margin, row in zip(margins, drawn, strict=True) if row.kind == kind],
                [row.problem_id for row in drawn if row.kind == kind],
            )
            for kind in sorted({row.kind for row in drawn})
        },
        calibration_error=sum(each.pairs * abs(each.said - each.share) for each in bins)
        / max(1, len(margins)),
    )


def warn_at_chance(figures: PairFigures) -> None:
    """Log a warning about a PPM whose interval reaches 50 %, before a search is spent on it."""
    counts = figures.counts
    if counts is not None and counts.low <= 0.5:
        log.warning(
            "the PPM orders %d of %d held-out pairs rightly, which is not above chance: what it "
            "guides is guided by noise. Where its loss stays near 0.693, set ppm.centering, "
            "lower ppm.learning_rate, or train on more pairs",
            counts.right,
            counts.pairs,
        )


def _count(margins: Sequence[float], problems: Sequence[str]) -> PairCounts:
    right = sum(margin > 0 for margin in margins)
    share = _share(margins, problems)
    return PairCounts(len(margins), right, share.estimate, share.low, share.high)


def _share(margins: Sequence[float], problems: Sequence[str]) -> Interval:
    """Return the share of margins above 0, each with the problem that it is of."""
    counts: dict[str, tuple[int, int]] = {}
    for margin, problem in zip(margins, problems, strict=True):
        right, pairs = counts.get(problem, (0, 0))
        counts[problem] = (right + (margin > 0), pairs + 1)
    return clustered_share(list(counts.values()))


def pair_values(rows: Sequence[PairRow], scorer: PPMScorer) -> list[tuple[float, float]]:
    """Return the values of both sides of pairs, what the pairs of a problem share scored once."""
    problems: dict[str, list[PairRow]] = {}
    for row in rows:
        problems.setdefault(row.problem_id, []).append(row)
    values: dict[str, float] = {}
    for group in problems.values():
        sides = (row.prompt + text for row in group for text in (row.chosen, row.rejected))
        texts = list(dict.fromkeys(sides))
        scored = scorer.values("", [[text] for text in texts])
        values |= {text: value for text, (value,) in zip(texts, scored, strict=True)}
    return [(values[row.prompt + row.chosen], values[row.prompt + row.rejected]) for row in rows]


def calibrate(
    margins: Sequence[float], problems: Sequence[str], *, scale: float = 1.0
) -> list[CalibrationBin]:
    """Return the calibration of margins v(chosen) - v(rejected), least sure first.

    `problems` names the problem of each. `scale` multiplies margins back to what the loss compared.
    """
    ranked = sorted(zip(margins, problems, strict=True), key=lambda each: abs(each[0]))
    count = min(BINS, len(ranked))
    edges = [len(ranked) * at // count for at in range(count + 1)] if count else [0]
    bins = []
    for first, last in zip(edges, edges[1:], strict=False):
        part = [margin for margin, _ in ranked[first:last]]
        right = sum(margin > 0 for margin in part)
        said = sum(1 / (1 + math.exp(-scale * abs(margin))) for margin in part) / len(part)
        share = _share(part, [problem for _, problem in ranked[first:last]])
        bins.append(CalibrationBin(len(part), right, said, share.estimate, share.low, share.high))
    return bins


def calibration_plot(bins: Sequence[CalibrationBin], *, title: str = "Held-out pairs") -> bytes:
    """Return an SVG: stated probability across, share ordered rightly up, intervals as bars."""
    figure, (axes,) = new_figure(1, width=4.0, height=3.2)
    axes.plot([0.5, 1.0], [0.5, 1.0], color="#aaaaaa", linestyle="--", linewidth=1)
    said = [each.said for each in bins]
    share = [each.share for each in bins]
    errors = error_bars(share, [each.low for each in bins], [each.high for each in bins])
    axes.errorbar(said, share, yerr=errors, fmt="none", color=COLOURS[0])
    axes.plot(said, share, "o", color=COLOURS[0], gid="bins")
    axes.set_xlim(0.48, 1.02)
    axes.set_ylim(0.35, 1.02)
    axes.set_xlabel("probability that the PPM states")
    axes.set_ylabel("share ordered rightly")
    axes.set_title(f"{title}: {sum(each.pairs for each in bins)}")
    return svg(figure)
