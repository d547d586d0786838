"""The rows stage: a round's trees into the files that its trainings read, with what was dropped.

Training rows and held-out rows are made from different problems of one search. A problem has as
many trees as the search gave it; the best of all of them are taken together.
"""

from __future__ import annotations

import random
from collections import Counter, defaultdict
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from bench.runs.reader import load_run
from bench.search import Trace
from bench.types import Problem
from rstar_train.figures import RowFigures
from rstar_train.recipes.settings import RowSettings
from rstar_train.rows import official, paper
from rstar_train.rows.paper import rewards, solved_share
from rstar_train.rows.row import OutcomeRow, PairRow, SFTRow, StepRow, read_rows, write_rows
from rstar_train.rows.values import outcome_rows, step_rows
from rstar_train.search.pool import family_of

SFT, PAIRS, OUTCOMES, STEPS = "sft.jsonl", "pairs.jsonl", "outcomes.jsonl", "steps.jsonl"
FILES = (SFT, PAIRS, OUTCOMES, STEPS)
Row = TypeVar("Row", SFTRow, PairRow, OutcomeRow, StepRow)


@dataclass(frozen=True, slots=True)
class Extraction:
    """How solutions and pairs are taken out of trees."""

    solutions: Callable[..., list[SFTRow]]
    """Takes a problem and its trees; returns the solutions to imitate, best first."""
    pairs: Callable[[Problem, Trace], list[PairRow]]


EXTRACTIONS: Mapping[str, Extraction] = {
    "paper": Extraction(paper.sft_rows, paper.pair_rows),
    "official": Extraction(official.sft_rows, official.pair_rows),
}


def _passes_official(row: PairRow) -> bool:
    return official.passes(row.chosen, row.rejected, row.margin)


PAIR_FILTERS: Mapping[str, Callable[[PairRow], bool]] = {
    "none": lambda _: True,
    "official": _passes_official,
}


@dataclass(slots=True)
class Made:
    """The rows of some problems, and why there are no more of them."""

    solutions: list[SFTRow] = field(default_factory=list)
    pairs: list[PairRow] = field(default_factory=list)
    outcomes: list[OutcomeRow] = field(default_factory=list)
    steps: list[StepRow] = field(default_factory=list)
    dropped: Counter[str] = field(default_factory=Counter)
    """Problems and rows left out, by reason."""


def make_rows(
    problems: Sequence[Problem],
    trees: Path,
    settings: RowSettings,
    folder: Path,
    earlier: Path | None = None,
    *,
    seed: int,
) -> RowFigures:
    """Write the rows of `problems`, from the run directory `trees`, into `folder`.

    `earlier` is the folder of the round before's rows, from which problems that this round gave
    none are carried over where the settings say so. Raises DataError, RunDirError.
    """
    made = Made()
    for problem, traces in read_traces(problems, trees, made.dropped):
        _add(problem, traces, settings, made)
    if earlier is not None and settings.carry_over:
        made.solutions += _carried(SFTRow, earlier / SFT, made.solutions)
        made.pairs += _carried(PairRow, earlier / PAIRS, made.pairs)
    # What is carried on to the next round is everything; what is trained on is balanced.
    write_rows(made.solutions, folder / "all" / SFT)
    write_rows(made.pairs, folder / "all" / PAIRS)
    family = {problem.id: family_of(problem) for problem in problems}
    solutions = balance_solutions(made.solutions, settings, family, seed)
    pairs = _balance(made.pairs, settings.pairs_per_family, family, seed, _of_problem)
    made.dropped["SFT rows above sft_per_family"] += len(made.solutions) - len(solutions)
    made.dropped["pairs above pairs_per_family"] += len(made.pairs) - len(pairs)
    write_rows(solutions, folder / SFT)
    write_rows(pairs, folder / PAIRS)
    write_rows(made.outcomes, folder / OUTCOMES)
    write_rows(made.steps, folder / STEPS)
    return RowFigures(
        problems=len(problems),
        sft_rows=len(solutions),
        pairs=len(pairs),
        step_pairs=sum(row.kind == "step" for row in pairs),
        outcomes=len(made.outcomes),
        steps=len(made.steps),
        problems_with_solutions=len({row.problem_id for row in solutions}),
        problems_with_pairs=len({row.problem_id for row in pairs}),
        sft_by_family=dict(sorted(Counter(family[r.problem_id] for r in solutions).items())),
        pairs_by_family=dict(sorted(Counter(family[r.problem_id] for r in pairs).items())),
        dropped=dict(sorted(made.dropped.items())),
    )


