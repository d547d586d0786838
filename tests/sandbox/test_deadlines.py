"""A program's time is what it computed and what it slept, whatever else the machine does.

Programs know how much they have computed by their own CPU clock, so these tests hold on a machine
that is as busy as it likes: they only take longer.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from bench.errors import SandboxError
from bench.machine import Meter, Pressure
from bench.sandbox import Execution, Sandbox, SandboxConfig, Status, deadlines
from bench.sandbox.deadlines import Stopwatch, name_clock
from bench.sandbox.nodes import End
from bench.sandbox.vitals import BEGINNING, Activity
from tests.busy import busy_machine

BUDGET = 0.5
SPIN = "import time\nwhile time.process_time() < {seconds}: pass\nprint('done')"
SLEEP = "import time\ntime.sleep({seconds})\nprint('done')"
counted = pytest.mark.skipif(
    name_clock() == "wall clock", reason="nobody tells here what a process computes"
)


# What counts, by a watch of one second that looks at a process which does as told.


class Told:
    """A watch, a clock, and a process whose doings are told."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = 0.0
        self.seen: Activity | None = BEGINNING
        self.watch = Stopwatch(1.0, 10.0, self.now)
        monkeypatch.setattr(deadlines, "read_activity", lambda pid: self.seen)
        monkeypatch.setattr(deadlines, "read_pressure", lambda resource: None)

    def after(
        self,
        seconds: float,
        *,
        asleep: bool = False,
        held_up: bool = False,
        newborn: bool = True,
        pid: int | None = 1,
        **more: float,
    ) -> End | None:
        """Let time pass in which the process did more of what is named, and look."""
        self.now += seconds
        if self.seen is not None:
            done = {name: getattr(self.seen, name) + value for name, value in more.items()}
            self.seen = replace(self.seen, asleep=asleep, **done)  # type: ignore[arg-type]
        return self.watch.look(pid, self.now, newborn=newborn, held_up=held_up)


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> Told:
    return Told(monkeypatch)


def test_computing_counts(told: Told) -> None:
    assert told.after(0.9, cpu=0.9) is None
    assert told.after(0.1, cpu=0.1) is End.OVERDUE


def test_waiting_for_a_core_does_not(told: Told) -> None:
    assert told.after(5.0, cpu=0.5, waited=4.5) is None
    assert told.after(4.0, cpu=0.1, waited=3.9, asleep=True) is None
    assert told.watch.slept == pytest.approx(0.0)


def test_sleeping_counts_by_itself(told: Told) -> None:
    assert told.after(1.0, cpu=0.9, asleep=True) is None
    assert told.after(0.95, asleep=True) is End.OVERDUE


def test_waiting_for_a_page_or_for_storage_does_not(told: Told) -> None:
    assert told.after(3.0) is None, "it waits, and not for what it asked to wait for"
    assert told.after(3.0, asleep=True, faults=1) is None
    assert told.watch.slept == 0.0


def test_who_can_neither_compute_nor_sleep_is_starved(told: Told) -> None:
    assert told.after(9.9, cpu=0.9, waited=9.0) is None
    assert told.after(0.1) is End.STARVED


def test_a_look_that_came_late_does_not_charge_a_process_for_waiting_for_us(told: Told) -> None:
    assert told.after(5.0, asleep=True, held_up=True) is None
    assert told.watch.slept == pytest.approx(deadlines.LOOK_SECONDS)


def test_the_time_of_who_is_to_fork_is_not_that_of_its_node(told: Told) -> None:
    told.seen = replace(BEGINNING, cpu=50.0)
    assert told.after(0.1, newborn=False) is None, "what it did before is not counted"
    assert told.after(0.9, newborn=False, cpu=0.9) is None
    told.seen = BEGINNING
    assert told.after(0.5, pid=2, cpu=0.5) is None
    assert told.watch.spent == 0.5


def test_a_process_that_has_ended_is_not_charged_any_more(told: Told) -> None:
    told.after(0.1, cpu=0.1)
    told.seen = None
    assert told.after(5.0) is None


def test_where_nothing_is_known_the_wall_clock_decides(told: Told) -> None:
    assert told.after(0.9, pid=None) is None
    assert told.after(0.1, pid=None) is End.OVERDUE


@pytest.mark.parametrize(
    ("system", "recent", "end"),
    [(0.9, 0.5, End.STARVED), (0.9, 0.0, End.OVERDUE), (0.1, 0.5, End.OVERDUE)],
)
def test_the_kernels_search_for_memory_is_the_machines_fault(
    told: Told, monkeypatch: pytest.MonkeyPatch, system: float, recent: float, end: End
) -> None:
    monkeypatch.setattr(deadlines, "read_pressure", lambda resource: Pressure(recent, 0.0))
    assert told.after(1.0, cpu=1.0, system=system) is end


def test_a_look_is_due_when_the_budget_may_be_spent(told: Told) -> None:
    assert told.watch.pause == deadlines.LOOK_SECONDS
    told.after(0.98, cpu=0.98)
    assert told.watch.pause == pytest.approx(0.02)


# The real thing, alone and beside eight processes that compute.


@pytest.fixture(scope="module")
def loop() -> Iterator[asyncio.Runner]:
    with asyncio.Runner() as runner:
        yield runner


