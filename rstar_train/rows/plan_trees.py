"""What training takes of CPL's trees besides pairs: solutions to imitate, values to regress.

To imitate (the released code): of each question at most `per_question` paths, drawn with a seed, of
those whose end is worth 1 and none of whose steps is worth -1. To regress: q of every step and
solution on a path from the root to a solution, right or wrong. A path counts once for each of its
nodes, so a node weighs as much as there are solutions below it.

A program's output is in the text of a tree, where the value model reads it in search too. The
policy does not write it and is not taught to.
"""

from __future__ import annotations

import random
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from statistics import fmean

from bench.prompts.plans import PLANS, START_OF_PLAN, without_output
from bench.search import Node, NodeKind, Trace
from bench.types import Problem
from rstar_train.cpl_figures import PlanRowFigures
from rstar_train.recipes.cpl import PlanRowSettings
from rstar_train.rows.making import read_traces
from rstar_train.rows.row import SFTRow, StepRow, read_rows, write_rows
from rstar_train.search.pool import family_of

SFT, VALUES = "sft.jsonl", "values.jsonl"

SOLUTIONS = frozenset(
    {NodeKind.ANSWER, NodeKind.FAILED_CODE, NodeKind.NO_OUTPUT, NodeKind.NO_ANSWER}
)
"""What a well-formed solution is in a tree: finished, or a program or text without an answer."""


def is_solution(node: Node) -> bool:
    """Whether a node is a solution that the search has judged."""
    return node.kind in SOLUTIONS and node.visits > 0


def written(nodes: Iterable[Node]) -> str:
    """Return what the policy wrote of some nodes, one after the other."""
    return "".join(without_output(node.text) for node in nodes)


def sft_rows(
    problem: Problem, traces: Sequence[Trace], settings: PlanRowSettings, *, seed: int
) -> list[SFTRow]:
    """Return the solutions to imitate of a problem, out of all its trees."""
    found: dict[str, float] = {}
    for trace in traces:
        for index in trace.finished:
            path = trace.lineage(index)
            if path[-1].mean == 1 and all(node.mean != -1 for node in path):
                found.setdefault(written(path), fmean(node.mean for node in path))
    texts = list(found)
    random.Random(f"{seed}:{problem.id}").shuffle(texts)
    prompt = PLANS.render(problem.question, START_OF_PLAN)
    return [
        SFTRow(problem.id, prompt, text, found[text]) for text in texts[: settings.per_question]
    ]


def value_rows(problem: Problem, trace: Trace) -> list[StepRow]:
    """Return q of every step and solution on the paths to solutions, weighted by the paths."""
    paths: Counter[int] = Counter()
    for end in filter(is_solution, trace.nodes):
        paths.update(node.index for node in trace.lineage(end.index))
    rows = []
    for index in sorted(paths):
        node = trace.nodes[index]
        assert node.parent is not None, "the root is on no path"
        prompt = PLANS.render(problem.question, trace.text(node.parent))
        # Up to rounding, where the value model's scores are in q.
        q = max(-1.0, min(1.0, node.mean))
        rows.append(StepRow(problem.id, prompt, node.text, q, float(paths[index])))
    return rows


def make_rows(
    problems: Sequence[Problem],
    trees: Path,
    settings: PlanRowSettings,
    folder: Path,
    earlier: Path | None = None,
    *,
    seed: int,
) -> PlanRowFigures:
    """Write the rows of `problems`, from the run directory `trees`, into `folder`.

    `earlier` is the folder of the round before's rows, from which questions that this round gave no
    solution are carried over where the settings say so. Raises DataError, RunDirError.
    """
    solutions: list[SFTRow] = []
    values: list[StepRow] = []
    count, searched = 0, set[str]()
    for problem, traces in read_traces(problems, trees, Counter()):
        count += len(traces)
        searched.add(problem.id)
        solutions += sft_rows(problem, traces, settings, seed=seed)
        values += [row for trace in traces for row in value_rows(problem, trace)]
    if earlier is not None and settings.carry_over:
        have = {row.problem_id for row in solutions}
        kept = [row for row in read_rows(SFTRow, earlier / SFT) if row.problem_id not in have]
        solutions += kept
    solved = {row.problem_id for row in solutions}
    without = [problem.id in searched for problem in problems if problem.id not in solved]
    write_rows(solutions, folder / SFT)
    write_rows(values, folder / VALUES)
    return PlanRowFigures(
        problems=len(problems),
        trees=count,
        sft_rows=len(solutions),
        problems_with_solutions=len(solved),
        values=len(values),
        sft_by_family=_by_family(problems, solutions),
        dropped={
            "problems not searched": without.count(False),
            "problems unsolved": without.count(True),
        },
    )


def _by_family(problems: Sequence[Problem], rows: Sequence[SFTRow]) -> Mapping[str, int]:
    families = {problem.id: family_of(problem) for problem in problems}
    counts: dict[str, int] = defaultdict(int)
    for row in rows:
        counts[families[row.problem_id]] += 1
    return dict(sorted(counts.items()))
