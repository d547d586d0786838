"""What is computed from stored runs: every number of samples, and another checker's verdicts.

The runs are made up: answers in the spelling of the benchmarks, scores at random.
"""

from __future__ import annotations

import random
import tracemalloc
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from bench.checkers.panel import OURS, open_checker
from bench.evaluation.rescoring import regrade
from bench.reports.every_k import read_every_k
from bench.runs.reader import Run
from bench.runs.record import Record, Sample, Selected, Tokens
from bench.speed.measure import Figure, measure_time
from bench.types import Outcome

_STEPS = 5
_WRONG = 8
"""Wrong answers that a problem's samples have, some more often than others."""
_OTHER = "prm800k-style"
"""A checker that is at hand everywhere, and decides by text as published scores did."""


@dataclass(frozen=True, slots=True)
class Size:
    """How much is measured."""

    problems: int = 500
    samples: int = 64
    records: int = 2_000
    """Of one answer each, for the checker."""


async def stored(size: Size | None = None) -> list[Figure]:
    """Time every number of samples of one run, and another checker over another."""
    size = size or Size()
    run = make_samples(size.problems, size.samples)
    with measure_time() as every_k:
        read_every_k(run)
    # Apart from the time: keeping count of memory is slow.
    few = make_samples(max(2, size.problems // 5), size.samples)
    tracemalloc.start()
    read_every_k(few)
    memory = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    what = f"every k of {size.problems} problems x {size.samples} samples"
    return [
        Figure(what, every_k.host, "CPU s", at_most=2),
        Figure("memory of a fifth of them", memory / 2**20, "MiB"),
        *_measure_checkers(size.records),
    ]


def _measure_checkers(records: int) -> list[Figure]:
    run = make_answers([f"{at}/7" for at in range(records)])
    figures = []
    for name, at_least in ((OURS, None), (_OTHER, 500)):
        with closing(open_checker(name)) as checker, measure_time() as cold:
            regrade(run, checker, {})
        figures.append(
            Figure(f"re-scored by {name}, cold", records / cold.wall, "records/s", at_least)
        )
    again = make_answers(["3/7"] * records)
    with closing(open_checker(_OTHER)) as checker, measure_time() as cached:
        regrade(again, checker, {})
    speed = records / cached.wall
    return [*figures, Figure(f"re-scored by {_OTHER}, one pair", speed, "records/s", 5000)]


def make_samples(problems: int, samples: int) -> Run:
    """Return a run of samples, of each problem as likely right as chance has it."""
    chance = random.Random(0)
    records = []
    for at in range(problems):
        right = chance.random()
        found = []
        for _ in range(samples):
            correct = chance.random() < right
            wrong = min(chance.randrange(_WRONG), chance.randrange(_WRONG))
            scores = tuple(chance.uniform(-1, 1) for _ in range(_STEPS))
            outcome = Outcome.CORRECT if correct else Outcome.WRONG
            answer = "7" if correct else str(100 + wrong)
            found.append(Sample(answer, outcome, scores[-1], scores, 50, ""))
        records.append(_record(f"p{at}", "7", found))
    return _run(records, samples)


def make_answers(answers: Sequence[str]) -> Run:
    """Return a run of one answer a problem, each of which equals its reference."""
    records = [
        _record(f"p{at}", answer, [Sample(answer, Outcome.WRONG, None, (), 50, "")])
        for at, answer in enumerate(answers)
    ]
    return _run(records, 1)


def _record(name: str, gold: str, samples: Sequence[Sample]) -> Record:
    chosen = {"majority": Selected(samples[0].answer, samples[0].outcome, 0)}
    return Record(name, 0, "made", gold, "sample", tuple(samples), chosen, Tokens(), 0)


def _run(records: Sequence[Record], samples: int) -> Run:
    search = {"name": "sample", "n": samples, "aggregate": "last"}
    config = {"benchmark": "made", "policy": "made", "ppm": "made", "search": search, "seed": 0}
    return Run(Path("made"), {"config": config}, tuple(records), {})