@pytest.fixture(scope="module")
def sandbox(loop: asyncio.Runner) -> Iterator[Sandbox]:
    config = SandboxConfig(timeout=BUDGET, workers=2, live=4, cache=0)
    opened = loop.run(Sandbox(config).__aenter__())
    yield opened
    loop.run(opened.__aexit__())


@pytest.fixture(params=[0, 8], ids=["alone", "busy"])
def _neighbours(request: pytest.FixtureRequest) -> Iterator[None]:
    with busy_machine(spinning=request.param):
        yield


def computed_below(sandbox: Sandbox) -> float:
    """Seconds of CPU of all nodes that have ended, as the kernel tells of their keepers."""
    ticks = 0
    for family in sandbox.families:
        fields = Path(f"/proc/{family.keeper}/stat").read_text().rpartition(")")[2].split()
        ticks += int(fields[13]) + int(fields[14])
    return ticks / 100


@counted
@pytest.mark.usefixtures("_neighbours")
def test_a_program_is_stopped_when_its_cpu_time_is_spent_and_not_before(
    loop: asyncio.Runner, sandbox: Sandbox
) -> None:
    before = computed_below(sandbox)
    execution = loop.run(sandbox.run("while True: pass"))
    assert execution.status is Status.TIMEOUT
    assert execution.error == f"stopped after {BUDGET} s"
    assert 0.9 * BUDGET < computed_below(sandbox) - before


@counted
@pytest.mark.usefixtures("_neighbours")
def test_what_a_program_gets_done_depends_on_itself_alone(
    loop: asyncio.Runner, sandbox: Sandbox
) -> None:
    programs = [SPIN.format(seconds=share * BUDGET) for share in (0.1, 0.6, 3.0)]
    programs += [SLEEP.format(seconds=share * BUDGET) for share in (0.1, 0.6)]

    async def run_all() -> list[Execution]:
        return await asyncio.gather(*(sandbox.run(code) for code in programs))

    done, late = (Status.OK, "done\n"), (Status.TIMEOUT, "")
    found = [(each.status, each.stdout) for each in loop.run(run_all())]
    assert found == [done, done, late, done, done]


@pytest.mark.usefixtures("_neighbours")
def test_a_program_that_sleeps_too_long_is_stopped(loop: asyncio.Runner, sandbox: Sandbox) -> None:
    assert loop.run(sandbox.run(SLEEP.format(seconds=60))).status is Status.TIMEOUT


@counted
@pytest.mark.parametrize("leaf", [False, True])
def test_what_ended_before_anybody_looked_is_judged_by_what_it_had_computed(
    loop: asyncio.Runner, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch, leaf: bool
) -> None:
    monkeypatch.setattr(Stopwatch, "pause", 60.0)
    code = SPIN.format(seconds=1.5 * BUDGET)
    assert loop.run(sandbox.run(code, leaf=leaf)).status is Status.TIMEOUT


@counted
def test_a_chain_has_the_results_that_it_has_on_a_quiet_machine(
    loop: asyncio.Runner, sandbox: Sandbox
) -> None:
    steps = (
        "import random, sympy\nx = sympy.symbols('x')\nprint(sympy.factor(x**4 - 1))",
        f"total = sum(range(10))\n{SPIN.format(seconds=0.6 * BUDGET)}",
        "print(total, random.random())",
        "1 / 0",
        "print('never')",
    )

    async def grow() -> list[tuple[str, str, str]]:
        grown: list[Execution] = []
        for step in steps:
            grown.append(await sandbox.run(step, parent=grown[-1] if grown else None))
        return [(str(each.status), each.stdout, each.error) for each in grown]

    quiet = loop.run(grow())
    with busy_machine(spinning=8):
        assert loop.run(grow()) == quiet
    assert [status for status, _, _ in quiet] == ["ok", "ok", "ok", "error", "refused"]


def test_a_program_that_gets_no_time_is_run_again_and_then_a_failure_of_the_harness(
    loop: asyncio.Runner, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(deadlines, "read_activity", lambda pid: BEGINNING)
    monkeypatch.setattr("bench.sandbox.sandbox.PATIENCE", 0.5)
    meter = Meter()
    with pytest.raises(SandboxError, match="the machine is too busy: a program was started 3 time"):
        loop.run(sandbox.run("import time\nwhile True: time.sleep(1)"))
    took = meter.take()
    assert (took["program_again"], took["program_lost"]) == (2, 1)
    assert "stopped" not in took


def test_time_is_found_by_a_later_attempt(
    loop: asyncio.Runner, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    starved = iter([True])
    execute = type(sandbox.families[0]).execute

    async def sometimes(*arguments: object, **more: object) -> object:
        reply, node = await execute(*arguments, **more)  # type: ignore[arg-type]
        if next(starved, False):
            if node is not None:
                node.drop()
            return replace(reply, starved=True), None
        return reply, node

    monkeypatch.setattr(type(sandbox.families[0]), "execute", sometimes)
    meter = Meter()
    assert loop.run(sandbox.run("print('at last')")).stdout == "at last\n"
    assert meter.take()["program_again"] == 1


def test_a_start_that_takes_too_long_lowers_no_level(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bench.sandbox.launch._START_SECONDS", 0.01)
    with pytest.raises(SandboxError, match="says nothing about its isolation"):
        asyncio.run(Sandbox().__aenter__())
