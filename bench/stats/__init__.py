"""Error bars, paired tests, subsets of samples and power: of shares of problems, not of records.

What computes with numpy is imported from its own module, when a report needs it: `bootstrap`,
`bands` (of whole curves), `choices` (among k of n samples) and `separation` (of right and wrong by
a score).
"""

from bench.stats.intervals import (
    Bounds,
    Interval,
    bounds,
    clustered_mean,
    clustered_share,
    wilson,
)
from bench.stats.paired import (
    PairedDifference,
    holm,
    mcnemar,
    mcnemar_mid_p,
    paired_difference,
)
from bench.stats.power import count_problems, minimum_detectable_difference
from bench.stats.subsets import mean_pass_at_k, pass_at_k

__all__ = [
    "Bounds",
    "Interval",
    "PairedDifference",
    "bounds",
    "clustered_mean",
    "clustered_share",
    "count_problems",
    "holm",
    "mcnemar",
    "mcnemar_mid_p",
    "mean_pass_at_k",
    "minimum_detectable_difference",
    "paired_difference",
    "pass_at_k",
    "wilson",
]
