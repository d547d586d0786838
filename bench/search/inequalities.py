"""Searches that decide a statement: a proof with its certificate, or a point that refutes it.

They ask no model. Such a search is a settings class and a function `decide(statement, config)` of a
module, and an entry of the registry; what is here is shared. Statements are decided in processes of
their own, one on a core, since a proof is nothing but computing. A problem's cost is the processor
time of its process, in which a busy neighbour has no say.

No record holds a time, and two runs have the same records, but for what its time cut short: where a
problem or a strategy's share of it came to its end, a faster run may prove what a slower one leaves
open, or by other steps, and a trace of what stayed open may have more states.

The trace has the statement as it was read at its root, a node for each step of the certificate, and
the answer below them (`bench.answers.verifiers.certificate`). What was not decided ends in a node
that says why.
"""

from __future__ import annotations

import asyncio
import json
import logging
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Annotated, Any, Literal

from bench.answers.processes import Died, Lost, Overdue, Processes, count_cores, result_of
from bench.engines.base import Completion
from bench.errors import EngineError
from bench.knobs import SANE, Positive, Range
from bench.search.events import EventKind
from bench.search.settings import SearchConfig
from bench.search.tree import ROOT, Node, NodeKind, Trace, new_trace
from bench.types import Problem

if TYPE_CHECKING:  # what decides is imported where it works: the caller needs no solver
    from bench.inequalities.deciding import Decision, Explored
    from bench.inequalities.statements import Statement

log = logging.getLogger(__name__)

MEMORY = 4 << 30
"""Bytes that deciding one statement may take."""
OVERRUN = 3.0
"""Multiple of its processor time after which a search that does not stop is ended."""
WAIT = 50.0
"""Multiple of that time, by the wall clock, after which the machine gives it none."""
BRIEF = 60
"""Characters of a step's parameter that are shown."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Deciding(SearchConfig):
    """The knobs of every search that decides statements."""

    cpu_seconds: Positive = 60.0
    """Processor time of a problem at most."""
    z3_seconds: Annotated[float, Range(0, sane=SANE)] = 0.0
    """What z3 has of it, to find a counterexample where no proof is found; 0 does not ask it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Closers(Deciding):
    """The prover alone has no other knobs."""


KINDS = {"refuted": NodeKind.REFUTED, "unproved": NodeKind.UNPROVED}
"""Of the states that a search dropped."""

Decide = Callable[["Statement", Any, int], "Decision"]
"""`decide(statement, config, seed)`, a function of a module: it is called in another process."""


def decide_by_closers(statement: Statement, config: Closers, seed: int) -> Decision:
    """Look for a counterexample, then try the prover's strategies, which draw nothing."""
    from bench.inequalities.deciding import decide_statement

    return decide_statement(statement, config.cpu_seconds, z3_seconds=config.z3_seconds)


@dataclass(frozen=True, slots=True)
class Finding:
    """What was found out about a text, as plain data."""

    verdict: Literal["proved", "refuted", "open", "unsupported"]
    cpu_seconds: float | None
    """None where the process did not live to tell."""
    statement: str = ""
    """As it was read; empty where it could not be."""
    certificate: Mapping[str, Any] | None = None
    refutation: Mapping[str, Any] | None = None
    """`{"refuted": point, "claim": number}`, rationals as texts."""
    reason: str = ""
    """Why it is neither proved nor refuted."""
    steps: Sequence[str] = field(default=())
    """The certificate's steps in words."""
    explored: Sequence[Explored] = field(default=())
    """What a search looked at, where there was one."""
    tried: Mapping[str, int] = field(default_factory=dict)
    """How often each kind of attempt was made at a proof. No record has it: the clock has a say."""


class Provers:
    """Processes in which statements are decided, started by the first question."""

    def __init__(self, count: int | None = None) -> None:
        """Start nothing yet; as many as there are cores, unless told otherwise."""
        self.count = count or count_cores()
        self._processes = Processes(self.count, MEMORY, _warm_prover)

    async def find(
        self,
        decide: Decide,
        text: str,
        config: Deciding,
        assume: Sequence[str] = (),
        seed: int = 0,
    ) -> Finding:
        """Return what `decide` finds out about a text. Raises EngineError: it failed."""
        future = self._processes.submit(
            _find_within_limits,
            decide,
            text,
            tuple(assume),
            config,
            seed,
            timeout=WAIT * (config.cpu_seconds + 1),
        )
        waiting = asyncio.wrap_future(future)
        await asyncio.wait([waiting])
        if not waiting.cancelled():
            waiting.exception()  # taken note of, or asyncio complains; what it means is said below
        try:
            found: Finding = result_of(future)
        except (Died, Overdue) as error:
            return Finding("open", None, reason=f"it did not stop by itself: {error}")
        except Lost as error:
            # Stuck among them: the machine gave no time, which leaves no statement open.
            raise EngineError(
                f"no process could be kept to decide statements in: {error}"
            ) from error
        except Exception as error:
            # Broad on purpose: whatever a prover raises is a fault of ours, and of this problem.
            raise EngineError(f"the prover failed: {type(error).__name__}: {error}") from error
        return found

    def close(self) -> None:
        """Stop the processes, unfinished questions included."""
        self._processes.close()


def _warm_prover() -> None:
    """Load the prover. Its linear algebra is of small matrices: threads would cost, not help."""
    import os

    for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ[variable] = "1"
    from bench.inequalities import deciding

    assert deciding


def _find_within_limits(
    decide: Decide, text: str, assume: Sequence[str], config: Deciding, seed: int
) -> Finding:
    """Decide a text in this process, which is ended if that does not stop."""
    import resource

    hard = resource.getrlimit(resource.RLIMIT_CPU)[1]
    most = int(time.process_time() + OVERRUN * config.cpu_seconds) + 10
    resource.setrlimit(resource.RLIMIT_CPU, (most, hard))
    return decide_text(decide, text, assume, config, seed)