def read_traces(
    problems: Sequence[Problem], trees: Path, dropped: Counter[str]
) -> list[tuple[Problem, list[Trace]]]:
    """Return the problems that were searched with their trees, in the pool's order.

    Those that were not are counted in `dropped`. Raises RunDirError.
    """
    stored: dict[str, list[Trace]] = defaultdict(list)
    for tree in load_run(trees).trees():
        if tree.tree:  # where the harness failed there is none
            stored[tree.problem_id].append(Trace.from_json(tree.tree))
    dropped["problems not searched"] += sum(p.id not in stored for p in problems)
    return [(problem, stored[problem.id]) for problem in problems if problem.id in stored]


def _add(problem: Problem, traces: Sequence[Trace], settings: RowSettings, made: Made) -> None:
    """Add the rows of one problem, or count why it has none."""
    values = [value for trace in traces for value in rewards(trace).values()]
    right, wrong = any(v > 0 for v in values), any(v < 0 for v in values)
    if not right:
        made.dropped["problems unsolved"] += 1
    elif not wrong:
        made.dropped["problems all correct, no pairs"] += 1
    if right and max(map(solved_share, traces)) < settings.min_solved_share:
        made.dropped["problems below min_solved_share"] += 1
        return
    made.outcomes += [row for trace in traces for row in outcome_rows(problem, trace)]
    made.steps += [row for trace in traces for row in step_rows(problem, trace)]
    extract = EXTRACTIONS[settings.rules]
    made.solutions += extract.solutions(problem, *traces)
    pairs = [row for trace in traces for row in extract.pairs(problem, trace)]
    kept = [row for row in pairs if PAIR_FILTERS[settings.pair_filter](row)]
    made.dropped["pairs by the filter"] += len(pairs) - len(kept)
    made.pairs += kept


def _carried(kind: type[Row], file: Path, rows: Sequence[Row]) -> list[Row]:
    """Return the earlier rows of problems that have none now."""
    have = {row.problem_id for row in rows}
    return [row for row in read_rows(kind, file) if row.problem_id not in have]


def balance_solutions(
    rows: Sequence[SFTRow], settings: RowSettings, family: Mapping[str, str], seed: int
) -> list[SFTRow]:
    """Return the solutions that are trained on: at most `sft_per_family` of each family."""
    return _balance(rows, settings.sft_per_family, family, seed, _alone)


def _balance(
    rows: Sequence[Row],
    limit: int,
    family: Mapping[str, str],
    seed: int,
    group_of: Callable[[int, Row], Hashable],
) -> list[Row]:
    """Return at most `limit` rows of each family (0: all), in their order.

    Whole groups are drawn with the seed, the last one cut.
    """
    if not limit:
        return list(rows)
    groups: dict[str, dict[Hashable, list[int]]] = defaultdict(lambda: defaultdict(list))
    for at, row in enumerate(rows):
        groups[family[row.problem_id]][group_of(at, row)].append(at)
    kept: set[int] = set()
    for name in sorted(groups):
        drawn = list(groups[name].values())
        random.Random(f"{seed}:{name}").shuffle(drawn)
        kept.update([at for group in drawn for at in group][:limit])
    return [row for at, row in enumerate(rows) if at in kept]


def _alone(at: int, row: SFTRow) -> Hashable:
    """Solutions are drawn one by one: as many problems as possible."""
    return at


def _of_problem(at: int, row: PairRow) -> Hashable:
    """Pairs are drawn by problem: what shares a prefix is trained on together, and cheaply."""
    return row.problem_id
