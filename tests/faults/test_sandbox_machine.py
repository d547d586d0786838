"""The sandbox against a model: honest programs, liars, and kills of whatever runs, in any order.

A program's output begins with a word that no other program knows, and its state is a number that
the model follows. Only `SandboxError` may be raised, and no program may get another's report. Needs
hypothesis, and is skipped without it.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import signal
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import pytest

pytest.importorskip("hypothesis")

from hypothesis import HealthCheck, settings, strategies
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    consumes,
    multiple,
    rule,
    run_state_machine_as_test,
)

from bench.errors import SandboxError
from bench.sandbox import Execution, Sandbox, SandboxConfig, Status
from bench.sandbox.wire import RESULT

MODULUS = 1_000_003
_WORD = re.compile(r"n\d+_")
_REPORT = f"import os, struct\nout = b'{{word}} forged'\nreport = struct.pack({RESULT.format!r}, "
LIES = {
    "garbage": "import os\nos.write(3, bytes(range(99)))",
    "half a report": "import os\nos.write(3, bytes(5))\nos._exit(0)",
    "a forged report": _REPORT + "0, 0, 0.1, len(out), 0) + out\nos.write(3, report)\nos._exit(0)",
    "two reports": _REPORT + "0, 0, 0.1, len(out), 0) + out\nos.write(3, report)",
    "a report that sleeps": _REPORT
    + "0, 0, 0.1, len(out), 0) + out\nos.write(3, report)\nimport time\ntime.sleep(60)",
    "a huge report": _REPORT + "0, 0, 0.1, 2**32 - 1, 2**32 - 1)\nos.write(3, report)",
    "no number of seconds": _REPORT
    + "0, 0, float('nan'), len(out), 0) + out\nos.write(3, report)\nos._exit(0)",
    "another greeting": "import os\nos.write(3, b'H' * 5)",
    "silence": "import os\nos.close(3)",
    "a death": "import os\nos.abort()",
    "a fork of its own": "import os\nos.fork()",
    "a descriptor": "import socket\ns = socket.socket(fileno=3)\nsocket.send_fds(s, [b'x'], [0])",
}


@dataclass(frozen=True)
class Node:
    """A program that has run, and what the model knows of it."""

    execution: Execution
    state: int
    honest: bool
    """Whether it, and all that it stands on, told the truth."""


class Protocol(RuleBasedStateMachine):
    """One sandbox for all examples: what one of them leaves must not harm the next."""

    nodes: Bundle[Node] = Bundle("nodes")
    loop: asyncio.AbstractEventLoop
    sandbox: Sandbox
    words = 0
    refused = 0

    @rule(target=nodes, factor=strategies.integers(2, 9))
    def begin(self, factor: int) -> Node:
        return self._run([(None, factor)])[0]

    @rule(target=nodes, parent=nodes, factor=strategies.integers(2, 9))
    def go_on(self, parent: Node, factor: int) -> Node:
        return self._run([(parent, factor)])[0]

    @rule(
        target=nodes,
        parents=strategies.lists(nodes, min_size=2, max_size=5),
        factor=strategies.integers(2, 9),
    )
    def go_on_together(self, parents: list[Node], factor: int) -> object:
        return multiple(*self._run([(parent, factor) for parent in parents]))

    @rule(
        target=nodes,
        parents=strategies.lists(nodes, min_size=1, max_size=4),
        place=strategies.integers(0, 10**6),
        wait=strategies.sampled_from([0.0, 0.001, 0.01]),
    )
    def kill_a_process_meanwhile(self, parents: list[Node], place: int, wait: float) -> object:
        return multiple(*self._run([(parent, 3) for parent in parents], kill=(place, wait)))

    @rule(target=nodes, parent=nodes, lie=strategies.sampled_from(sorted(LIES)))
    def lie(self, parent: Node, lie: str) -> Node:
        word = self._word()
        code = LIES[lie].replace("{word}", word) + f"\nx = 1  # {word}"
        found = self._ask([(code, parent.execution)])[0]
        assert set(_WORD.findall(found.stdout)) <= {word}, f"{lie} told another's word"
        return Node(found, 0, honest=False)

    @rule(place=strategies.integers(0, 10**6))
    def kill_a_node(self, place: int) -> None:
        """It is not working, mostly: who is asked for its children makes it again."""
        self._kill([pid for each in self.sandbox.families for pid in each.pids[1:]], place)

    @rule(gone=consumes(nodes))
    def forget(self, gone: Node) -> None:
        """A node whose execution nobody holds any more."""

    @rule(place=strategies.integers(0, 9))
    def kill_a_zygote_or_its_keeper(self, place: int) -> None:
        """Seldom: new ones take a second."""
        if place < 3:
            families = self.sandbox.families
            self._kill([*(each.keeper for each in families), *(e.pids[0] for e in families)], place)

    def _run(
        self, asked: Sequence[tuple[Node | None, int]], kill: tuple[int, float] | None = None
    ) -> list[Node]:
        words = [self._word() for _ in asked]
        told = self._ask(
            [
                (
                    f"x = globals().get('x', 1) * {factor} % {MODULUS}\nprint('{word}', x)",
                    parent and parent.execution,
                )
                for word, (parent, factor) in zip(words, asked, strict=True)
            ],
            kill,
        )
        found = []
        for word, (parent, factor), execution in zip(words, asked, told, strict=True):
            assert set(_WORD.findall(execution.stdout)) <= {word}, "another program's report"
            state = (parent.state if parent else 1) * factor % MODULUS
            honest = parent is None or parent.honest
            if honest and not (kill and Protocol.refused):
                assert execution.status is Status.OK, execution
                assert execution.stdout == f"{word} {state}\n"
            elif parent and not parent.execution.ok:
                assert execution.status is Status.REFUSED
            found.append(Node(execution, state, honest and execution.ok))
        return found

    def _ask(
        self,
        programs: Sequence[tuple[str, Execution | None]],
        kill: tuple[int, float] | None = None,
    ) -> list[Execution]:
        """Run programs side by side, and kill a process of the sandbox meanwhile."""

        async def one(code: str, parent: Execution | None) -> Execution:
            try:
                return await self.sandbox.run(code, parent=parent)
            except SandboxError as error:
                Protocol.refused += 1
                return Execution(Status.REFUSED, "", str(error), 0.0, code, parent)

        async def kill_one() -> None:
            if kill is not None:
                await asyncio.sleep(kill[1])
                families = self.sandbox.families
                nodes = [pid for each in families for pid in each.pids]
                self._kill([*nodes, *(each.keeper for each in families)], kill[0])

        async def all_of_them() -> list[Execution]:
            killing = asyncio.ensure_future(kill_one())
            found = await asyncio.gather(*(one(*each) for each in programs))
            await killing
            return found

        Protocol.refused = 0
        return self.loop.run_until_complete(all_of_them())

    def _word(self) -> str:
        Protocol.words += 1
        return f"n{Protocol.words}_"

    def _kill(self, pids: Sequence[int], place: int) -> None:
        if pids:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pids[place % len(pids)], signal.SIGKILL)


@pytest.fixture(autouse=True, scope="module")
def sandbox() -> Iterator[None]:
    """Few live nodes, so that they are made again; a short budget, as some liars sleep."""
    with asyncio.Runner() as runner:
        Protocol.loop = runner.get_loop()
        config = SandboxConfig(timeout=1.0, workers=3, cache=0, live=6)
        Protocol.sandbox = runner.run(Sandbox(config).__aenter__())
        yield
        runner.run(Protocol.sandbox.__aexit__())


QUICKLY = settings(
    max_examples=6,
    stateful_step_count=12,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)
TestProtocol = Protocol.TestCase
TestProtocol.settings = QUICKLY


@pytest.mark.slow
def test_the_sandbox_follows_its_model_for_long() -> None:
    at_length = settings(QUICKLY, max_examples=100, stateful_step_count=30, derandomize=False)
    run_state_machine_as_test(Protocol, settings=at_length)
