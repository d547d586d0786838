"""What choosing among k of a run's samples gives, as a chart (`bench.reports.every_k`)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from bench.page.charts import Chart, Point, Series
from bench.reports.every_k import Curve, EveryK, read_every_k
from bench.runs.reader import Run


def draw_every_k(runs: Sequence[Run]) -> Iterator[Chart]:
    """Yield, for each run of samples, what choosing among k of them gives."""
    for run in runs:
        found = read_every_k(run)
        if found is not None:
            yield _draw_choosing(found)


def _draw_choosing(found: EveryK) -> Chart:
    """Draw the selectors that the run itself chooses by, and the oracle."""
    by_score = [f"{name} {found.aggregate}" for name in ("best_of_n", "weighted")]
    falls = [
        f"Best-of-k by {fall.aggregate}: {fall.verdict} (corrected p {fall.corrected_p:.2g})."
        for fall in found.falls
        if fall.aggregate == found.aggregate
    ]
    note = (
        f"Means over all subsets of k of {found.samples} samples, then over {found.problems} "
        "problems; a band covers its whole curve, 95 %. Oracle: some sample is right."
    )
    return Chart(
        f"Choosing among k samples: {found.policy} on {found.benchmark}",
        "samples, k",
        "accuracy, %",
        [
            Series(name, _list_points(found.curves[name]), dashed=name == "oracle")
            for name in ("oracle", "majority", *by_score)
            if name in found.curves
        ],
        note=" ".join([note, *falls]),
    )


def _list_points(curve: Curve) -> list[Point]:
    return [
        (k, 100 * share.estimate, 100 * low, 100 * high)
        for k, (share, low, high) in enumerate(
            zip(curve.points, curve.low, curve.high, strict=True), 1
        )
    ]
