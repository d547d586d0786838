"""Rows compared with those that the released code extracted from the same trees.

A tree file holds search results, one a line with an `id`; an expected file says, for each id, what
the extraction makes of the tree: the counts of its trajectories, the solutions with their mean and
least Q, the pairs with their margins and counts, and the pairs that the filter leaves. Every part
of a line must be identical, texts and counts exactly and numbers to rounding.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.errors import DataError
from rstar_train.official.results import read_objects
from rstar_train.rows import official
from rstar_train.rows.official_trees import OfficialTree, read_tree

TOLERANCE = 1e-9
"""Largest difference of two Q or margins: the order of a sum may differ, nothing else."""
PARTS = ("trajectories", "correct_trajectories", "sft", "pairs", "pairs_after_filter")


@dataclass(frozen=True, slots=True)
class Replayed:
    """One tree's extraction beside the expected one."""

    id: str
    differences: tuple[str, ...]
    """Empty where everything is identical."""


def replay(trees: Path, expected: Path) -> list[Replayed]:
    """Extract every tree that an expected line names and compare. Raises DataError."""
    by_id = {name: (data, where) for name, data, where in _lines(trees)}
    found = []
    for name, wanted, where in _lines(expected):
        if name not in by_id:
            raise DataError(f"{where}: no tree of {name!r} in {trees}; give the trees it is of")
        missing = [part for part in PARTS if part not in wanted]
        if len(missing) == len(PARTS):
            raise DataError(f"{where}: expected some of {', '.join(PARTS)}")
        got = replay_extraction(read_tree(*by_id[name]))
        differences = [
            difference
            for part in PARTS
            if part in wanted
            for difference in _differences(part, got[part], wanted[part])
        ]
        found.append(Replayed(name, tuple(differences)))
    if not found:
        raise DataError(f"{expected} is empty; expected a line for each tree")
    return found


def replay_extraction(tree: OfficialTree) -> dict[str, Any]:
    """Return everything that the extraction makes of a tree, in the layout of expected files."""
    pairs = official.pairs(tree)
    return {
        "trajectories": len(official.trajectories(tree)),
        "correct_trajectories": len(official.correct_trajectories(tree)),
        "sft": [
            {"response": each.text, "mean_q": each.mean_q, "min_q": each.min_q}
            for each in official.solutions(tree)
        ],
        "pairs": [
            {
                "prefix": each.prefix,
                "chosen_step": each.chosen,
                "rejected_step": each.rejected,
                "step_margin": each.margin,
                "steps_margin": each.completion_margin,
                "neg_count": each.neg_count,
                "pos_count": each.pos_count,
            }
            for each in pairs
        ],
        "pairs_after_filter": [
            {
                "prompt": each.prefix,
                "pos": each.chosen,
                "neg": each.rejected,
                "pos_count": each.pos_count,
                "neg_count": each.neg_count,
            }
            for each in pairs
            if official.passes(each.chosen, each.rejected, each.margin)
        ],
    }


def _differences(where: str, got: Any, wanted: Any) -> Iterator[str]:
    """Yield where two JSON values differ, in words."""
    if isinstance(wanted, Mapping) and isinstance(got, Mapping):
        for key in sorted({*wanted, *got}):
            yield from _differences(f"{where}.{key}", got.get(key), wanted.get(key))
    elif _is_list(wanted) and _is_list(got):
        if len(wanted) != len(got):
            yield f"{where}: {len(got)} found, {len(wanted)} expected"
        for at, (mine, other) in enumerate(zip(got, wanted, strict=False)):
            yield from _differences(f"{where}[{at}]", mine, other)
    elif isinstance(wanted, float) and isinstance(got, int | float):
        if not math.isclose(got, wanted, rel_tol=TOLERANCE, abs_tol=TOLERANCE):
            yield f"{where}: {got} found, {wanted} expected"
    elif got != wanted:
        yield f"{where}: {_short(got)} found, {_short(wanted)} expected"


def _is_list(value: Any) -> bool:
    return isinstance(value, Sequence) and not isinstance(value, str)


def _short(value: Any) -> str:
    text = json.dumps(value)
    return text if len(text) <= 90 else f"{text[:60]}...{text[-25:]}"


def _lines(path: Path) -> Iterator[tuple[str, Mapping[str, Any], str]]:
    """Yield id, content and place of every line. Raises DataError."""
    for data, where in read_objects(path):
        if "id" not in data:
            raise DataError(f"{where}: expected an object with an 'id'")
        yield str(data["id"]), data, where
