"""Whether a score tells right from wrong: the order of a problem's samples, and shares of variance.

Both are taken within problems, since a score is asked to choose among samples of one problem only.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass

import numpy as np

LEAST_FREEDOM = 10
"""Values beyond those that clusters and columns use up, below which a share says nothing."""


def auc(right: Sequence[float], wrong: Sequence[float]) -> float:
    """Return how often a right sample scores above a wrong one, over all pairs; a tie is half.

    1/2 is chance. Raises ValueError: one side has no score.
    """
    if not right or not wrong:
        raise ValueError(f"auc: {len(right)} right and {len(wrong)} wrong scores, expected some")
    above = sum((a > b) + (a == b) / 2 for a in right for b in wrong)
    return above / (len(right) * len(wrong))


@dataclass(frozen=True, slots=True)
class Explained:
    """How much of a value's variance within clusters a linear fit explains."""

    share: float
    """R² of the fit; with more columns it grows of itself."""
    adjusted: float
    """R² less what columns without meaning would have explained; about 0 for those."""
    n: int
    """Values."""
    clusters: int


def explain_within(
    values: Sequence[float],
    columns: Sequence[Sequence[float]],
    clusters: Sequence[Hashable],
) -> Explained | None:
    """Fit values by columns, all of them less their cluster's mean, by least squares.

    `columns` holds one sequence for each regressor, as long as `values`. The adjusted share is
    1 - (1 - R²) · f / (f - p), with f the values less the clusters and p the rank of the columns.
    None where nothing varies within a cluster, or f - p is below `LEAST_FREEDOM`.
    """
    names = {cluster: at for at, cluster in enumerate(dict.fromkeys(clusters))}
    member = np.asarray([names[cluster] for cluster in clusters])
    table = np.asarray([values, *columns], dtype=float).T
    sizes = np.bincount(member, minlength=len(names))[:, None]
    sums = np.zeros((len(names), table.shape[1]))
    np.add.at(sums, member, table)
    centred = table - (sums / sizes)[member]
    y, x = centred[:, 0], centred[:, 1:]
    total = float(y @ y)
    # A column that is constant within clusters is zero but for rounding: no direction of its own.
    fit, _, rank, _ = np.linalg.lstsq(x, y, rcond=1e-10)
    free = len(values) - len(names)
    if total <= 1e-18 * max(1.0, float(table[:, 0] @ table[:, 0])) or free - rank < LEAST_FREEDOM:
        return None
    left = y - x @ fit
    share = 1 - float(left @ left) / total
    adjusted = 1 - (1 - share) * free / (free - int(rank))
    return Explained(share, adjusted, len(values), len(names))
