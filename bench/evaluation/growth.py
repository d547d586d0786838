"""Whether a stored run may grow into the one that is asked for, and what is done of it already.

A run grows by problems (`--limit`), whatever its search: it is then the run that had begun with all
of them. Of its knobs only those of samples grow, where the larger run would begin with the very
samples that are stored (`bench.search.sampling`). A search tree cannot: its interpreters are gone,
and what its search would do next is not stored.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from pathlib import Path
from typing import Any

from bench.errors import RunDirError
from bench.evaluation.runner import Solve, Solved
from bench.evaluation.spec import Resolved
from bench.knobs import Use
from bench.runs.header import config_digest, read_header
from bench.runs.reader import GROWING, load_run, stream_records
from bench.runs.record import Key, Record
from bench.runs.writer import RunDir
from bench.search import Sampling, Trace
from bench.types import Problem


def refuse_growth(resolved: Resolved, stored: Mapping[str, Any]) -> str | None:
    """Return why a run of a stored configuration cannot become this one: nothing where it can.

    None where they differ in more than the number of problems and the budget of their search.
    """
    try:
        before = _as_small(resolved, stored)
    except (LookupError, TypeError, ValueError):
        return None  # a configuration of another kind, or of another version
    if before is None or config_digest(before.config) != config_digest(stored):
        return None
    now, then = resolved.search_config, before.search_config
    if now == then:
        return ""
    if isinstance(now, Sampling) and isinstance(then, Sampling):
        return now.refuse_growth(then)
    return (
        f"a tree of the search {resolved.spec.search!r} is not gone on with once its problem has "
        "ended; only problems (--limit) may be added"
    )


def _as_small(resolved: Resolved, stored: Mapping[str, Any]) -> Resolved | None:
    """Return what is asked for, with the problems and the budget of a stored configuration."""
    problems = int(stored["benchmark"]["problems"])
    if not 0 < problems <= len(resolved.problems):
        return None
    knobs = resolved.entry.knobs
    budget = [name for name, knob in knobs.items() if Use.BUDGET in knob.uses]
    # Keys that are none are left out of what is stored.
    values = {name: stored["search"].get(name) for name in (*budget, *_asking(resolved))}
    for name, value in values.items():
        knobs[name].read(value)
    return dataclasses.replace(
        resolved,
        problems=resolved.problems[:problems],
        search_config=dataclasses.replace(resolved.search_config, **values),
    )


def _asking(resolved: Resolved) -> list[str]:
    return ["at_once"] if isinstance(resolved.search_config, Sampling) else []


def is_whole(resolved: Resolved, record: Record) -> bool:
    """Whether a record holds all that is asked for of its problem."""
    config = resolved.search_config
    if not isinstance(config, Sampling):
        return True
    return config.is_reached([sample.tokens for sample in record.samples])


def is_finished(resolved: Resolved, path: Path) -> bool:
    """Whether a run directory holds all that is asked for."""
    try:
        done = {
            record.key: not record.is_engine_error and is_whole(resolved, record)
            for record in stream_records(path, read_header(path))
        }
    except RunDirError:
        return False  # there is none, or a resume mends it
    return all(done.get(Key(each.id, resolved.spec.seed), False) for each in resolved.problems)


def read_begun(run: RunDir) -> dict[str, Trace]:
    """Return the traces of records that are too small, by problem; what was lost is not there."""
    if GROWING not in run.header:
        return {}
    loaded = load_run(run.path)
    small = {
        record.key
        for record in loaded.records
        if not record.is_engine_error and record.key not in run.done
    }
    begun = {}
    for stored in loaded.trees():
        key = Key(stored.problem_id, stored.seed)
        if key in small:
            seconds = list(loaded.seconds.get(key, {}).get("code", ()))
            trace = Trace.from_json(stored.tree)
            executed = trace.usage.executions
            trace.code_seconds = (seconds + [0.0] * executed)[:executed]
            if trace.events:  # without a clock nothing can be added to it
                begun[stored.problem_id] = trace
    return begun


def go_on(
    solve: Solve, begun: MutableMapping[str, Trace]
) -> Callable[[Problem], Awaitable[Solved]]:
    """Return what goes on with what was begun of a problem, which it takes out."""

    def one(problem: Problem) -> Awaitable[Solved]:
        return solve(problem, begun=begun.pop(problem.id, None))

    return one
