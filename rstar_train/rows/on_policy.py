"""Rows for a PPM out of what the policy itself writes, merged into one tree of texts a problem.

A PPM that is trained on the trees of the policy before, guided by the PPM before, is asked about
other texts than it learnt from. Here the round's new policy writes whole solutions of a problem.
Where two begin with the same steps they are one path, so that a prefix is worth the mean outcome of
the solutions that go on from it: Q = +1 if all were right, -1 if none was. A solution that broke
off counts as wrong, and its last text is left out.

Two kinds of rows come of it. Values say what every prefix is worth, so that scores compare over
depths and prefixes, the step that answers among them. Pairs compare the steps below one prefix, and
whole solutions: right ones with the wrong ones that a vote would choose, and that look like them.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import product

from bench.answers import canonicalize
from bench.prompts import OFFICIAL, START
from bench.runs.record import Record
from bench.search import Trace
from bench.types import Outcome, Problem
from rstar_train.rows.paper import TOP
from rstar_train.rows.row import OutcomeRow, PairRow, StepRow


@dataclass(frozen=True, slots=True)
class Solution:
    """One solution that was sampled."""

    steps: tuple[str, ...]
    """Without a last one that broke off."""
    answer: str | None
    """None where there was none."""
    right: bool


@dataclass(slots=True)
class Prefix:
    """The beginning of one or more solutions."""

    count: int = 0
    right: int = 0
    next: dict[str, Prefix] = field(default_factory=dict)
    """By the step that follows."""

    @property
    def q(self) -> float:
        """Mean outcome of the solutions that begin so, from -1 to 1."""
        return 2 * self.right / self.count - 1


def read_solutions(record: Record, trace: Trace) -> list[Solution]:
    """Return the solutions of a run of samples; those that the harness failed on are left out."""
    found = []
    for end, sample in zip(trace.rollouts, record.samples, strict=True):
        if sample.outcome.is_failure:
            continue
        steps = tuple(node.text for node in trace.lineage(end) if node.kind.is_valid)
        answer = sample.answer if end in trace.finished else None
        found.append(Solution(steps, answer, sample.outcome is Outcome.CORRECT))
    return found


def merge(solutions: Iterable[Solution]) -> Prefix:
    """Return the tree of all beginnings; its root is the empty one."""
    root = Prefix()
    for solution in solutions:
        at = root
        at.count, at.right = at.count + 1, at.right + solution.right
        for step in solution.steps:
            at = at.next.setdefault(step, Prefix())
            at.count, at.right = at.count + 1, at.right + solution.right
    return root


def value_rows(problem: Problem, solutions: Sequence[Solution]) -> list[StepRow]:
    """Return what every beginning is worth, weighted by the share of solutions that begin so."""
    root = merge(solutions)
    return [
        StepRow(problem.id, _prompt(problem, before), step, prefix.q, prefix.count / root.count)
        for before, step, prefix in _walk(root, "")
    ]


def pair_rows(problem: Problem, solutions: Sequence[Solution]) -> list[PairRow]:
    """Return the preference pairs of a problem that was solved sometimes and not always."""
    return [*_step_pairs(problem, merge(solutions)), *_solution_pairs(problem, solutions)]


def outcome_rows(problem: Problem, solutions: Sequence[Solution]) -> list[OutcomeRow]:
    """Return every finished solution once, right or wrong."""
    rows = {"".join(each.steps): each.right for each in solutions if each.answer is not None}
    return [
        OutcomeRow(problem.id, _prompt(problem, ""), text, right) for text, right in rows.items()
    ]


def _walk(prefix: Prefix, text: str) -> Iterable[tuple[str, str, Prefix]]:
    """Yield the text before each step of a tree, the step, and the beginning that it ends."""
    for step, after in prefix.next.items():
        yield text, step, after
        yield from _walk(after, text + step)


def _step_pairs(problem: Problem, root: Prefix) -> Iterable[PairRow]:
    """Yield the best two steps below each prefix with a right solution against the worst two."""
    tree = [("", root), *((text + step, after) for text, step, after in _walk(root, ""))]
    for text, prefix in tree:
        by_q = sorted(prefix.next.items(), key=lambda item: item[1].q)
        good = [item for item in reversed(by_q) if item[1].right][:TOP]
        bad = [item for item in by_q if not item[1].right][:TOP]
        for (chosen, better), (rejected, worse) in product(good, bad):
            yield PairRow(
                problem.id,
                _prompt(problem, text),
                chosen,
                rejected,
                "step",
                1 / (len(good) * len(bad)),
                len(good),
                len(bad),
                better.q - worse.q,
            )


def _solution_pairs(problem: Problem, solutions: Sequence[Solution]) -> Iterable[PairRow]:
    """Yield right solutions against those of the wrong answers that are hardest to tell from them.

    Hard is a wrong answer with the right one's sign and length, which a scorer learns first where
    it may, and of those the most frequent.
    """
    by_answer: dict[str, list[str]] = defaultdict(list)
    right: list[str] = []
    looks: Counter[tuple[str, int]] = Counter()
    for each in solutions:
        if each.answer is None:
            continue
        text = "".join(each.steps)
        if each.right:
            right.append(text)
            looks[_look(each.answer)] += 1
        else:
            by_answer[canonicalize(each.answer)].append(text)
    chosen = list(dict.fromkeys(right))[:TOP]
    hardest = sorted(
        by_answer, key=lambda answer: (looks[_look(answer)], len(by_answer[answer])), reverse=True
    )
    rejected = [by_answer[answer][0] for answer in hardest[:TOP]]
    for better, worse in product(chosen, rejected):
        yield PairRow(
            problem.id,
            _prompt(problem, ""),
            better,
            worse,
            "solution",
            1 / (len(chosen) * len(rejected)),
            len(chosen),
            len(rejected),
            2.0,
        )


def _look(answer: str) -> tuple[str, int]:
    """Return what is seen of an answer at first sight: its sign and how many digits it has."""
    return ("-" if answer.strip().startswith("-") else "+", len(re.findall(r"\d", answer)))


def _prompt(problem: Problem, before: str) -> str:
    return OFFICIAL.render(problem.question, START + before)
