"""The same benchmark rows out of the Hugging Face hub, for machines without a mirror directory.

The address, the columns and the rule that finds the reference answer come from the registry.
Nothing here caches (the `datasets` package does) and no answer is judged. Where the registry has no
pinned revision, the commit that `main` stands at is resolved once, used, and written to each
problem's `meta`.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

from bench.errors import DataError, MissingDataError, MissingExtraError
from bench.problems.fingerprint import rows_sha256
from bench.problems.gold import gold_answer
from bench.problems.mirror import VARIABLE
from bench.problems.registry import UNVERIFIED, Benchmark, Hub
from bench.types import Problem

logger = logging.getLogger(__name__)

REACH_SECONDS = 10.0
"""How long the hub may take for its first answer; `datasets` alone would retry for 23 s."""


def read(benchmark: Benchmark) -> list[Problem]:
    """Return all problems of a benchmark.

    Raises:
        MissingExtraError: the package `datasets` is not installed.
        MissingDataError: the hub cannot be reached, or does not have the dataset.
        DataError: the rows lack a column or a reference answer, repeat an id, or are too few.
    """
    source = _source(benchmark)
    rows, revision = _download(benchmark, source)
    problems: dict[str, Problem] = {}
    for index, row in enumerate(rows):
        problem = problem_from_row(benchmark, row, index, revision=revision)
        if problem.id in problems:
            raise DataError(
                f"{_where(benchmark, index)}: id {problem.id!r} was used by another row"
            )
        problems[problem.id] = problem
    expected = source.rows or benchmark.rows
    if len(problems) != expected:
        raise DataError(
            f"{source.id!r} at revision {revision!r} has {len(problems)} rows, expected "
            f"{expected}; read the rows from a mirror instead: set {VARIABLE}"
        )
    if rows_sha256(problems.values()) != benchmark.rows_sha256:
        logger.warning(
            "%s: the texts at %s, revision %s, are not those that the registry's hash is of; "
            "compare a score with mirror runs with care",
            *(benchmark.name, source.id, revision),
        )
    return list(problems.values())


def _source(benchmark: Benchmark) -> Hub:
    if benchmark.hub is None:
        raise MissingDataError(
            f"no hub dataset holds exactly the rows of {benchmark.name!r}; set {VARIABLE} to a "
            f"directory that holds {benchmark.file!r}"
        )
    return benchmark.hub


def _download(benchmark: Benchmark, source: Hub) -> tuple[list[Mapping[str, Any]], str]:
    """Return the rows and the revision they are from."""
    try:
        import datasets
        import huggingface_hub
    except ImportError as error:
        raise MissingExtraError(
            f"reading {benchmark.name!r} from the hub", error.name or "datasets", "cpu"
        ) from error
    pinned = None if source.revision == UNVERIFIED else source.revision
    try:
        if huggingface_hub.constants.HF_HUB_OFFLINE:
            revision = pinned  # Nothing to ask; `datasets` reads its cache, or says that it cannot.
        else:
            # Asked first and with a time limit, so that no network is a matter of seconds.
            info = huggingface_hub.HfApi().dataset_info(
                source.id, revision=pinned, timeout=REACH_SECONDS
            )
            revision = info.sha
        parts = [
            datasets.load_dataset(source.id, config, split=source.split, revision=revision)
            for config in source.configs
        ]
    except Exception as error:
        # Broad on purpose, and raised on: the hub's client lets the errors of its HTTP library
        # through, and which library that is has changed with its versions.
        reason = f"{type(error).__name__}: {' '.join(str(error).split())[:160]}"
        raise MissingDataError(
            f"cannot read {benchmark.name!r} from the hub dataset {source.id!r} ({reason}); set "
            f"{VARIABLE} to a directory that holds {benchmark.file!r}, or check the network"
        ) from error
    if pinned is None:
        logger.warning(
            "%s has no pinned revision; read %s at %s", benchmark.name, source.id, revision
        )
    rows = [row for part in parts for row in part]
    if source.not_after is not None:
        column, last = source.not_after
        rows = [row for row in rows if int(row.get(column, last)) <= last]
    return rows, revision or "offline cache"


def problem_from_row(
    benchmark: Benchmark, row: Mapping[str, Any], index: int, *, revision: str
) -> Problem:
    """Return one hub row as a problem. Raises DataError."""
    source, where = _source(benchmark), _where(benchmark, index)
    wanted = (source.question, source.answer, source.key, source.level, source.subject)
    missing = [column for column in wanted if column is not None and column not in row]
    if missing:
        raise DataError(
            f"{where}: no column {', '.join(map(repr, missing))}; it has {', '.join(sorted(row))}"
        )
    prefix = f"{benchmark.name}-" if source.key_prefix is None else source.key_prefix
    context = (row.get(source.context) or "") if source.context else ""
    try:
        answer = gold_answer(source.gold, row[source.answer])
    except ValueError as error:
        raise DataError(f"{where}: column {source.answer!r} {error}") from error
    return Problem(
        id=f"{prefix}{index if source.key is None else row[source.key]}",
        question="\n".join(part for part in (context.strip(), row[source.question]) if part),
        answer=answer,
        benchmark=benchmark.name,
        level=None if source.level is None else _level(row[source.level]),
        subject=None if source.subject is None else str(row[source.subject]),
        meta={"source": source.id, "revision": revision},
    )


def _where(benchmark: Benchmark, index: int) -> str:
    return f"{_source(benchmark).id!r}, row {index}"


def _level(value: Any) -> str:
    # MATH-500 stores the number alone, the original MATH "Level 2"; one spelling for both.
    return f"Level {value}" if isinstance(value, int) else str(value)
