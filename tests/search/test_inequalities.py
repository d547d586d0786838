"""A search without a policy: what it leaves as a trace, and what becomes of one that fails."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from bench.errors import EngineError
from bench.inequalities.deciding import Decision
from bench.inequalities.statements import Statement
from bench.runs.grading import grade
from bench.search import NodeKind, Trace
from bench.search.inequalities import (
    Closers,
    Decide,
    Deciding,
    Provers,
    decide_by_closers,
    search_by_deciding,
)
from bench.search.selection import select_first
from bench.types import Outcome, Problem, Verifier

in_one_loop = pytest.mark.asyncio(loop_scope="module")
CONFIG = Closers(cpu_seconds=5.0)
NESBITT = "a/(b + c) + b/(c + a) + c/(a + b) >= 3/2 with a, b, c > 0"


def give_up(statement: Statement, config: Deciding, seed: int) -> Decision:
    return Decision("open", 0.0)


def break_down(statement: Statement, config: Deciding, seed: int) -> Decision:
    raise ZeroDivisionError("by nothing")


def run_on(statement: Statement, config: Deciding, seed: int) -> Decision:
    while True:
        pass


def overrun(statement: Statement, config: Deciding, seed: int) -> Decision:
    os.kill(os.getpid(), signal.SIGXCPU)  # as the system does after so much CPU time
    return run_on(statement, config, seed)


def eat_memory(statement: Statement, config: Deciding, seed: int) -> Decision:
    return Decision("open", float(len(bytearray(1 << 40))))


def problem(text: str) -> Problem:
    return Problem("p", text, "", "pool", verifier=Verifier("certificate", {"statement": text}))


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def provers() -> AsyncIterator[Provers]:
    started = Provers(1)
    yield started
    started.close()


async def search(provers: Provers, text: str, decide: Decide = decide_by_closers) -> Trace:
    return await search_by_deciding(
        problem(text), name="closers", decide=decide, provers=provers, config=CONFIG, seed=3
    )


@in_one_loop
async def test_a_proof_is_a_chain_of_its_steps_with_the_certificate_below(
    provers: Provers,
) -> None:
    trace = await search(provers, NESBITT)
    assert trace.nodes[0].text == f"{NESBITT.replace(' with', ' with')}\n"
    *steps, last = trace.lineage(trace.rollouts[0])
    assert [node.kind for node in steps] == [NodeKind.STEP] * len(steps)
    certificate = json.loads(last.answer or "")
    names = [step["step"] for step in certificate["proofs"][0]]
    assert [node.text.partition(":")[0] for node in steps] == names
    assert trace.cpu_seconds is not None and 0 < trace.cpu_seconds < 5
    assert trace.finished == trace.rollouts
    stored = json.loads(json.dumps(trace.to_json()))
    assert "cpu_seconds" not in stored
    assert Trace.from_json(stored) == trace


@in_one_loop
@pytest.mark.parametrize(
    ("text", "decide", "outcome", "reason"),
    [
        (NESBITT, decide_by_closers, Outcome.CORRECT, "a proof of"),
        (NESBITT.replace("3/2", "8/5"), decide_by_closers, Outcome.CORRECT, "a point at which"),
        (NESBITT, give_up, Outcome.NO_ANSWER, "neither a proof nor a counterexample"),
        (NESBITT, eat_memory, Outcome.NO_ANSWER, "it needs more than 4 GiB"),
        ("sin(a) <= 1", decide_by_closers, Outcome.INVALID_GOLD, "no support for the function sin"),
        ("(a <= 1", decide_by_closers, Outcome.INVALID_GOLD, "is never closed"),
    ],
)
async def test_every_ending_has_its_outcome_and_a_reason(
    provers: Provers, text: str, decide: Decide, outcome: Outcome, reason: str
) -> None:
    trace = await search(provers, text, decide)
    record = await grade(problem(text), trace, {"closers": select_first})
    assert record.selected["closers"].outcome is outcome
    assert reason in record.samples[0].reason
    assert (record.seed, record.tokens.policy_generated) == (3, 0)


@in_one_loop
async def test_a_prover_that_breaks_is_a_failure_of_ours(provers: Provers) -> None:
    with pytest.raises(EngineError, match="the prover failed: ZeroDivisionError: by nothing"):
        await search(provers, NESBITT, break_down)


@in_one_loop
async def test_a_prover_that_does_not_stop_is_ended_and_proves_nothing(provers: Provers) -> None:
    trace = await search(provers, NESBITT, overrun)
    (end,) = trace.nodes[1:]
    assert (end.kind, trace.cpu_seconds) == (NodeKind.NO_ANSWER, None)
    assert (end.error or "").startswith("it did not stop by itself: its process died")
    assert (await search(provers, NESBITT)).finished  # the next one has a process again


@in_one_loop
async def test_a_prover_that_the_machine_gives_no_time_leaves_nothing_open(
    provers: Provers, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patched:
        patched.setattr("bench.search.inequalities.WAIT", 0.02)  # by the wall clock: 0.12 s
        with pytest.raises(EngineError, match="the machine gave its process no time"):
            await search(provers, NESBITT, run_on)
    assert (await search(provers, NESBITT)).finished  # the next one has a process again
