"""What stored runs of LIPS say about the order of states, and a ranker fitted to it.

A run's trees hold every inequality that the search looked at. How many it took up until it had a
proof is what its order cost; the oracle takes up those on the way alone.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from bench.errors import DataError
from bench.files.atomic import replace_json
from bench.inequalities.lips.filtering import Filter
from bench.inequalities.lips.learnt import Choice, Fit, describe, fit
from bench.inequalities.statements import Statement, find_variables
from bench.inequalities.texts.reading import StatementError, read_expression, read_statement
from bench.runs.reader import Run
from bench.search.tree import Node, NodeKind, Trace
from bench.types import Problem

STATE = re.compile(r"(?:.*) \(cost [^)]*\): (?P<larger>.*) >= (?P<smaller>.*)\n")
"""How the text of a state's node reads (`bench.search.inequalities`)."""


@dataclass(frozen=True, slots=True)
class Loops:
    """What a search took up on the problems of one run that it proved."""

    search: str
    benchmark: str
    proved: int
    taken_up: float
    """States that were taken up, mean of a problem, the one that was closed among them."""
    oracle: float
    """Those on the way to the proof."""


def count_loops(run: Run) -> Loops:
    """Return how many states a run took up. Raises DataError: it proved nothing."""
    taken, ways = [], []
    for stored in run.trees():
        trace = Trace.from_json(stored.tree)
        way = _find_way(trace)
        if way:
            taken.append(1 + sum(node.expanded for node in trace.nodes))
            # A claim whose variables were changed at once was not taken up itself.
            ways.append(1 + sum(node.expanded for node in way))
    config = run.header["config"]
    if not taken:
        raise DataError(f"{run.path} holds no proof that a search of states found")
    count = len(taken)
    search, benchmark = str(config["search"]["name"]), str(config["benchmark"]["name"])
    return Loops(search, benchmark, count, sum(taken) / count, sum(ways) / count)


def read_choices(run: Run, problems: Mapping[str, Problem]) -> Iterator[Choice]:
    """Yield the choices on the way to every proof of a run."""
    for stored in run.trees():
        problem = problems.get(stored.problem_id)
        if problem is not None:
            trace = Trace.from_json(stored.tree)
            yield from _list_choices(problem, trace, _find_way(trace))


def _find_way(trace: Trace) -> list[Node]:
    """Return the states from the claim to the one that was closed; none without a proof."""
    ends = [node for node in trace.nodes if node.kind is NodeKind.ANSWER]
    line = trace.lineage(ends[0].index) if ends else []
    return [node for node in line if STATE.fullmatch(node.text)]


def _list_choices(problem: Problem, trace: Trace, way: Sequence[Node]) -> Iterator[Choice]:
    if len(way) < 2:
        return
    try:
        statement = read_statement(problem.question)
    except StatementError:
        return
    checked = Filter(statement)
    children: dict[int | None, list[Node]] = defaultdict(list)
    for node in trace.nodes:
        children[node.parent].append(node)
    for parent, right in zip(way, way[1:], strict=False):
        found = {
            node.index: features
            for node in children[parent.index]
            if (features := _describe(node, statement, checked)) is not None
        }
        if right.index in found:
            chosen = found.pop(right.index)
            yield Choice(problem.benchmark, chosen, tuple(found.values()))


def _describe(node: Node, statement: Statement, checked: Filter) -> dict[str, float] | None:
    """Return a state's features; None of a node that is none, or is in other variables."""
    match = STATE.fullmatch(node.text)
    if match is None:
        return None
    larger, smaller = (read_expression(match[side]) for side in ("larger", "smaller"))
    if not (find_variables(larger) | find_variables(smaller)) <= set(statement.variables):
        return None
    return describe(larger, smaller, checked.measure_slack(larger, smaller))


def fit_ranker(
    runs: Sequence[Run], problems: Mapping[str, Problem], out: Path
) -> tuple[Fit, list[Loops]]:
    """Fit a ranker to runs and store it. Raises DataError: there is nothing to learn from."""
    found = fit([choice for run in runs for choice in read_choices(run, problems)])
    loops = [count_loops(run) for run in runs]
    data: dict[str, Any] = {**asdict(found), "loops": [asdict(each) for each in loops]}
    out.parent.mkdir(parents=True, exist_ok=True)
    replace_json(out, data)
    return found, loops
