"""Candidate steps: ask the policy, run their code, score what ran. Shared by all searches.

Under the paper's rules a candidate whose code fails is discarded: it stays in the trace, marked,
and is no child; code runs on top of the parent's interpreter state, which the sandbox keeps per
node. How the official code reads a candidate is in `bench.search.official.steps`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self

from bench.answers import final_answer
from bench.engines.base import Completion, Finish, Policy, Scoring, StepScorer, derive_seed
from bench.prompts import START, StepKind, code_of, kind_of, output_block, without_addresses
from bench.prompts.tags import END_OF_ANSWER, STEP_STOPS
from bench.sandbox import Execution, Sandbox
from bench.search.events import EventKind
from bench.search.official import steps as official
from bench.search.official.steps import Reading
from bench.search.rules import PAPER, Rules
from bench.search.tree import Node, NodeKind, Trace, new_trace
from bench.types import Problem


@dataclass(slots=True)
class Searcher:
    """One problem being searched: its trace so far and the parts that grow it.

    A context manager: what is kept for this search alone is given back at its end.
    """

    problem: Problem
    policy: Policy
    sandbox: Sandbox
    scoring: Scoring | None
    trace: Trace
    rules: Rules = PAPER
    max_depth: int = 16
    """Steps from the root to the deepest node that is searched."""
    executions: dict[int, Execution] = field(default_factory=dict)
    """The sandbox node of each tree node whose code ran; never stored."""

    @classmethod
    def start(
        cls,
        problem: Problem,
        policy: Policy,
        sandbox: Sandbox,
        scorer: StepScorer | None,
        *,
        search: str,
        seed: int,
        rules: Rules = PAPER,
        max_depth: int = 16,
        text: str = START,
    ) -> Searcher:
        """Begin a search at the empty solution, which holds `text`."""
        scoring = scorer.scoring(problem) if scorer is not None else None
        trace = new_trace(problem.id, search, seed, text, rules.name)
        return cls(problem, policy, sandbox, scoring, trace, rules, max_depth)

    def __enter__(self) -> Self:
        """Search."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Let go of what the scoring keeps; the trace stays."""
        if self.scoring is not None:
            self.scoring.close()

    async def propose(
        self,
        node: Node,
        n: int,
        stop: Sequence[str] = STEP_STOPS,
        *,
        greedy: bool = False,
        purpose: str = "propose",
    ) -> list[Completion]:
        """Ask the policy for `n` continuations of a node.

        The request's seed comes from (run seed, problem, path, purpose).
        """
        return await self.policy.propose(
            self.problem,
            self.trace.text(node.index),
            n=n,
            seed=derive_seed(self.trace.seed, self.problem.id, node.path, purpose),
            stop=stop,
            greedy=greedy,
        )

    async def run(self, parent: Node, text: str) -> Execution | None:
        """Run a candidate step's code; None where there is none to run."""
        if self.rules.whole_programs:
            return await official.run(self.sandbox, self.trace, parent, text)
        kind = kind_of(text)
        if kind not in (StepKind.STEP, StepKind.CODE_END):
            return None
        return await self.sandbox.run(
            code_of(text),
            parent=self.executions.get(parent.index),
            leaf=kind is StepKind.CODE_END,  # what follows is the answer, not code
        )

    def attach(
        self,
        parent: Node,
        candidate: int,
        step: Completion,
        execution: Execution | None,
        *,
        kind: NodeKind | None = None,
    ) -> Node:
        """Add one candidate step below `parent`: a `kind`, else what text and execution make it."""
        reading = self._read(parent, step, execution)
        node = self._add(parent, candidate, step, reading.text, kind or reading.kind)
        node.answer = reading.answer
        node.error = reading.error
        if execution is not None:
            node.status = str(execution.status)
            self.executions[node.index] = execution
            self.trace.code_seconds.append(execution.seconds)
            self.trace.record(EventKind.EXECUTED, node)
        return node

    def _add(
        self, parent: Node, candidate: int, step: Completion, text: str, kind: NodeKind
    ) -> Node:
        return self.trace.add(
            parent,
            candidate,
            text,
            kind,
            step.tokens,
            prompt=step.prompt_tokens,
            cached=step.cached_tokens,
        )

    def _read(self, parent: Node, step: Completion, execution: Execution | None) -> Reading:
        if self.rules.whole_programs:
            return official.read(
                self.trace,
                parent,
                step.text,
                execution,
                errors_threshold=self.rules.errors_threshold or 1,
                max_depth=self.max_depth,
            )
        text = step.text
        kind, answer = _classify(step, execution)
        if execution is not None and kind is NodeKind.CODE_END:
            printed = self._printed(parent) + execution.stdout
            text += output_block(printed)
            kind = NodeKind.CODE_END if printed.strip() else NodeKind.NO_OUTPUT
        error = "" if execution is None else without_addresses(execution.error)
        return Reading(text, kind, answer, error)

    def _printed(self, node: Node) -> str:
        """What the steps up to a node printed: the program's output is that of all its steps."""
        line = [*self.trace.lineage(node.index)]
        return "".join(self.executions[n.index].stdout for n in line if n.index in self.executions)

    async def expand(self, node: Node, candidates: int) -> list[Node]:
        """Give a node its children: `candidates` proposals, executed, the survivors scored."""
        return await self.take(node, await self.propose(node, candidates))

    async def take(
        self, node: Node, completions: Sequence[Completion], *, first: int = 0
    ) -> list[Node]:
        """Add candidates below a node and have those that can be searched scored."""
        children = await self.adopt(node, completions, first=first)
        await self.score(self.trace.text(node.index), [[child] for child in children])
        return children

    async def adopt(
        self, node: Node, completions: Sequence[Completion], *, first: int = 0
    ) -> list[Node]:
        """Add candidates, numbered from `first`, below a node; return those that can be searched.

        Executions overlap, nodes are added in candidate order: a trace must not depend on timing.
        """
        steps = list(zip(completions, self._dropped(completions), strict=True))
        kept = [step.text for step, drop in steps if drop is None]
        executions = iter(await asyncio.gather(*(self.run(node, text) for text in kept)))
        children = []
        for index, (step, drop) in enumerate(steps, start=first):
            if drop is not None:
                self._add(node, index, step, step.text, drop)
                continue
            child = self.attach(node, index, step, next(executions))
            if child.kind.is_valid:
                children.append(child)
        if not node.expanded:
            self.trace.record(EventKind.EXPANDED, node)
        return children

    async def imagine(
        self, node: Node, candidate: int, step: Completion
    ) -> tuple[Node, bool | None]:
        """Add a step that only looks ahead; say whether more can follow, None where it failed."""
        execution = await self.run(node, step.text)
        reading = self._read(node, step, execution)
        imagined = self.attach(node, candidate, step, execution, kind=NodeKind.LOOKAHEAD)
        if not reading.kind.is_valid:
            return imagined, None
        return imagined, reading.kind is not NodeKind.ANSWER

    def _dropped(self, completions: Sequence[Completion]) -> list[NodeKind | None]:
        """Say for each candidate why it is dropped unread, or None."""
        finished = [index for index, step in enumerate(completions) if _ends_with_answer(step.text)]
        seen: set[str] = set()
        dropped: list[NodeKind | None] = []
        for index, step in enumerate(completions):
            text = step.text if self.rules.tag_is_text else _without_tag(step.text)
            if text in seen:
                dropped.append(NodeKind.DUPLICATE)
            elif self.rules.first_answer_only and finished and index != finished[0]:
                dropped.append(NodeKind.NOT_FIRST)
            else:
                dropped.append(None)
            seen.add(text)
        return dropped

    async def score(self, partial: str, lines: Sequence[Sequence[Node]]) -> None:
        """Give every node of the lines of steps that continue `partial` its PPM value, if any."""
        if self.scoring is None or not lines:
            return
        scores = await self.scoring.score(partial, [[node.text for node in line] for line in lines])
        tokens = scores.by_path or (scores.tokens, *[0] * (len(lines) - 1))
        for line, values, cost in zip(lines, scores.values, tokens, strict=True):
            for node, value in zip(line, values, strict=True):
                self.trace.record(EventKind.SCORED, node, value, ppm=cost)
                cost = 0


def _classify(step: Completion, execution: Execution | None) -> tuple[NodeKind, str | None]:
    if execution is not None:
        if not execution.ok:
            return NodeKind.FAILED_CODE, None
        ended = kind_of(step.text) is StepKind.CODE_END
        return (NodeKind.CODE_END if ended else NodeKind.STEP), None
    if kind_of(step.text) is StepKind.CUT:
        return (NodeKind.CUT if step.finish is Finish.LENGTH else NodeKind.STOPPED), None
    answer = final_answer(step.text).answer
    return (NodeKind.NO_ANSWER if answer is None else NodeKind.ANSWER), answer


def _ends_with_answer(text: str) -> bool:
    return text.endswith(END_OF_ANSWER)


def _without_tag(text: str) -> str:
    for tag in STEP_STOPS:
        if text.endswith(tag):
            return text.removesuffix(tag)
    return text
