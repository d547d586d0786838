"""Scores of judged solutions, a line each in a file: written as they are made, and resumed."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from bench.engines.base import StepScorer
from bench.errors import RunDirError
from bench.files.atomic import append
from bench.files.digests import short_digest
from bench.files.lines import cut_half_line, encode, scan
from bench.prm_bench.rows import JudgedSolution
from bench.prompts.tags import END_OF_STEP
from bench.types import Problem

AT_ONCE = 16
"""Solutions at a time of an engine that batches them."""


async def score_solutions(
    solutions: Sequence[JudgedSolution],
    scorer: StepScorer,
    out: Path,
    *,
    model: str | None = None,
    at_once: int = 1,
    on_done: Callable[[], None] | None = None,
) -> dict[str, list[float]]:
    """Return the value of every step of every solution, those in the file `out` as they are there.

    `model` is what the file calls the scorer, unless its name; `at_once` solutions are scored at a
    time, for an engine that batches them. Raises EngineError; RunDirError: the file holds the
    scores of another model or other steps.
    """
    model = model or scorer.name
    found = read_scores(solutions, model, out)
    left = [each for each in solutions if each.id not in found]
    for begin in range(0, len(left), at_once):
        part = left[begin : begin + at_once]
        scored = await asyncio.gather(*(score_solution(each, scorer) for each in part))
        for each, values in zip(part, scored, strict=True):
            found[each.id] = values
            line = encode({"id": each.id, "asked": _digest(each), "ppm": model, "values": values})
            await asyncio.to_thread(append, out, line)
            if on_done is not None:
                on_done()
    return {each.id: found[each.id] for each in solutions}


async def score_solution(solution: JudgedSolution, scorer: StepScorer) -> list[float]:
    """Return the value of every step of a solution. Raises EngineError."""
    problem = Problem(
        id=solution.id, question=solution.question, answer="", benchmark=solution.source
    )
    scoring = scorer.scoring(problem)
    try:
        path = [f"{step}\n{END_OF_STEP}" for step in solution.steps]
        return (await scoring.score("", [path])).values[0]
    finally:
        scoring.close()


def read_scores(
    solutions: Sequence[JudgedSolution], model: str, out: Path
) -> dict[str, list[float]]:
    """Return the scores that a file holds; none where there is no file. Raises RunDirError."""
    if not out.exists():
        return {}
    cut_half_line(out)
    asked = {each.id: _digest(each) for each in solutions}
    found = {}
    for line in scan(out, _read_line).lines:
        if line.value is None:
            raise RunDirError(f"{out}, line {line.number} is unreadable ({line.fault}); remove it")
        name, digest, of, values = line.value
        if of != model:
            raise RunDirError(
                f"{out} holds scores of {of!r}, not of {model!r}; choose another --out"
            )
        if name in asked and asked[name] != digest:
            raise RunDirError(
                f"{out}, line {line.number}: {name!r} had another question or other steps when it "
                "was scored; choose another --out"
            )
        found[name] = values
    return found


def _digest(solution: JudgedSolution) -> str:
    return short_digest(encode({"question": solution.question, "steps": list(solution.steps)}))


def _read_line(data: Any) -> tuple[str, str, str, list[float]]:
    if not isinstance(data, dict) or not {"id", "asked", "ppm", "values"} <= data.keys():
        raise ValueError("no id, asked, ppm and values")
    values = [float(value) for value in data["values"]]
    if not all(math.isfinite(value) and -1 <= value <= 1 for value in values):
        raise ValueError("a value outside [-1, 1]")
    return str(data["id"]), str(data["asked"]), str(data["ppm"]), values
