"""What a step costs in the sandbox, beside the three ways that others run it, in one run.

A: a fresh `python -c` for each execution. B: a warm pool of processes, with no isolation and shared
caches. B': such a pool made anew for every batch, as the official code does. All three run the
steps before a step again, as they keep no state; the sandbox forks the node that has it. Costs are
seconds of CPU, ours and those of every process that works for us, since the wall clock tells as
much about the machine's other tenants. Forks and page faults cost several times as much in some
virtual machines as in others, so a bare fork is measured, too.
"""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from bench.errors import BenchError
from bench.sandbox import Execution, Level, Sandbox, SandboxConfig
from bench.sandbox.vitals import cpu_seconds
from bench.speed.measure import Figure, percentile
from bench.speed.peers import bare_fork, fresh, pools, rerun, warm_pool
from bench.speed.steps import TRIVIAL, chain, tree

_PARENTS = {
    "numpy and sympy": ("numpy", "sympy"),
    "torch too, as the official one": ("numpy", "sympy", "torch"),
    "nothing": (),
}
"""What the process that makes a pool per batch has imported, and its forks inherit."""


@dataclass(frozen=True, slots=True)
class Size:
    """How much is measured: the default is what the figures are promised for."""

    chains: int = 32
    """Chains of 8 steps each."""
    tree: int = 400
    """Steps."""
    trivial: int = 250
    """Steps, four times over."""
    house: int = 256
    """Nodes alive at once."""
    starts: int = 3
    """Starts of a sandbox."""


async def sandbox(size: Size | None = None) -> list[Figure]:
    """Measure; half a minute to three, depending on what else the machine does."""
    size = size or Size()
    chains = [chain(number) for number in range(size.chains)]
    async with _open() as box:
        ours, warm = await _against_warm_pool(box, chains)
        memory = _live_memory(box)
    return [
        *_chains(ours, warm, chains),
        *await _trees(size.tree),
        *await _trivial(size.trivial),
        *memory,
        *await _full_house(size.house),
        *await _clocks(size.starts),
    ]


def _chains(ours: float, warm: float, chains: Sequence[Sequence[str]]) -> list[Figure]:
    """Steps of chains beside the others', and the ratios that are asked for."""
    unit, alone = "steps/CPU-s", fresh(chains[:1])
    rates = [
        Figure("chain steps, live nodes", ours, unit, at_least=90),
        Figure("chain steps, A: fresh python", alone, unit),
        Figure("chain steps, B: warm pool", warm, unit),
    ]
    ratios = [
        Figure("live nodes / A", ours / alone, "x", at_least=25),
        Figure("live nodes / B", ours / warm, "x", at_least=1.4),
    ]
    for parent, imports in _PARENTS.items():
        rate = pools(len(chains), imports)
        if rate is not None:
            rates.append(
                Figure(f"chain steps, B': pool per batch, parent has {parent}", rate, unit)
            )
            ratios.append(Figure(f"live nodes / B', parent has {parent}", ours / rate, "x", 10))
    return [*rates, *ratios]


def _open(**settings: object) -> Sandbox:
    """No results from memory, or every repetition but the first would be one."""
    return Sandbox(SandboxConfig(**{"cache": 0, **settings}))  # type: ignore[arg-type]


async def _trees(steps: int) -> list[Figure]:
    """A random tree, each node continued from its parent's process, or from the root."""
    grown = tree(steps)
    async with _open() as lively, _open(live=0) as plain:
        own, start = {lively: 0.0, plain: 0.0}, {lively: _cpu(lively), plain: _cpu(plain)}
        nodes: dict[Sandbox, list[Execution]] = {lively: [], plain: []}
        for parent, code in grown:  # in turn, since the machine's speed changes
            for box, done in nodes.items():
                before = time.process_time()
                done.append(await box.run(code, parent=done[parent] if parent >= 0 else None))
                own[box] += time.process_time() - before
                _demand(done[-1])
        await asyncio.sleep(0.1)
        live, again = (own[box] + _cpu(box) - start[box] for box in (lively, plain))
    return [
        Figure(f"tree of {len(grown)} steps, live nodes", 1000 * live / len(grown), "ms CPU/step"),
        Figure("the same, prefix run again in a fork", 1000 * again / len(grown), "ms CPU/step"),
        Figure("live nodes / prefix again", again / live, "x", at_least=3),
    ]