def decide_text(
    decide: Decide, text: str, assume: Sequence[str], config: Deciding, seed: int
) -> Finding:
    """Decide a text in this thread."""
    from bench.inequalities.statements import format_text
    from bench.inequalities.texts.reading import StatementError, read_statement

    started = time.thread_time()
    try:
        statement = read_statement(text, assume)
    except StatementError as error:
        return Finding("unsupported", time.thread_time() - started, reason=str(error))
    shown = format_text(statement)
    reading = time.thread_time() - started
    try:
        decision = decide(statement, config, seed)
    except MemoryError:
        spent = time.thread_time() - started
        return Finding("open", spent, shown, reason=f"it needs more than {MEMORY >> 30} GiB")
    spent = reading + decision.seconds
    match decision.verdict:
        case "proved":
            assert decision.certificate is not None
            steps = tuple(_list_steps(decision.certificate["proofs"]))
            return Finding(
                "proved",
                spent,
                shown,
                decision.certificate,
                steps=steps,
                explored=decision.explored,
            )
        case "refuted":
            assert decision.counterexample is not None
            found = decision.counterexample
            point = {name: str(value) for name, value in found.point.items()}
            refutation = {"refuted": point, "claim": found.claim}
            return Finding("refuted", spent, shown, refutation=refutation)
    reason = "neither a proof nor a counterexample was found"
    if decision.said:
        reason += f"; {decision.said}"
    if decision.refused:
        reason = f"the prover's proof is none, which is a fault of ours: {decision.refused}"
    return Finding(
        "open",
        spent,
        shown,
        reason=reason,
        explored=decision.explored,
        tried=decision.tried,
    )


def _list_steps(proofs: Sequence[Sequence[Mapping[str, Any]]], of: str = "") -> Iterator[str]:
    """Yield the steps of the proofs of all claims, those of cases behind the step that has them."""
    for number, proof in enumerate(proofs, 1):
        claim = of or (f"claim {number}: " if len(proofs) > 1 else "")
        for step in proof:
            yield claim + _describe(step)
            inner = step.get("proofs", [])
            for case in inner:
                negated = ", ".join(case["negated"]) or "nothing"
                yield from _list_steps([case["proof"]], f"{claim}with {negated} negated: ")


def _describe(step: Mapping[str, Any]) -> str:
    """Return a step in words: its name, and its parameters as far as they are short."""
    parts = []
    for name, value in step.items():
        if name in ("step", "proofs") or value in ([], {}):
            continue
        by = value.get("by") if isinstance(value, Mapping) else None
        shown = f"by {by}" if isinstance(by, str) else json.dumps(value, ensure_ascii=False)
        if len(shown) > BRIEF:
            shown = f"{len(value)} of them"
        parts.append(f"{name} {shown}")
    return f"{step['step']}{': ' if parts else ''}{'; '.join(parts)}"


async def search_by_deciding(
    problem: Problem,
    *,
    name: str,
    decide: Decide,
    provers: Provers,
    config: Deciding,
    seed: int,
) -> Trace:
    """Decide the statement that a problem's question is. Raises EngineError: the prover failed."""
    found = await provers.find(decide, problem.question, config, seed=seed)
    return make_trace(problem, name, seed, found)


def make_trace(
    problem: Problem, name: str, seed: int, found: Finding, asked: Sequence[Completion] = ()
) -> Trace:
    """Return the trace of what was found out; `asked` is what a policy wrote meanwhile."""
    trace = new_trace(problem.id, name, seed, f"{found.statement or problem.question}\n", rules="")
    for written in asked:
        trace.record(
            EventKind.GENERATED,
            trace.nodes[ROOT],
            policy_prompt=written.prompt_tokens,
            policy_cached=written.cached_tokens,
            policy_generated=written.tokens,
        )
    node = _add_explored(trace, found.explored)
    for step in found.steps:
        node = trace.add(node, 0, f"{step}\n", NodeKind.STEP, 0)
    answer = found.certificate or found.refutation
    match found.verdict:
        case "proved" | "refuted":
            text, kind = f"{found.verdict}\n", NodeKind.ANSWER
        case "unsupported":  # said as an answer: the verifier then tells why none can be graded
            answer, text, kind = {"unsupported": found.reason}, "not supported\n", NodeKind.ANSWER
        case "open":
            text, kind = "open\n", NodeKind.NO_ANSWER
    node = trace.add(node, 0, text, kind, 0)
    node.error = found.reason
    node.answer = None if answer is None else json.dumps(answer, separators=(",", ":"))
    trace.record(EventKind.ROLLOUT, node)
    trace.cpu_seconds = found.cpu_seconds
    return trace


def _add_explored(trace: Trace, explored: Sequence[Explored]) -> Node:
    """Add what a search looked at to a trace; return the node that was closed last, or the root.

    A state whose step found no proof is no part of the tree: nothing follows from it.
    """
    nodes: list[Node] = []
    last = trace.nodes[ROOT]
    for state in explored:
        parent = trace.nodes[ROOT] if state.parent is None else nodes[state.parent]
        kind = KINDS.get(state.fate, NodeKind.STEP)
        text = f"{state.tactic or 'the claim'} (cost {state.cost:g}): {state.text}\n"
        node = trace.add(parent, len(parent.children), text, kind, 0)
        if state.fate == "taken up":
            trace.record(EventKind.EXPANDED, node)
        if state.fate == "closed":
            last = node
        nodes.append(node)
    return last
