"""What stored runs of LIPS say about the order of states, and a ranker fitted to it.

A run's trees hold every inequality that the search looked at. How many it took up until it had a
proof is what its order cost; the oracle takes up those on the way alone.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from bench.errors import DataError
from bench.files.atomic import replace_json
from bench.inequalities.lips.filtering import Filter
from bench.inequalities.lips.learnt import Choice, Fit, Origin, describe, fit
from bench.inequalities.lips.ranking import count_operators
from bench.inequalities.lips.rewriting import TACTICS
from bench.inequalities.lips.states import as_statement, read_sides
from bench.inequalities.lips.surroundings import Surroundings
from bench.inequalities.proving.goals import begin
from bench.inequalities.statements import Statement, find_variables
from bench.inequalities.texts.reading import StatementError, read_expression, read_statement
from bench.runs.reader import Run
from bench.search.tree import Node, NodeKind, Trace
from bench.types import Problem

STATE = re.compile(r"(?P<tactic>.*) \(cost [^)]*\): (?P<larger>.*) >= (?P<smaller>.*)\n")
"""How the text of a state's node reads (`bench.search.inequalities`)."""
CHANGES = ("linear (", "ratio (")
"""How those begin that are the claim in other variables."""


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
    counted = _count_by_problem(run).values()
    if not counted:
        raise DataError(f"{run.path} holds no proof that a search of states found")
    count = len(counted)
    taken, ways = (sum(each[i] for each in counted) / count for i in (0, 1))
    return Loops(run.search, run.benchmark, count, taken, ways)


def _count_by_problem(run: Run) -> dict[str, tuple[int, int]]:
    """Return the states taken up, and those on the way, by problem that was proved."""
    found = {}
    for stored in run.trees():
        if not stored.tree:  # the harness failed there
            continue
        trace = Trace.from_json(stored.tree)
        way = _find_way(trace)
        if way:
            # A claim whose variables were changed at once was not taken up itself.
            taken_up, on_the_way = (sum(n.expanded for n in nodes) for nodes in (trace.nodes, way))
            found[stored.problem_id] = (1 + taken_up, 1 + on_the_way)
    return found


@dataclass(frozen=True, slots=True)
class Order:
    """What one order of states proved, and what it took up on the problems that all proved."""

    search: str
    seed: int
    proved: int
    shared: int
    """Problems that all orders proved."""
    taken_up: float
    """States taken up on these, mean of a problem."""
    oracle: float
    """Those on the shortest way that any order found."""


def compare_orders(runs: Sequence[Run]) -> list[Order]:
    """Return one line for each search and seed, its runs on all benchmarks together."""
    found: dict[tuple[str, int], dict[str, tuple[int, int]]] = {}
    for run in runs:
        key = run.search, int(run.config["seed"])
        found.setdefault(key, {}).update(_count_by_problem(run))
    shared = set[str].intersection(*(set(each) for each in found.values()))
    best = sum(min(each[problem][1] for each in found.values()) for problem in shared)
    count = max(1, len(shared))
    return [
        Order(*key, len(each), len(shared), sum(each[p][0] for p in shared) / count, best / count)
        for key, each in found.items()
    ]


def read_choices(run: Run, problems: Mapping[str, Problem]) -> Iterator[Choice]:
    """Yield the choices on the way to every proof of a run.

    The first state, which the search was given, is no choice, nor is one in other variables.
    """
    for stored in run.trees():
        problem = problems.get(stored.problem_id)
        if problem is not None and stored.tree:
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
    reader = _Reader(trace, statement)
    on_the_way = {node.index for node in way}
    for right in way[1:]:
        chosen = reader.describe(right)
        if chosen is None:
            continue
        others = (n for n in reader.list_beside(right) if n.index not in on_the_way)
        found = [features for n in others if (features := reader.describe(n)) is not None]
        yield Choice(problem.benchmark, chosen, tuple(found))


class _Reader:
    """Reads the states of one trace."""

    def __init__(self, trace: Trace, statement: Statement) -> None:
        self._trace = trace
        self._names = set(statement.variables)
        claim = statement.claims[0]
        goal = begin(statement, claim)
        start = as_statement(goal, *read_sides(goal.expression))
        self._around = Surroundings(start, Filter(start))
        self._features: dict[int, dict[str, float] | None] = {}
        self._taken_up: dict[int, int] = {}
        """By state that was taken up, its first child: what is numbered from there on came later.
        """
        for node in trace.nodes:
            if node.parent is not None:
                self._taken_up.setdefault(node.parent, node.index)

    def list_beside(self, right: Node) -> Iterator[Node]:
        """Yield the states that waited at a time when this one did, too."""
        end = self._taken_up.get(right.index, len(self._trace.nodes))
        for node in self._trace.nodes[:end]:
            came_too_late = self._taken_up.get(node.index, end) <= right.index
            if node.index != right.index and not came_too_late:
                yield node

    def describe(self, node: Node) -> dict[str, float] | None:
        """Return a state's features; None of a node that is none, or is in other variables."""
        if node.index not in self._features:
            self._features[node.index] = self._describe(node)
        return self._features[node.index]

    def _describe(self, node: Node) -> dict[str, float] | None:
        match = STATE.fullmatch(node.text)
        before = STATE.fullmatch(self._trace.nodes[node.parent or 0].text)
        if match is None or before is None:
            return None
        larger, smaller = (read_expression(match[side]) for side in ("larger", "smaller"))
        if not (find_variables(larger) | find_variables(smaller)) <= self._names:
            return None
        line = self._trace.lineage(node.index)
        if any(n.text.startswith(CHANGES) for n in line):
            return None
        sides = (read_expression(before[side]) for side in ("larger", "smaller"))
        steps = sum(STATE.fullmatch(n.text) is not None for n in line) - 1
        broken = self._around.breaks_symmetry(larger, smaller)
        operators = sum(map(count_operators, sides))
        origin = Origin(steps, operators, match["tactic"] not in TACTICS, broken)
        slack = self._around.checked.measure_slack(larger, smaller)
        return describe(larger, smaller, slack, origin)


def fit_ranker(runs: Sequence[Run], problems: Mapping[str, Problem], out: Path) -> Fit:
    """Fit a ranker to runs and store it. Raises DataError: there is nothing to learn from."""
    found = fit([choice for run in runs for choice in read_choices(run, problems)])
    loops = [asdict(count_loops(run)) for run in runs]
    out.parent.mkdir(parents=True, exist_ok=True)
    replace_json(out, {**asdict(found), "loops": loops})
    return found
