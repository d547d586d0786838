"""How a search reads candidate steps: which text to run, what a step is, which two are one.

A `StepReader` is the door through which a text format comes into the searches. `TaggedSteps` is the
paper's: a tag at a step's end says what it is, and its code runs on the interpreter state of its
parent. The released code's reading is `bench.search.official.steps`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from bench.answers import final_answer
from bench.engines.base import Completion, Finish
from bench.prompts import (
    StepKind,
    code_of,
    kind_of,
    output_block,
    shown_output,
    without_addresses,
)
from bench.prompts.tags import END_OF_OUTPUT, STEP_STOPS
from bench.sandbox import Execution, Sandbox
from bench.search.tree import Node, NodeKind, Trace


@dataclass(frozen=True, slots=True)
class Reading:
    """What a step is, and its text with the output that the executor appended."""

    text: str
    kind: NodeKind
    answer: str | None = None
    error: str = ""
    """How the step's code failed; empty where it did not."""


class StepReader(Protocol):
    """Runs, reads and compares candidate steps; one reader serves one search."""

    @property
    def stops(self) -> Sequence[str]:
        """What ends a step that is being written."""
        ...

    async def run(self, trace: Trace, parent: Node, text: str) -> Execution | None:
        """Run a candidate step's code below `parent`; return None where there is none to run."""
        ...

    def read(
        self, trace: Trace, parent: Node, step: Completion, execution: Execution | None
    ) -> Reading:
        """Return what a step below `parent` is."""
        ...

    def keep(self, node: Node, execution: Execution) -> None:
        """Hear that a node was made of an execution, on which its children will build."""
        ...

    def drop(
        self, trace: Trace, parent: Node, candidates: Sequence[Completion]
    ) -> list[NodeKind | None]:
        """Return for each candidate of `parent` why it is dropped unread, or None."""
        ...


class TaggedSteps:
    """The paper's steps, which end with a tag.

    A candidate whose code fails is discarded: it stays in the trace, marked, and is no child.
    """

    stops = STEP_STOPS

    def __init__(self, sandbox: Sandbox) -> None:
        """Keep no interpreter yet."""
        self._sandbox = sandbox
        self._executions: dict[int, Execution] = {}
        """By the index of each node whose code ran; the sandbox keeps its interpreter."""

    async def run(self, trace: Trace, parent: Node, text: str) -> Execution | None:
        """Run a step's code on the interpreter state of its parent."""
        kind = kind_of(text)
        if kind not in (StepKind.STEP, StepKind.SHOWN, StepKind.CODE_END):
            return None
        return await self._sandbox.run(
            code_of(text),
            parent=self._executions.get(parent.index),
            leaf=kind is StepKind.CODE_END,  # what follows is the answer, not code
        )

    def read(
        self, trace: Trace, parent: Node, step: Completion, execution: Execution | None
    ) -> Reading:
        """Return what a step is: by its tag, and by how its code ended."""
        if execution is None:
            return _read_unrun(step)
        error = without_addresses(execution.error)
        if not execution.ok:
            return Reading(step.text, NodeKind.FAILED_CODE, None, error)
        ended = kind_of(step.text)
        if ended is StepKind.STEP:
            return Reading(step.text, NodeKind.STEP, None, error)
        # A program's output is that of all its steps, but for what has been shown on the way.
        printed = self._printed(trace, parent) + execution.stdout
        if ended is StepKind.SHOWN:
            return Reading(step.text + shown_output(printed), NodeKind.STEP, None, error)
        kind = NodeKind.CODE_END if printed.strip() else NodeKind.NO_OUTPUT
        return Reading(step.text + output_block(printed), kind, None, error)

    def keep(self, node: Node, execution: Execution) -> None:
        """Keep the execution: its interpreter is what the node's children start from."""
        self._executions[node.index] = execution

    def drop(
        self, trace: Trace, parent: Node, candidates: Sequence[Completion]
    ) -> list[NodeKind | None]:
        """Drop the repetitions of a text; a different tag makes a different step."""
        seen: set[str] = set()
        dropped: list[NodeKind | None] = []
        for step in candidates:
            dropped.append(NodeKind.DUPLICATE if step.text in seen else None)
            seen.add(step.text)
        return dropped

    def _printed(self, trace: Trace, node: Node) -> str:
        printed = ""
        for each in trace.lineage(node.index):
            if each.index in self._executions:
                printed += self._executions[each.index].stdout
            if each.kind in (NodeKind.STEP, NodeKind.LOOKAHEAD) and END_OF_OUTPUT in each.text:
                printed = ""  # shown where the step asked for it
        return printed


class RepeatableSteps(TaggedSteps):
    """Tagged steps, of which two equal ones below one parent are two."""

    def drop(
        self, trace: Trace, parent: Node, candidates: Sequence[Completion]
    ) -> list[NodeKind | None]:
        """Drop none."""
        return [None] * len(candidates)


def _read_unrun(step: Completion) -> Reading:
    """Return what a step without code is: an answer, or a text that broke off."""
    if kind_of(step.text) is StepKind.CUT:
        cut = step.finish is Finish.LENGTH
        return Reading(step.text, NodeKind.CUT if cut else NodeKind.STOPPED)
    answer = final_answer(step.text).answer
    return Reading(step.text, NodeKind.NO_ANSWER if answer is None else NodeKind.ANSWER, answer)
