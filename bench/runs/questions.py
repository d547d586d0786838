"""What the problems of a stored run asked: records hold answers and references, no questions."""

from __future__ import annotations

import logging
from collections.abc import Mapping

from bench.errors import BenchError
from bench.problems import load
from bench.runs.reader import Run
from bench.types import Problem

log = logging.getLogger(__name__)


def read_questions(run: Run) -> dict[str, str]:
    """Return the questions of a run's problems by id, from its benchmark's rows as they are today.

    A verifier that was told the question has it, too. A problem whose question is not to be had is
    left out, with a warning where its benchmark cannot be read.
    """
    asked = {record.problem_id for record in run.records}
    found = {name: each.question for name, each in read_problems(run).items() if name in asked}
    for record in run.records:
        if record.problem_id not in found and record.verifier is not None:
            statement = record.verifier.parameters.get("statement")
            if isinstance(statement, str):
                found[record.problem_id] = statement
    return found


def read_problems(run: Run) -> dict[str, Problem]:
    """Return the problems of a run's benchmark by id; none, with a warning, where it is not read.

    Of a benchmark only as many as the run was about, the first ones: generated ones are made anew
    each time. A search for training names no benchmark.
    """
    benchmark = run.config.get("benchmark")
    entry = benchmark if isinstance(benchmark, Mapping) else {"name": benchmark}
    name, asked = entry.get("name"), entry.get("problems")
    if not isinstance(name, str):
        return {}
    limit = asked if isinstance(asked, int) and asked > 0 else None
    try:
        return {problem.id: problem for problem in load(name, limit=limit)}
    except (BenchError, ImportError) as error:  # a generator may need an extra
        log.warning("questions are left out: %s", error)
        return {}
