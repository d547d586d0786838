"""How the released code reads and runs one step.

Nothing is told apart by tags: a step with the substring `boxed` is an answer, any other is code. It
is run anew together with all steps before it, back to the last output, and what is observed decides
whether it erred.
"""

from __future__ import annotations

import inspect
from collections.abc import Sequence

from bench.engines.base import Completion
from bench.prompts import tags
from bench.sandbox import Execution, Sandbox, Status
from bench.search.official import executor
from bench.search.steps import Reading
from bench.search.tree import Node, NodeKind, Trace

_EXECUTOR = inspect.getsource(executor)

ERRORS_THRESHOLD = 1
"""Steps in a row with an error after which the last one is a dead end: 1 with a trained policy, 2
in the bootstrap round."""

UNFINISHED = {
    Status.TIMEOUT: "TimeoutError",
    Status.MEMORY: "MemoryError",
    Status.OUTPUT_LIMIT: "OutputLimitError",
    Status.CRASHED: "ProcessExpiredError",
    Status.REFUSED: "RefusedError",
}
"""Names for programs that were stopped from outside; the official code knows such errors too."""


class WholePrograms:
    """The released code's steps, for searches under the official rules."""

    stops = (tags.END_OF_STEP, tags.END_OF_CODE, tags.END_OF_ANSWER)

    def __init__(
        self, sandbox: Sandbox, max_depth: int, errors_threshold: int = ERRORS_THRESHOLD
    ) -> None:
        """Read steps; below `errors_threshold` an erroneous one is searched on like any other.

        A step below a node of depth `max_depth` that is no answer is a dead end.
        """
        self._sandbox = sandbox
        self._max_depth = max_depth
        self._errors_threshold = errors_threshold

    async def run(self, trace: Trace, parent: Node, text: str) -> Execution | None:
        """Run a step with all steps since the last output, in a fresh interpreter."""
        if is_answer(text):
            return None
        program = f"{_EXECUTOR}\n\nprint(observe({_program(trace, parent, text)!r}), end='')\n"
        return await self._sandbox.run(program, leaf=True)

    def read(
        self, trace: Trace, parent: Node, step: Completion, execution: Execution | None
    ) -> Reading:
        """Return what a step is: by the word `boxed`, and by what was observed."""
        reading = _read(trace, parent, step.text, execution, self._errors_threshold)
        if reading.kind in (NodeKind.STEP, NodeKind.CODE_END) and parent.depth >= self._max_depth:
            return Reading(reading.text, NodeKind.TOO_DEEP, None, reading.error)
        return reading

    def keep(self, node: Node, execution: Execution) -> None:
        """Keep nothing: every step runs in a fresh interpreter."""

    def drop(
        self, trace: Trace, parent: Node, candidates: Sequence[Completion]
    ) -> list[NodeKind | None]:
        """Drop all but the first that finish, and repetitions of a text, whatever tags end them."""
        finished = [at for at, step in enumerate(candidates) if _finishes(step.text)]
        seen: set[str] = set()
        dropped: list[NodeKind | None] = []
        for at, step in enumerate(candidates):
            text = _without_tag(step.text)
            if text in seen:
                dropped.append(NodeKind.DUPLICATE)
            elif finished and at != finished[0]:
                dropped.append(NodeKind.NOT_FIRST)
            else:
                dropped.append(None)
            seen.add(text)
        return dropped


def is_answer(step: str) -> bool:
    """Whether the official code looks for an answer in a step, and so does not run it."""
    return "boxed" in step


def _finishes(text: str) -> bool:
    return text.endswith(tags.END_OF_ANSWER)


def _without_tag(text: str) -> str:
    for tag in WholePrograms.stops:
        if text.endswith(tag):
            return text.removesuffix(tag)
    return text


def _read(
    trace: Trace, parent: Node, step: str, execution: Execution | None, errors_threshold: int
) -> Reading:
    if execution is None:
        answer = boxed_answer(step)
        return Reading(step, NodeKind.ANSWER if answer else NodeKind.STEP, answer or None)
    observed = _observed(execution)
    shown = f"{tags.OUTPUT}{observed}{tags.END_OF_OUTPUT}"
    ended = tags.END_OF_CODE in step
    text = f"{step}\n{shown}" if ended else step
    kind = NodeKind.CODE_END if ended else NodeKind.STEP
    if "error" not in observed.lower():
        return Reading(text, kind)
    if 1 + _errors(trace, parent) < errors_threshold:
        return Reading(text, kind, None, observed)
    # A dead end shows its error as output; where an output is shown already, it is wrapped twice.
    if ended:
        shown = f"{tags.OUTPUT}{shown}{tags.END_OF_OUTPUT}"
    else:
        step += tags.END_OF_CODE
    return Reading(f"{step}\n{shown}", NodeKind.FAILED_CODE, None, observed)


def _observed(execution: Execution) -> str:
    if execution.ok:
        return execution.stdout.strip()
    name = UNFINISHED.get(execution.status, "Error")
    return f"{name}: {execution.error}"


def _errors(trace: Trace, node: Node) -> int:
    """Count the steps with errors that end with `node`, without a good one between them."""
    line = reversed(trace.lineage(node.index))
    count = 0
    for each in line:
        if not each.error:
            break
        count += 1
    return count


def _program(trace: Trace, parent: Node, step: str) -> str:
    """Return the code of a step and of those before it, back to the last one with an output."""
    steps = [step]
    for node in [*reversed(trace.lineage(parent.index)), trace.nodes[0]]:
        if tags.END_OF_OUTPUT in node.text or tags.END_OF_CODE in node.text:
            break
        if not is_answer(node.text):
            steps.append(node.text)
    return _code("".join(reversed(steps)))


def _code(text: str) -> str:
    """Return the lines between the code tags; where there is no opening tag, the whole text."""
    text = text.replace(tags.END_OF_STEP, "")
    program, inside = "", False
    for line in text.split("\n"):
        if tags.CODE in line:
            program += "\n# ========\n"
            inside = True
        elif tags.END_OF_CODE in line:
            inside = False
        elif inside:
            program += line + "\n"
    return (program or text).strip()


def boxed_answer(step: str) -> str:
    r"""Return what the official code takes for the answer of a step that holds `boxed`.

    The content of the last `\boxed{` before the first full stop that ends a line; without such a
    box the whole sentence. May be empty.
    """
    sentence = step.split(".\n")[0].strip().removesuffix(".").strip()
    start = sentence.rfind("\\boxed{")
    if start < 0:
        return _without_text(sentence)
    box = sentence[start:]
    begin, end = start, None  # as released: for a box without any end, an offset into the sentence
    opened: list[int] = []
    for at, character in enumerate(box):
        if character == "{":
            opened.append(at)
        elif character == "}":
            begin = opened.pop()
            if not opened:
                end = at
                break
    return _without_text(box[begin + 1 : end])


def _without_text(answer: str) -> str:
    r"""Unwrap the first `\text{...}` of an answer, dropping it where it says only "and"."""
    start = answer.find("\\text{")
    if start < 0:
        return answer
    depth = 0
    for at in range(start, len(answer)):
        depth += {"{": 1, "}": -1}.get(answer[at], 0)
        if answer[at] == "}" and depth == 0:
            inside = answer[start + len("\\text{") : at].strip()
            return (answer[:start] + ("" if inside == "and" else inside) + answer[at + 1 :]).strip()
    return "[invalid]"
