"""A tree being grown: ask the policy for candidates, run their code, score what ran.

Shared by all searches. How a candidate is read is a `StepReader`'s business (`bench.search.steps`);
which node is expanded next, and what is backed up, is the search's.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from contextvars import ContextVar
from dataclasses import dataclass
from types import TracebackType
from typing import Self

from bench.checkpoints.ppm_config import LAST
from bench.engines.base import Completion, Policy, Scoring, StepScorer, derive_seed
from bench.prompts import START
from bench.sandbox import Execution
from bench.search.events import EventKind
from bench.search.selection import value_path
from bench.search.steps import Reading, StepReader
from bench.search.tree import Node, NodeKind, Trace, new_trace
from bench.types import Problem

WATCH: ContextVar[Callable[[Trace], None] | None] = ContextVar("WATCH", default=None)
"""Hears of the trace of every search that begins in its context: who may end a search early has
there what it has found by then."""


@dataclass(slots=True)
class Expander:
    """One problem being searched: its trace so far and the parts that grow it.

    A context manager: what is kept for this search alone is given back at its end.
    """

    problem: Problem
    policy: Policy
    steps: StepReader
    scoring: Scoring | None
    trace: Trace
    aggregate: str
    """How the PPM's scores of a path become one number, where rules go by paths."""

    @classmethod
    def start(
        cls,
        problem: Problem,
        policy: Policy,
        steps: StepReader,
        scorer: StepScorer | None,
        *,
        search: str,
        seed: int,
        rules: str = "paper",
        text: str = START,
    ) -> Expander:
        """Begin a search at the empty solution, which holds `text`."""
        scoring = scorer.scoring(problem) if scorer is not None else None
        trace = new_trace(problem.id, search, seed, text, rules)
        watch = WATCH.get()
        if watch is not None:
            watch(trace)
        aggregate = LAST if scorer is None else scorer.aggregate
        return cls(problem, policy, steps, scoring, trace, aggregate)

    def __enter__(self) -> Self:
        """Return the expander itself."""
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
        stop: Sequence[str] | None = None,
        *,
        greedy: bool = False,
        purpose: str = "propose",
    ) -> list[Completion]:
        """Ask the policy for `n` continuations of a node; without `stop`, for steps.

        The request's seed comes from (run seed, problem, path, purpose).
        """
        return await self.policy.propose(
            self.problem,
            self.trace.text(node.index),
            n=n,
            seed=derive_seed(self.trace.seed, self.problem.id, node.path, purpose),
            stop=self.steps.stops if stop is None else stop,
            greedy=greedy,
        )

    async def add_candidates(
        self, node: Node, completions: Sequence[Completion], *, first: int = 0
    ) -> list[Node]:
        """Run candidates and add them, numbered from `first`; return those that can be searched.

        Executions overlap, nodes are added in candidate order: a trace must not depend on timing.
        """
        dropped_as = self.steps.drop(self.trace, node, completions)
        candidates = list(zip(completions, dropped_as, strict=True))
        kept = [step.text for step, dropped in candidates if dropped is None]
        executions = iter(await asyncio.gather(*(self.run(node, text) for text in kept)))
        children = []
        for index, (step, dropped) in enumerate(candidates, start=first):
            if dropped is not None:
                self._add(node, index, step, Reading(step.text, dropped))
                continue
            child = self.add_step(node, index, step, next(executions))
            if child.kind.is_valid:
                children.append(child)
        if not node.expanded:
            self.trace.record(EventKind.EXPANDED, node)
        return children

    async def run(self, parent: Node, text: str) -> Execution | None:
        """Run a candidate step's code; None where there is none to run."""
        return await self.steps.run(self.trace, parent, text)

    def add_step(
        self,
        parent: Node,
        candidate: int,
        step: Completion,
        execution: Execution | None,
        *,
        kind: NodeKind | None = None,
    ) -> Node:
        """Add one executed step below `parent`: of a `kind`, else of what it reads as."""
        reading = self.steps.read(self.trace, parent, step, execution)
        node = self._add(parent, candidate, step, reading, kind)
        if execution is not None:
            node.status = str(execution.status)
            self.steps.keep(node, execution)
            self.trace.code_seconds.append(execution.seconds)
            self.trace.record(EventKind.EXECUTED, node)
        return node

    def _add(
        self,
        parent: Node,
        candidate: int,
        step: Completion,
        reading: Reading,
        kind: NodeKind | None = None,
    ) -> Node:
        node = self.trace.add(
            parent,
            candidate,
            reading.text,
            kind or reading.kind,
            step.tokens,
            prompt=step.prompt_tokens,
            cached=step.cached_tokens,
            logprob=step.total_logprob,
        )
        node.answer, node.error = reading.answer, reading.error
        return node

    async def score(self, node: Node, paths: Sequence[Sequence[Node]]) -> None:
        """Give every step of the paths that continue `node` its PPM value, where there is a PPM."""
        if self.scoring is None or not paths:
            return
        partial = self.trace.text(node.index)
        scores = await self.scoring.score(partial, [[step.text for step in path] for path in paths])
        tokens = scores.by_path or (scores.tokens, *[0] * (len(paths) - 1))
        for path, values, cost in zip(paths, scores.values, tokens, strict=True):
            for step, value in zip(path, values, strict=True):
                self.trace.record(EventKind.SCORED, step, value, ppm=cost)
                cost = 0

    def value_path(self, node: Node) -> float:
        """Return the PPM's value, in [-1, 1], of the path to a node whose steps are scored.

        The PPM's own aggregate makes it of their scores.
        """
        scores = [each.value for each in self.trace.lineage(node.index)]
        return value_path([score for score in scores if score is not None], self.aggregate)
