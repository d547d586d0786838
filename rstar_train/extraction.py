"""The two ways to take rows out of a tree, and the two ways to filter pairs, by name."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from bench.search import Trace
from bench.types import Problem
from rstar_train import official_rows, rows
from rstar_train.rows import PairRow, SFTRow


@dataclass(frozen=True, slots=True)
class Extraction:
    """How solutions and pairs are taken out of trees."""

    solutions: Callable[..., list[SFTRow]]
    """Of a problem and its trees: the solutions to imitate, best first."""
    pairs: Callable[[Problem, Trace], list[PairRow]]


EXTRACTIONS: Mapping[str, Extraction] = {
    "paper": Extraction(rows.sft_rows, rows.pair_rows),
    "official": Extraction(official_rows.sft_rows, official_rows.pair_rows),
}


def _passes_official(row: PairRow) -> bool:
    return official_rows.passes(row.chosen, row.rejected, row.margin)


PAIR_FILTERS: Mapping[str, Callable[[PairRow], bool]] = {
    "none": lambda _: True,
    "official": _passes_official,
}
