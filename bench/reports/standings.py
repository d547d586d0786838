"""A leaderboard over any number of stored runs: ranks that the tests support, and where from.

Runs stand on one board where they asked the same problems and were graded alike. Runs that differ
in their seed alone are one row. A row's rank is one more than the number of rows that are shown to
be better: rows that no paired test tells apart share a rank, whatever their accuracies. Rows quoted
from papers stand apart: other policies, budgets and checkers.
"""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from itertools import combinations, product
from statistics import fmean
from typing import Any

from bench import stats
from bench.reports.every_k import EveryK, read_all
from bench.reports.leaderboard import (
    Row,
    judged_answers,
    leaderboard,
    outcomes,
)
from bench.reports.paper import Quoted, list_quoted
from bench.runs.derived import checker_of, conventions_of
from bench.runs.header import config_digest
from bench.runs.reader import Run

SCHEMA_VERSION = 1
"""Version of the JSON that `Standings.to_json` returns."""
LEVEL = 0.05
"""A row is shown to be better where the corrected p is below."""
_NEEDS_SEEDS = "aime"
"""How benchmarks begin that are too small for one seed."""


@dataclass(frozen=True, slots=True)
class Standing:
    """One row of a board."""

    rank: int
    shared: bool
    """Whether other rows have the same rank."""
    row: Row
    problems: int
    seeds: tuple[int, ...]
    flags: tuple[str, ...]
    """What a reader must know before quoting the row."""
    commands: tuple[str, ...]
    """What makes it again, a command a run."""
    runs: tuple[str, ...]
    """Their directories."""


@dataclass(frozen=True, slots=True)
class Board:
    """All rows that may be compared."""

    benchmark: str
    problems: int
    graded: str
    """By which checker, with how many references corrected."""
    standings: tuple[Standing, ...]
    tests: int
    """Pairs that were tested; the p-values are corrected for their number."""
    quoted: tuple[Quoted, ...]
    every_k: tuple[EveryK, ...]
    """The runs of samples, each at every number of samples."""


@dataclass(frozen=True, slots=True)
class Standings:
    """The boards, and what was left out."""

    boards: tuple[Board, ...]
    notes: tuple[str, ...]

    def to_json(self) -> dict[str, Any]:
        """Return JSON values, shares as fractions; quoted values are percent, as printed."""
        data = asdict(self)
        for board, found in zip(self.boards, data["boards"], strict=True):
            for each, shown in zip(board.standings, found["standings"], strict=True):
                shown["label"] = each.row.label
            found["every_k"] = [each.to_json() for each in board.every_k]
        return {"schema": SCHEMA_VERSION, **data}

    def to_rows(self) -> list[dict[str, Any]]:
        """Return flat rows, for a spreadsheet; quoted ones have shares as well, and no n.

        A selector at fewer samples than its run has is a row that is not ranked.
        """
        return [row for board in self.boards for row in _flatten(board)]


def rank_runs(runs: Iterable[Run]) -> Standings:
    """Return a board for each benchmark and way of grading, best rows first."""
    boards: dict[str, list[Run]] = {}
    empty = []
    for run in merge_seeds(runs):
        if run.records:
            boards.setdefault(_grading_of(run), []).append(run)
        else:
            empty.append(f"{run.policy} on {run.benchmark}: no problem done.")
    return Standings(tuple(_rank(each) for each in boards.values()), tuple(empty))


def merge_seeds(runs: Iterable[Run]) -> list[Run]:
    """Return runs with those together that differ in nothing but their seed.

    The commands of all of them are in the header, under `commands`, their seeds under `seeds`, and
    their directories under `runs`. A copy of a run is left out. Equal configurations with other
    records, of two versions of the code say, stay apart and are numbered under `repeat`.
    """
    found: dict[tuple[str, int], list[Run]] = {}
    of_seed: dict[tuple[str, Any], list[Run]] = {}
    for run in runs:
        config = dict(run.config)
        seed, digest = config.pop("seed", None), config_digest(config)
        alike = of_seed.setdefault((digest, seed), [])
        if all(each.records != run.records for each in alike):
            alike.append(run)
            found.setdefault((digest, len(alike)), []).append(run)
    return [_merge(each, repeat) for (_, repeat), each in found.items()]


def _merge(runs: Sequence[Run], repeat: int) -> Run:
    records = {record.key: record for run in runs for record in run.records}
    seconds = {key: value for run in runs for key, value in run.seconds.items()}
    commands = dict.fromkeys(map(_command_of, runs))
    seeds = sorted({record.seed for record in records.values()})
    header = {
        **runs[0].header,
        "commands": [*filter(None, commands)],
        "seeds": seeds,
        "runs": [str(run.path) for run in runs],
        "repeat": repeat,
    }
    ordered = tuple(records[key] for key in sorted(records))
    return replace(runs[0], header=header, records=ordered, seconds=seconds)


_PROGRAMS = {"__main__.py": "rstar-bench", "cli.py": "rstar-train"}
"""What `python -m` calls the programs."""


def _command_of(run: Run) -> str:
    program, *rest = run.header.get("command") or [""]
    return shlex.join([_PROGRAMS.get(program, program), *rest]) if program else ""


def _grading_of(run: Run) -> str:
    """Return what two runs must have in common to stand on one board."""
    benchmark = run.config.get("benchmark")
    return json.dumps([benchmark, checker_of(run), conventions_of(run)], sort_keys=True)


