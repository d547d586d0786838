"""Bands that hold a whole curve at once, and whether a curve falls: the problem is the cluster.

A curve is the mean over problems of a row of numbers, one for each k. An interval covers at each k
by itself; of many of them some miss. A simultaneous band covers all k together with the stated
probability.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from bench.stats.bootstrap import DRAWS, Array, draw_weights
from bench.stats.intervals import Interval, limits_of_mean, normal_quantile


@dataclass(frozen=True, slots=True)
class Band:
    """A curve with its intervals, and the band that covers all of it."""

    points: tuple[Interval, ...]
    """Of each k by itself."""
    low: tuple[float, ...]
    high: tuple[float, ...]
    critical: float
    """Standard errors to each side; 1.96 would cover one k."""


def simultaneous_band(
    problems: Sequence[Sequence[float]] | Array,
    most: Sequence[int],
    *,
    level: float = 0.95,
    seed: int = 0,
) -> Band:
    """Return the means of the columns with a band that covers all of them with probability `level`.

    `problems` holds a row of values in [0, 1] for each problem; `most` caps the effective sample
    size of each column, as in `mean_of_problems`. The band is the sup-t band of Montiel Olea and
    Plagborg-Møller (J. Appl. Econometrics 34 (2019) 1): the same number of standard errors
    everywhere, the `level` quantile of the largest deviation of the curve, in standard errors, over
    bootstrap draws of the problems. That number takes the place of the normal quantile in Wilson's
    interval at the effective sample size, so that the band stays within [0, 1], is nowhere narrower
    than the interval of one k, and has a width where all problems are alike. Simulated coverage of
    the pass@k curve of 16 samples, of 95 %: 94.5 with 200 problems, 93 with 30.
    """
    rows = np.asarray(problems, dtype=float)
    m = len(rows)
    mean = rows.mean(axis=0).clip(0, 1)
    variance = rows.var(axis=0, ddof=1) / m if m > 1 else np.zeros(rows.shape[1])
    varies = variance > _ROUNDING
    normal = critical = normal_quantile(level)
    if varies.any():
        centred = (rows[:, varies] - mean[varies]) / np.sqrt(variance[varies])
        largest = np.abs(draw_weights(m, seed) @ centred).max(axis=1)
        critical = max(normal, float(np.quantile(largest, level)))

    def limit(z: float) -> list[tuple[float, float]]:
        each = zip(mean.tolist(), np.where(varies, variance, 0.0).tolist(), most, strict=True)
        return [limits_of_mean(p, v, m, cap, z) for p, v, cap in each]

    points = zip(mean.tolist(), limit(normal), strict=True)
    low, high = zip(*limit(critical), strict=True)
    return Band(tuple(Interval(p, *ends, m) for p, ends in points), low, high, critical)


_ROUNDING = 1e-24
"""Variance of a mean that is nothing but rounding."""


@dataclass(frozen=True, slots=True)
class Fall:
    """How far a curve lies, at its end, below its best earlier place."""

    peak: int
    """The column from which it falls furthest, in standard errors."""
    drop: float
    """Its mean less that of the last column."""
    low: float
    """One-sided lower limit of the drop at `peak`, for all columns together."""
    p: float
    """Of "no earlier column lies above the last one"."""
    differing: int
    """Problems whose value at the peak is not that of the last column."""


def find_fall(
    problems: Sequence[Sequence[float]] | Array, *, level: float = 0.95, seed: int = 0
) -> Fall:
    """Test whether the mean of some earlier column lies above that of the last one.

    The statistic is the largest of the paired t-values of the earlier columns against the last. Its
    null distribution is that of the same maximum in bootstrap draws of the problems, each
    difference less its mean and by its own standard error (a bootstrap-t of the maximum, as in
    White's reality check, Econometrica 68 (2000) 1097), so that choosing the best earlier column
    costs what it should. Simulated size at 5 %, of a score that says nothing about 16 samples: 5.3
    with 100 problems, 4.8 with 200.
    """
    rows = np.asarray(problems, dtype=float)
    drops = rows[:, :-1] - rows[:, -1:]
    m = len(rows)
    mean = drops.mean(axis=0)
    weights = draw_weights(m, seed)
    observed = _studentize(mean, (drops**2).mean(axis=0), m)
    # The same difference in every problem is the clearest of all, not none.
    constant = (drops == drops[:1]).all(axis=0) & (mean != 0)
    observed[constant] = np.copysign(np.inf, mean[constant])
    centred = drops - mean
    drawn = _studentize(weights @ centred, weights @ centred**2, m).max(axis=1)
    peak = int(observed.argmax())
    exceeding = int((drawn >= observed[peak] - 1e-12).sum())
    error = float(np.sqrt(drops[:, peak].var() / m))
    return Fall(
        peak=peak,
        drop=float(mean[peak]),
        low=float(mean[peak] - np.quantile(drawn, level) * error),
        p=(1 + exceeding) / (1 + DRAWS),
        differing=int(np.count_nonzero(drops[:, peak])),
    )


def _studentize(
    mean: npt.NDArray[np.float64], square: npt.NDArray[np.float64], m: int
) -> npt.NDArray[np.float64]:
    """Return means by their standard errors; 0 where nothing varies."""
    variance = np.maximum(square - mean**2, 0.0)
    error = np.sqrt(variance / m)
    found: npt.NDArray[np.float64] = np.divide(
        mean, error, out=np.zeros_like(mean), where=error > 1e-12
    )
    return found