async def _trivial(count: int, rounds: int = 4) -> list[Figure]:
    """A step that does next to nothing: what a fork and its isolation cost."""

    async def run(box: Sandbox) -> None:
        for number in range(count):
            await box.run(f"{TRIVIAL}  # {number}", leaf=True)

    costs: dict[Level, list[float]] = {Level.FULL: [], Level.PROCESS: []}
    async with _open() as default, _open(level=Level.PROCESS) as bare:
        for _ in range(rounds):  # in turn, since the machine's speed changes
            costs[Level.FULL].append(await _cost(default, lambda: run(default)) / count)
            costs[Level.PROCESS].append(await _cost(bare, lambda: run(bare)) / count)
        name = default.level
    enclosed, bare_cost = min(costs[Level.FULL]), min(costs[Level.PROCESS])
    return [
        Figure("trivial step", 1 / enclosed, "steps/CPU-s", at_least=500),
        Figure("trivial step, each", 1000 * enclosed, "ms CPU"),
        Figure("a bare fork and exit of the same interpreter", bare_fork(), "ms CPU"),
        Figure(f"level {name} over process", 1000 * (enclosed - bare_cost), "ms CPU", at_most=0.3),
    ]


def _live_memory(box: Sandbox) -> list[Figure]:
    """The proportional share of memory of the nodes that live after the chains."""
    shares = [s for family in box.families for pid in family.pids[1:] if (s := _pss(pid))]
    if not shares:
        return []
    return [
        Figure("live node, mean", sum(shares) / len(shares), "MiB PSS", at_most=7),
        Figure("live node, 99th percentile", percentile(shares, 99), "MiB PSS"),
    ]


async def _full_house(nodes: int) -> list[Figure]:
    """As many live nodes as are kept, each after one step with sympy."""
    async with _open() as box:
        for number in range(nodes):
            await box.run(chain(number)[0])
        shares = [_pss(pid) for family in box.families for pid in family.pids]
    total = Figure(f"{nodes} live nodes", sum(shares), "MiB PSS", at_most=2048)
    return [total] if total.value else []


async def _clocks(count: int) -> list[Figure]:
    """How soon a sandbox is ready, and how late after its deadline a program is dead."""
    starts, lates = [], []
    for _ in range(count):
        start = time.perf_counter()
        async with _open(timeout=0.2) as box:
            starts.append(time.perf_counter() - start)
            for number in range(10):
                begun = time.perf_counter()
                await box.run(f"while {number + 1}: pass")
                lates.append(time.perf_counter() - begun - 0.2)
    return [
        Figure("ready, canaries tried", percentile(starts, 50), "s", at_most=1.5),
        Figure("dead after its deadline, median", 1000 * percentile(lates, 50), "ms"),
        Figure("dead after its deadline, worst", 1000 * max(lates), "ms", at_most=150),
    ]


async def _run_chains(box: Sandbox, chains: Sequence[Sequence[str]]) -> None:
    async def run(steps: Sequence[str]) -> None:
        node = None
        for code in steps:
            node = await box.run(code, parent=node)
            _demand(node)

    await asyncio.gather(*map(run, chains))


def _demand(node: Execution) -> None:
    if not node.ok:
        raise BenchError(f"a benchmark's program failed in the sandbox: {node}")


async def _cost(box: Sandbox, work: Callable[[], Awaitable[None]]) -> float:
    """CPU seconds of the work, in this process and in all of the sandbox's."""
    before = _cpu(box) + time.process_time()
    await work()
    await asyncio.sleep(0.1)  # the last deaths are still to be reaped, and so counted
    return _cpu(box) + time.process_time() - before


def _cpu(box: Sandbox) -> float:
    """CPU seconds so far of a sandbox's processes, the dead ones too; this one's apart."""
    total = 0.0
    ticks = os.sysconf("SC_CLK_TCK")
    for family in box.families:
        fields = Path(f"/proc/{family.keeper}/stat").read_text().rpartition(")")[2].split()
        total += sum(int(field) for field in fields[13:15]) / ticks  # of the dead
        total += sum(cpu_seconds(pid) or 0.0 for pid in (family.keeper, *family.pids))
    return total


def _pss(pid: int) -> float:
    """MiB of a process, shared pages shared out; 0 where only root may know."""
    try:
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1]) / 1024
    except OSError:
        pass
    return 0.0


async def _against_warm_pool(box: Sandbox, chains: Sequence[Sequence[str]]) -> tuple[float, float]:
    """Steps per CPU second of the sandbox and of B, in turn, as the machine changes."""
    ours = theirs = 0.0
    with warm_pool(len(chains)) as pool:
        for start in range(0, len(chains), 8):
            part = chains[start : start + 8]
            ours += await _cost(box, partial(_run_chains, box, part))
            theirs += rerun(pool, part)
    steps = sum(map(len, chains))
    return steps / ours, steps / theirs
