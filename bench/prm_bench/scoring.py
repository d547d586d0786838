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
from bench.files.lines import cut_half_line, encode, scan
from bench.prm_bench.rows import JudgedSolution
from bench.prompts.tags import END_OF_STEP
from bench.types import Problem


async def score_solutions(
    solutions: Sequence[JudgedSolution],
    scorer: StepScorer,
    out: Path,
    *,
    on_done: Callable[[], None] | None = None,
) -> dict[str, list[float]]:
    """Return the value of every step of every solution, those in the file `out` as they are there.

    Raises EngineError; RunDirError: the file holds the scores of another model or other steps.
    """
    found = read_scores(solutions, scorer.name, out)
    for each in solutions:
        if each.id in found:
            continue
        problem = Problem(id=each.id, question=each.question, answer="", benchmark=each.source)
        scoring = scorer.scoring(problem)
        try:
            path = [f"{step}\n{END_OF_STEP}" for step in each.steps]
            values = (await scoring.score("", [path])).values[0]
        finally:
            scoring.close()
        found[each.id] = values
        await asyncio.to_thread(
            append, out, encode({"id": each.id, "ppm": scorer.name, "values": values})
        )
        if on_done is not None:
            on_done()
    return {each.id: found[each.id] for each in solutions}


def read_scores(
    solutions: Sequence[JudgedSolution], model: str, out: Path
) -> dict[str, list[float]]:
    """Return the scores that a file holds; none where there is no file. Raises RunDirError."""
    if not out.exists():
        return {}
    cut_half_line(out)
    steps = {each.id: len(each.steps) for each in solutions}
    found = {}
    for line in scan(out, _read_line).lines:
        if line.value is None:
            raise RunDirError(f"{out}, line {line.number} is unreadable ({line.fault}); remove it")
        name, of, values = line.value
        if of != model:
            raise RunDirError(
                f"{out} holds scores of {of!r}, not of {model!r}; choose another --out"
            )
        if name in steps and steps[name] != len(values):
            raise RunDirError(
                f"{out}, line {line.number}: {len(values)} values, and {name!r} has {steps[name]} "
                "steps; choose another --out"
            )
        found[name] = values
    return found


def _read_line(data: Any) -> tuple[str, str, list[float]]:
    if not isinstance(data, dict) or not {"id", "ppm", "values"} <= data.keys():
        raise ValueError("no id, ppm and values")
    values = [float(value) for value in data["values"]]
    if not all(math.isfinite(value) and -1 <= value <= 1 for value in values):
        raise ValueError("a value outside [-1, 1]")
    return str(data["id"]), str(data["ppm"]), values
