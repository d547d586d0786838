"""Candidate steps: ask the policy, run their code, score what ran. Shared by all searches.

A candidate whose code fails is discarded, as the paper does: it stays in the trace, marked, and is
no child. Code runs on top of the parent's interpreter state, which the sandbox keeps per node.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Self

from bench.answers import final_answer
from bench.engines.base import Completion, Finish, Policy, Scoring, StepScorer, derive_seed
from bench.prompts import START, StepKind, code_of, kind_of, output_block, without_addresses
from bench.prompts.tags import STEP_STOPS
from bench.sandbox import Execution, Sandbox
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
    executions: dict[int, Execution]
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
    ) -> Searcher:
        """Begin a search at the empty solution."""
        scoring = scorer.scoring(problem) if scorer is not None else None
        return cls(
            problem, policy, sandbox, scoring, new_trace(problem.id, search, seed, START), {}
        )

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
        self, node: Node, n: int, stop: Sequence[str], *, greedy: bool = False
    ) -> list[Completion]:
        """Ask the policy for `n` continuations of a node, seeded by (run seed, problem, path)."""
        completions = await self.policy.propose(
            self.problem,
            self.trace.text(node.index),
            n=n,
            seed=derive_seed(self.trace.seed, self.problem.id, node.path, "propose"),
            stop=stop,
            greedy=greedy,
        )
        self.trace.usage.policy_prompt += sum(c.prompt_tokens for c in completions)
        self.trace.usage.policy_generated += sum(c.tokens for c in completions)
        return completions

    async def run(self, parent: Node, text: str) -> Execution | None:
        """Run a candidate step's code on its parent's state; None where there is none to run."""
        kind = kind_of(text)
        if kind not in (StepKind.STEP, StepKind.CODE_END):
            return None
        return await self.sandbox.run(
            code_of(text),
            parent=self.executions.get(parent.index),
            leaf=kind is StepKind.CODE_END,  # what follows is the answer, not code
        )

    def attach(
        self, parent: Node, candidate: int, step: Completion, execution: Execution | None
    ) -> Node:
        """Add one candidate step below `parent`, as what its text and its execution make it."""
        text = step.text
        kind, answer = self._classify(step, execution)
        if execution is not None:
            self.trace.usage.executions += 1
            if kind is NodeKind.CODE_END:
                printed = self._printed(parent) + execution.stdout
                text += output_block(printed)
                kind = NodeKind.CODE_END if printed.strip() else NodeKind.NO_OUTPUT
        node = self.trace.add(parent, candidate, text, kind, step.tokens)
        node.answer = answer
        if execution is not None:
            node.status = str(execution.status)
            node.error = without_addresses(execution.error)
            self.executions[node.index] = execution
        return node

    @staticmethod
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

    def _printed(self, node: Node) -> str:
        """What the steps up to a node printed: the program's output is that of all its steps."""
        line = [*self.trace.lineage(node.index)]
        return "".join(self.executions[n.index].stdout for n in line if n.index in self.executions)

    async def expand(self, node: Node, candidates: int) -> None:
        """Give a node its children: `candidates` proposals, executed, the survivors scored."""
        completions = await self.propose(node, candidates, STEP_STOPS)
        node.expanded = True
        distinct = list(dict.fromkeys(completion.text for completion in completions))
        # Executions overlap, nodes are added in candidate order: a trace must not depend on timing.
        ran = await asyncio.gather(*(self.run(node, text) for text in distinct))
        executions = dict(zip(distinct, ran, strict=True))
        for index, step in enumerate(completions):
            if step.text in executions:
                self.attach(node, index, step, executions.pop(step.text))
            else:
                self.trace.add(node, index, step.text, NodeKind.DUPLICATE, step.tokens)
        children = [self.trace.nodes[index] for index in node.children]
        await self.score(self.trace.text(node.index), [[child] for child in children])

    async def score(self, partial: str, lines: Sequence[Sequence[Node]]) -> None:
        """Give every node of the lines of steps that continue `partial` its PPM value, if any."""
        if self.scoring is None or not lines:
            return
        scores = await self.scoring.score(partial, [[node.text for node in line] for line in lines])
        self.trace.usage.ppm += scores.tokens
        for line, values in zip(lines, scores.values, strict=True):
            for node, value in zip(line, values, strict=True):
                node.value = value
