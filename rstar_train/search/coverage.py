"""Coverage: the share of the pool that each round's search solved, by tier (the paper's Table 2).

Counted over the whole pool, so that a problem which a round's searcher could not even try is one it
did not solve. `ever` is what this round or an earlier one solved.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from pathlib import Path

from bench.errors import RunDirError
from bench.files.lines import decode
from bench.runs.reader import load_run
from rstar_train.figures import CoverageFigures
from rstar_train.search.stage import solved_ids

ALL = "all"


def coverage(work: Path, number: int) -> dict[str, CoverageFigures]:
    """Return, by tier, family and for all, how many problems round `number` solved.

    Works on a search that is still running: what it has not reached counts as unsolved. Raises
    RunDirError where the round has not begun.
    """
    rows = _read_pool(work / "pool.json")
    solved = _solved(work, number)
    ever = set[str]().union(*(_solved(work, earlier) for earlier in range(1, number + 1)))
    found: dict[str, Counter[str]] = {}
    for name, tier, family in rows:
        for group in (ALL, tier, f"{tier}/{family}"):
            counts = found.setdefault(group, Counter())
            counts["problems"] += 1
            counts["solved"] += name in solved
            counts["ever"] += name in ever
    return {group: _shares(counts) for group, counts in found.items()}


def _read_pool(file: Path) -> list[tuple[str, str, str]]:
    try:
        problems = decode(file.read_bytes())["problems"]
        return [(str(name), str(tier), str(family)) for name, tier, family, *_ in problems]
    except (ValueError, TypeError, KeyError) as error:
        raise RunDirError(
            f"{file} is damaged ({type(error).__name__}: {error}); repeat rstar-train evolve, "
            "which writes it anew"
        ) from error


def _shares(counts: Mapping[str, int]) -> CoverageFigures:
    problems = counts["problems"]
    return CoverageFigures(
        problems=problems,
        solved=counts["solved"],
        percent=100 * counts["solved"] / problems,
        ever=counts["ever"],
        ever_percent=100 * counts["ever"] / problems,
    )


def _solved(work: Path, number: int) -> set[str]:
    return solved_ids(load_run(work / f"round-{number}" / "search" / "trees").records)
