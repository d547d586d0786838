"""SFT rows out of independent samples, for the data ablation (the paper's Table 7).

The paper compares its step-by-step verified solutions with two cheaper sources, both drawn from the
policy of round 3 without any search: `random`, solutions as they come, right or wrong, and
`rejection`, right ones only, the best by the outcome reward model. `verified` is the round's own
`sft.jsonl`. All give two solutions a problem.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

from bench.prompts import OFFICIAL, START
from bench.runs.reader import load_run
from bench.runs.record import Record
from bench.search import Trace
from bench.types import Outcome, Problem
from rstar_train.rows.paper import TOP
from rstar_train.rows.row import SFTRow

Score = Callable[[str, Sequence[str]], Sequence[float]]
"""The values of solutions: of their prompt and their texts."""


def random_rows(problem: Problem, record: Record, trace: Trace, seed: int) -> list[SFTRow]:
    """Return two finished solutions of a problem, drawn with the seed, whatever they answer."""
    texts = [text for text, _ in _solutions(record, trace)]
    random.Random(f"{seed}:{problem.id}").shuffle(texts)
    return _rows(problem, texts)


def rejection_rows(
    problem: Problem, record: Record, trace: Trace, score: Score | None = None
) -> list[SFTRow]:
    """Return the two right solutions of highest score; without a score, the first two."""
    texts = [text for text, right in _solutions(record, trace) if right]
    if score is not None:
        prompt = OFFICIAL.render(problem.question, START)
        values = dict(zip(texts, score(prompt, texts), strict=True))
        texts.sort(key=values.__getitem__, reverse=True)
    return _rows(problem, texts)


def read_samples(
    problems: Iterable[Problem], samples: Path
) -> Iterator[tuple[Problem, Record, Trace]]:
    """Yield what was sampled for each of `problems`, from a run directory. Raises RunDirError."""
    by_id = {problem.id: problem for problem in problems}
    run = load_run(samples)
    records = {(record.problem_id, record.seed): record for record in run.records}
    for stored in run.trees():
        if stored.problem_id in by_id and stored.tree:
            trace = Trace.from_json(stored.tree)
            record = records[stored.problem_id, stored.seed]
            yield by_id[stored.problem_id], record, trace


def _solutions(record: Record, trace: Trace) -> list[tuple[str, bool]]:
    """Return each different finished solution once, and whether it is right."""
    found: dict[str, bool] = {}
    for end, sample in zip(trace.rollouts, record.samples, strict=True):
        if end in trace.finished:
            text = trace.text(end).removeprefix(START)
            found.setdefault(text, sample.outcome is Outcome.CORRECT)
    return list(found.items())


def _rows(problem: Problem, texts: Sequence[str]) -> list[SFTRow]:
    prompt = OFFICIAL.render(problem.question, START)
    # There is no tree, hence no Q; the field says only that nothing was verified.
    return [SFTRow(problem.id, prompt, text, 0.0) for text in texts[:TOP]]
