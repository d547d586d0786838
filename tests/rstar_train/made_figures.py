"""Made-up figures of rounds, for what prints, draws and publishes them."""

from __future__ import annotations

from collections.abc import Mapping

from rstar_train.figures import (
    CountFigures,
    CoverageFigures,
    DifferenceFigures,
    EvaluationFigures,
    HeadroomFigures,
    MethodFigures,
    OnPolicyRowFigures,
    PairCounts,
    PairFigures,
    PolicyFigures,
    PPMFigures,
    RoundFigures,
    RowFigures,
    SearchFigures,
    ShareFigures,
    WorthFigures,
)

SHARE = ShareFigures(0.5, 0.4, 0.6)
COVERAGE = CoverageFigures(problems=10, solved=5, percent=50.0, ever=6, ever_percent=60.0)
ROWS = RowFigures(
    problems=40,
    sft_rows=9,
    pairs=8,
    step_pairs=4,
    outcomes=20,
    steps=50,
    problems_with_solutions=5,
    problems_with_pairs=4,
    sft_by_family={"gcd": 9},
    pairs_by_family={"gcd": 8},
    dropped={"problems unsolved": 7, "pairs by the filter": 0},
)


def method(
    label: str = "greedy",
    *,
    n: int = 20,
    accuracy: ShareFigures | None = SHARE,
    tokens: float = 9.0,
    by_tier: Mapping[str, CountFigures] | None = None,
    before: DifferenceFigures | None = None,
    base: DifferenceFigures | None = None,
) -> MethodFigures:
    return MethodFigures(label, n, 10, accuracy, 0, tokens, 0.0, by_tier or {}, before, base)


def difference(estimate: float, low: float, high: float, p: float) -> DifferenceFigures:
    return DifferenceFigures(estimate, low, high, 3, 1, p)


def pairs(count: int = 300) -> PairFigures:
    kinds = {kind: PairCounts(count // 2, 120, 0.75, 0.7, 0.8) for kind in ("solution", "step")}
    return PairFigures(count, count, 240, 0.8, 0.7, 0.9, kinds, 0.05)


def evaluation(**methods: MethodFigures) -> EvaluationFigures:
    return EvaluationFigures(methods, stage_seconds=3.0)


def round_figures(
    coverage: Mapping[str, CoverageFigures] | None = None, **methods: MethodFigures
) -> RoundFigures:
    fit = {"dropped_too_long": 0, "steps": 5, "seconds": 1.0}
    return RoundFigures(
        search=SearchFigures(10, 10, 0, 5, 10, 900, 100, 50),
        rows=ROWS,
        held_out_rows=ROWS,
        policy=PolicyFigures(rows=9, loss_first=1.0, loss_last=0.5, **fit),
        ppm=PPMFigures(
            pairs=8,
            problems=4,
            tokens_per_epoch=100,
            tokens_per_epoch_without_sharing=300,
            loss_first=0.7,
            loss_last=0.6,
            **fit,
        ),
        pair_accuracy=pairs(),
        evaluation=evaluation(**methods),
        coverage=coverage or {"all": COVERAGE, "low": COVERAGE, "low/gcd": COVERAGE},
    )


def headroom(greedy: float | None = 0.4) -> HeadroomFigures:
    return HeadroomFigures(30, 11, 0.3, greedy, 0.45, 0.7, ShareFigures(0.25, 0.1, 0.4))


def worth(aggregate: str = "mean") -> WorthFigures:
    return WorthFigures(
        aggregate=aggregate,
        auc={"last": ShareFigures(0.7, 0.6, 0.8), "mean": ShareFigures(0.8, 0.7, 0.9)},
        problems_with_both=20,
        best_of_n={"last": 0.5, "mean": 0.55},
        weighted={"last": 0.52, "mean": 0.57},
        headroom=headroom(),
        by_family={"sums_3": headroom(greedy=None)},
    )


def on_policy_rows() -> OnPolicyRowFigures:
    return OnPolicyRowFigures(problems=10, mixed=6, pairs=70, step_pairs=50, values=400)