def _rank(runs: Sequence[Run]) -> Board:
    found = [(row, run) for run in runs for row in leaderboard([run]).rows]
    found.sort(key=lambda pair: -pair[0].accuracy.estimate if pair[0].accuracy else 1.0)
    pairs = list(combinations(range(len(found)), 2))
    tested = [_test(*(found[at] for at in pair)) for pair in pairs]
    corrected = stats.holm([p for p, _ in tested])
    better = [0] * len(found)
    for (a, b), (_, difference), p in zip(pairs, tested, corrected, strict=True):
        if p < LEVEL:
            better[b if difference > 0 else a] += 1
    standings = [
        _standing(row, run, 1 + better[at], shared=better.count(better[at]) > 1)
        for at, (row, run) in enumerate(found)
    ]
    first = runs[0]
    benchmark = first.config.get("benchmark")
    errata = benchmark.get("errata") if isinstance(benchmark, dict) else None
    told = "errata off" if errata == "off" else f"{len(errata or ())} references corrected"
    return Board(
        benchmark=first.benchmark,
        problems=max(each.problems for each in standings),
        graded=f"{checker_of(first)}, {told}",
        standings=tuple(sorted(standings, key=lambda each: each.rank)),
        tests=len(pairs),
        quoted=tuple(list_quoted(first.benchmark)),
        every_k=tuple(read_all(runs)),
    )


def _test(a: tuple[Row, Run], b: tuple[Row, Run]) -> tuple[float, float]:
    """Return the p of "neither is better" on the problems of both, and share(a) - share(b).

    With one seed the exact McNemar test; with several a paired t-test of the problems' means, or an
    exact sign test where all of these differ alike.
    """
    of_a, of_b = (judged_answers(outcomes(run, row.method)) for row, run in (a, b))
    shared = sorted(of_a.keys() & of_b.keys())
    if not shared:
        return 1.0, 0.0
    differences = [fmean(of_a[name]) - fmean(of_b[name]) for name in shared]
    if all(len(of_a[name]) == len(of_b[name]) == 1 for name in shared):
        won, lost = (sum(d == sign for d in differences) for sign in (1, -1))
        return stats.mcnemar(won, lost), fmean(differences)
    from scipy.stats import ttest_1samp

    if len(set(differences)) == 1:  # nothing varies, and a t-test divides by that: a sign test
        differing = len(shared) if differences[0] else 0
        return stats.mcnemar(differing, 0), differences[0]
    return float(ttest_1samp(differences, 0.0).pvalue), fmean(differences)


def _standing(row: Row, run: Run, rank: int, *, shared: bool) -> Standing:
    benchmark = run.config.get("benchmark")
    asked = benchmark.get("problems") if isinstance(benchmark, dict) else None
    problems = len({record.problem_id for record in run.records})
    flags = []
    if row.benchmark.startswith(_NEEDS_SEEDS) and len(run.header["seeds"]) == 1:
        flags.append(f"one seed of {problems} problems")
    if asked is not None and problems < asked:
        flags.append(f"{problems} of {asked} problems done")
    if run.header["repeat"] > 1:
        flags.append(f"the {run.header['repeat']}. run of this configuration, with other records")
    if row.counts.failures:
        flags.append(f"{row.counts.failures} answers could not be judged")
    return Standing(
        rank=rank,
        shared=shared,
        row=replace(row, against=None, difference=None),
        problems=problems,
        seeds=tuple(run.header["seeds"]),
        flags=tuple(flags),
        commands=tuple(run.header["commands"]),
        runs=tuple(run.header["runs"]),
    )


def _flatten(board: Board) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = []
    for each in board.standings:
        row, found = each.row, each.row.accuracy
        rows.append(
            {
                "benchmark": board.benchmark,
                "graded": board.graded,
                "quoted": False,
                "rank": each.rank,
                "shared": each.shared,
                "policy": row.policy,
                "ppm": row.ppm,
                "method": row.label,
                "problems": each.problems,
                "answers": row.n,
                "seeds": len(each.seeds),
                "accuracy": None if found is None else found.estimate,
                "low": None if found is None else found.low,
                "high": None if found is None else found.high,
                **asdict(row.counts),
                "policy_tokens": row.policy_tokens,
                "ppm_tokens": row.ppm_tokens,
                "run_seconds": row.run_seconds,
                "flags": "; ".join(each.flags),
                "command": "; ".join(each.commands),
                "run": "; ".join(each.runs),
            }
        )
    for of in board.every_k:
        fewer = [k for k in of.shown if k < of.samples]
        for (name, curve), k in product(of.curves.items(), fewer):
            at = curve.points[k - 1]
            rows.append(
                {
                    "benchmark": board.benchmark,
                    "graded": board.graded,
                    "quoted": False,
                    "policy": of.policy,
                    "ppm": of.ppm,
                    "method": f"{name}@{k}",
                    "problems": of.problems,
                    "accuracy": at.estimate,
                    "low": at.low,
                    "high": at.high,
                    "flags": f"a mean over all subsets of {k} of {of.samples} samples",
                    "run": str(of.path),
                }
            )
    for quoted in board.quoted:
        rows.append(
            {
                "benchmark": board.benchmark,
                "quoted": True,
                "policy": quoted.label,
                "accuracy": quoted.value / 100,
                "flags": f"quoted: {quoted.source}",
            }
        )
    return rows
