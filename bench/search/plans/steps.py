"""How CPL's searches read candidates: steps of a plan, solutions, and what is neither.

A whole solution is one node, whether text or program: a program is run from an empty interpreter,
its output is appended to the node's text, and the last line printed is the answer.
"""

from __future__ import annotations

from collections.abc import Sequence

from bench.answers import final_answer
from bench.engines.base import Completion, Finish
from bench.prompts import output_block, without_addresses
from bench.prompts.plans import (
    ACTION_STOPS,
    Malformed,
    PlanStep,
    Solution,
    Solutions,
    read_action,
)
from bench.sandbox import Execution, Sandbox
from bench.search.steps import Reading, TaggedSteps
from bench.search.tree import Node, NodeKind, Trace

SOLUTIONS: Solutions = "code"
"""What solutions are unless told otherwise."""


class PlanSteps:
    """Reads actions of the plan format. Every node of a kind that is not valid is an end."""

    stops: Sequence[str] = ACTION_STOPS

    def __init__(self, sandbox: Sandbox, solutions: Solutions, depth: int | None = None) -> None:
        """Take solutions of one kind below plans of at most `depth` steps; None: of any length."""
        self._sandbox, self._solutions, self._depth = sandbox, solutions, depth

    async def run(self, trace: Trace, parent: Node, text: str) -> Execution | None:
        """Run a solution that is a program, where solutions are to be programs."""
        action = read_action(text, parent.depth + 1)
        if self._solutions != "code" or not isinstance(action, Solution):
            return None
        program = action.program
        return None if program is None else await self._sandbox.run(program, leaf=True)

    def read(
        self, trace: Trace, parent: Node, step: Completion, execution: Execution | None
    ) -> Reading:
        """Return what an action is."""
        match read_action(step.text, parent.depth + 1):
            case Malformed(reason, broke_off=True):
                cut = step.finish is Finish.LENGTH
                return Reading(step.text, NodeKind.CUT if cut else NodeKind.STOPPED, None, reason)
            case Malformed(reason):
                return Reading(step.text, NodeKind.MALFORMED, None, reason)
            case PlanStep() if parent.depth == self._depth:
                return Reading(step.text, NodeKind.TOO_DEEP, None, _explain_depth(parent.depth))
            case PlanStep():
                return Reading(step.text, NodeKind.STEP)
            case Solution() as solution:
                if self._solutions == "code":
                    return _read_program(step.text, execution)
                return _read_text(step.text, solution)

    def keep(self, node: Node, execution: Execution) -> None:
        """Keep nothing: nothing follows a solution."""

    def drop(
        self, trace: Trace, parent: Node, candidates: Sequence[Completion]
    ) -> list[NodeKind | None]:
        """Drop the repetitions of a text."""
        texts = [step.text for step in candidates]
        return [NodeKind.DUPLICATE if text in texts[:at] else None for at, text in enumerate(texts)]


def _explain_depth(depth: int) -> str:
    return f"the plan is longer than {depth} steps, the most that --plan-depth allows"


def _read_program(text: str, execution: Execution | None) -> Reading:
    if execution is None:
        reason = "the solution is no program: it does not begin with <code> (--solutions text)"
        return Reading(text, NodeKind.MALFORMED, None, reason)
    error = without_addresses(execution.error)
    if not execution.ok:
        return Reading(text, NodeKind.FAILED_CODE, None, error)
    text += output_block(execution.stdout)
    lines = execution.stdout.split("\n")
    answer = next((line.strip() for line in reversed(lines) if line.strip()), None)
    kind = NodeKind.NO_OUTPUT if answer is None else NodeKind.ANSWER
    return Reading(text, kind, answer, error)


def _read_text(text: str, solution: Solution) -> Reading:
    if solution.program is not None:
        reason = "the solution is a program, and is to be text (--solutions code)"
        return Reading(text, NodeKind.MALFORMED, None, reason)
    answer = final_answer(solution.body).answer
    return Reading(text, NodeKind.NO_ANSWER if answer is None else NodeKind.ANSWER, answer)


class LimitedSteps(TaggedSteps):
    """Steps of code as rStar-Math has them, of which one too many is an end."""

    def __init__(self, sandbox: Sandbox, depth: int) -> None:
        """Take solutions of at most `depth` steps, the answer not counted."""
        super().__init__(sandbox)
        self._depth = depth

    def read(
        self, trace: Trace, parent: Node, step: Completion, execution: Execution | None
    ) -> Reading:
        """Return what a step is; unfinished beyond the depth, an end."""
        reading = super().read(trace, parent, step, execution)
        if parent.depth == self._depth and reading.kind in (NodeKind.STEP, NodeKind.CODE_END):
            return Reading(reading.text, NodeKind.TOO_DEEP, None, reading.error)
        return reading
