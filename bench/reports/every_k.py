"""Every k out of one run of samples: what each selector would have answered from k of n of them.

A share is a mean over all subsets of k of a problem's samples, then over problems
(`bench.stats.choices`); samples that the harness could not judge are left out, as in
`bench.reports.headroom`. Intervals take the problem as the cluster, and a band covers a selector's
whole curve (`bench.stats.bands`). A scorer over-optimises where best-of-k falls as k grows: what it
values most among more samples is less often right.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from enum import StrEnum
from pathlib import Path
from typing import Any

import numpy as np

from bench import stats
from bench.errors import MissingRunError
from bench.reports.headroom.choosing import draw_curves, is_listed, list_powers
from bench.reports.headroom.groups import RunGroup, is_sampled, read_pool
from bench.reports.render import show_p
from bench.runs.reader import Run
from bench.search import AGGREGATES
from bench.search.registry import SEARCHES
from bench.stats.bands import find_fall, simultaneous_band
from bench.stats.choices import spread_draws

LEVEL = 0.05
"""A fall is shown where its corrected p is below."""
FEWEST = 10
"""Problems that must differ between two k for a fall to be shown or not."""


class FallVerdict(StrEnum):
    """What the problems say of a scorer under more samples."""

    OVER_OPTIMISES = "over-optimises"
    NOT_SHOWN = "no fall shown"
    TOO_FEW = "too few problems"


@dataclass(frozen=True, slots=True)
class Curve:
    """One selector at k = 1, 2, ... n."""

    points: tuple[stats.Interval, ...]
    """The share, with the interval of that k alone."""
    low: tuple[float, ...]
    """The band, which covers the whole curve."""
    high: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class ScorerFall:
    """How best-of-k by one aggregate ends, against its best earlier k; of k = 1, 2, 4, ... n."""

    aggregate: str
    peak: int
    """The k from which it falls furthest."""
    last: int
    """All samples."""
    drop: float
    """Share at `peak` less the share at `last`; negative where no k is better than all."""
    low: float
    """One-sided 95 % limit of it."""
    p: float
    """Of "best-of-k does not fall", whichever k is the peak."""
    corrected_p: float
    """Corrected for the aggregates (Holm)."""
    differing: int
    """Problems whose share at the two k differs."""

    @property
    def verdict(self) -> FallVerdict:
        """Return what the corrected p says."""
        if self.differing < FEWEST:
            return FallVerdict.TOO_FEW
        shown = self.corrected_p < LEVEL
        return FallVerdict.OVER_OPTIMISES if shown else FallVerdict.NOT_SHOWN


@dataclass(frozen=True, slots=True)
class EveryK:
    """The curves of one run of samples."""

    path: Path
    benchmark: str
    policy: str
    ppm: str | None
    problems: int
    samples: int
    """Of every problem: k goes up to here."""
    aggregate: str
    """By which the run itself chooses."""
    left_out: int
    """Problems that the harness could not judge."""
    drawn: int
    """Problems whose weighted votes are a mean over random subsets."""
    curves: Mapping[str, Curve]
    """By selector: `oracle`, `majority`, and with scores `best_of_n last`, `weighted mean`, ..."""
    falls: tuple[ScorerFall, ...]
    """One for each aggregate; none without scores."""

    @property
    def shown(self) -> list[int]:
        """Return the k that a table shows: powers of two, and all samples."""
        return list_powers(self.samples)

    def to_json(self) -> dict[str, Any]:
        """Return JSON values, shares as fractions; sequences begin at k = 1."""
        falls = [{**asdict(fall), "verdict": fall.verdict} for fall in self.falls]
        return {**asdict(self), "path": str(self.path), "falls": falls}


def read_every_k(run: Run) -> EveryK | None:
    """Return the curves of a run; None of one that has no two samples of each problem to choose of.

    Problems under several seeds have their samples together.
    """
    if run.configured("search") not in SEARCHES or not is_sampled(run):
        return None
    try:
        pool = read_pool(RunGroup.of(run), run)
    except MissingRunError:
        return None
    scored = any(s.step_scores for each in pool.problems for s in each.samples)
    draws = spread_draws(len(pool.problems))
    drawn = [draw_curves(each, scored=scored, draws=draws) for each in pool.problems]
    size = pool.size
    tables = {name: np.asarray([each[name][:size] for each in drawn]) for name in drawn[0]}
    counts = [len(each.samples) for each in pool.problems]
    most = [sum(n // k for n in counts) for k in range(1, size + 1)]
    bands = {name: simultaneous_band(table, most) for name, table in tables.items()}
    return EveryK(
        path=run.path,
        benchmark=run.benchmark,
        policy=run.policy,
        ppm=run.configured("ppm"),
        problems=len(pool.problems),
        samples=size,
        aggregate=str(run.knobs.get("aggregate") or next(iter(AGGREGATES))),
        left_out=pool.failed_problems,
        drawn=sum(scored and not is_listed(each) for each in pool.problems),
        curves={name: Curve(band.points, band.low, band.high) for name, band in bands.items()},
        falls=_read_falls(tables, size) if scored else (),
    )


def read_all(runs: Iterable[Run]) -> list[EveryK]:
    """Return the curves of those runs that have some."""
    return [found for run in runs if (found := read_every_k(run)) is not None]


def describe_falls(falls: Iterable[ScorerFall]) -> list[str]:
    """Return the verdict on the scorer: a sentence for each fall shown, and one for the rest."""
    by_verdict: dict[FallVerdict, list[ScorerFall]] = {}
    for fall in falls:
        by_verdict.setdefault(fall.verdict, []).append(fall)
    told = [
        f"The scorer over-optimises: best-of-k by {fall.aggregate} falls by {100 * fall.drop:.1f} "
        f"points from k = {fall.peak} to {fall.last} (p {show_p(fall.corrected_p)})."
        for fall in by_verdict.get(FallVerdict.OVER_OPTIMISES, ())
    ]
    if rest := by_verdict.get(FallVerdict.NOT_SHOWN):
        names, least = ", ".join(fall.aggregate for fall in rest), min(f.corrected_p for f in rest)
        told.append(f"Best-of-k by {names}: no fall with k is shown (least p {show_p(least)}).")
    if few := by_verdict.get(FallVerdict.TOO_FEW):
        names, most = ", ".join(fall.aggregate for fall in few), max(f.differing for f in few)
        told.append(
            f"Best-of-k by {names}: {most} problems or fewer differ between k, too few to say "
            "whether it falls."
        )
    return told


def _read_falls(tables: Mapping[str, Any], size: int) -> tuple[ScorerFall, ...]:
    """Test every aggregate at the k that are shown."""
    ks = list_powers(size)
    found = []
    for aggregate in AGGREGATES:
        fall = find_fall(tables[f"best_of_n {aggregate}"][:, [k - 1 for k in ks]])
        found.append(
            ScorerFall(
                aggregate=aggregate,
                peak=ks[fall.peak],
                last=size,
                drop=fall.drop,
                low=fall.low,
                p=fall.p,
                corrected_p=fall.p,
                differing=fall.differing,
            )
        )
    corrected = stats.holm([each.p for each in found])
    return tuple(replace(e, corrected_p=p) for e, p in zip(found, corrected, strict=True))
