"""The documents of a task: the same problems, errata and hashes as everywhere else.

lm-eval calls `documents` with a task's `dataset_kwargs` and `metadata` together: errata are refused
by `--metadata '{"errata": false}'`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from bench.problems import load
from bench.types import Problem, Verifier

if TYPE_CHECKING:
    from datasets import Dataset

_COLUMNS = frozenset(("id", "question", "answer", "alternatives", "level", "subject", "erratum"))
_VERIFIER = "verifier"


def documents(benchmark: str, errata: bool = True, **others: Any) -> dict[str, Dataset]:
    """Return `{"test": ...}`, one document for each problem of the benchmark or its part.

    Raises BenchError: an unknown name, rows that are nowhere or not what the registry says.
    """
    from datasets import Dataset

    problems = load(benchmark, errata=errata)
    return {"test": Dataset.from_list([make_document(problem) for problem in problems])}


def make_document(problem: Problem) -> dict[str, Any]:
    """Return a problem as a row; what it lacks is an empty text."""
    return {
        "id": problem.id,
        "question": problem.question,
        "answer": problem.answer,
        "alternatives": list(problem.alternatives),
        _VERIFIER: "" if problem.verifier is None else json.dumps(asdict(problem.verifier)),
        "level": problem.level or "",
        "subject": problem.subject or "",
        "erratum": problem.meta.get("erratum", {}).get("kind", ""),
    }


def graded_problem(document: Mapping[str, Any]) -> Problem:
    """Return what grading must know of one of our documents."""
    verifier = json.loads(document[_VERIFIER]) if document.get(_VERIFIER) else None
    return Problem(
        document["id"],
        document["question"],
        document["answer"],
        benchmark="lm-eval",
        alternatives=tuple(document["alternatives"]),
        verifier=Verifier(**verifier) if verifier else None,
    )


def is_document(found: Any) -> bool:
    """Whether a document of some task is one of these, and graded by `bench.lm_eval.scoring`."""
    # Documents made before there were verifiers have no such column.
    return isinstance(found, Mapping) and _COLUMNS <= set(found) <= _COLUMNS | {_VERIFIER}
