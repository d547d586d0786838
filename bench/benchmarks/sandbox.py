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
import contextlib
import importlib
import io
import multiprocessing
import os
import random
import resource
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from pebble import ProcessPool

from bench.benchmarks.figures import Figure, percentile
from bench.errors import BenchError
from bench.sandbox import Execution, Level, Sandbox, SandboxConfig
from bench.sandbox.inside.preload import PRELOAD
from bench.sandbox.vitals import cpu_seconds

BATCH, PEER_PROCESSES = 32, 12
"""The official code's pool: its processes, and what it is given before the next one is made."""
TREE_DEPTH, CANDIDATES = 8, 4
TRIVIAL = "apples = 14 * 6\nprint(apples)"


@dataclass(frozen=True, slots=True)
class Size:
    """How much is measured: the default is what the figures are promised for."""

    chains: int = 32
    """Of 8 steps each."""
    tree: int = 400
    """Steps."""
    trivial: int = 250
    """Steps, four times over."""
    house: int = 256
    """Nodes alive at once."""
    starts: int = 3
    """Of a sandbox."""


async def sandbox(size: Size | None = None) -> list[Figure]:
    """Measure; half a minute to three, depending on what else the machine does."""
    size = size or Size()
    chains = [_chain(number) for number in range(size.chains)]
    async with _open() as box:
        ours, warm = await _against_warm_pool(box, chains)
        memory = _live_memory(box)
    fresh = _fresh(chains[:1])
    pools = _peer_pools(size.chains, imports=True)
    bare_pools = _peer_pools(size.chains, imports=False)
    return [
        Figure("chain steps, live nodes", ours, "steps/CPU-s"),
        Figure("chain steps, A: fresh python", fresh, "steps/CPU-s"),
        Figure("chain steps, B: warm pool", warm, "steps/CPU-s"),
        Figure("chain steps, B': a pool per batch", pools, "steps/CPU-s"),
        Figure("chain steps, B' whose parent lacks the imports", bare_pools, "steps/CPU-s"),
        Figure("live nodes / A (25 or more)", ours / fresh, "x"),
        Figure("live nodes / B' (10 or more)", ours / pools, "x"),
        Figure("live nodes / B' whose parent lacks the imports", ours / bare_pools, "x"),
        Figure("live nodes / B (1.4 or more)", ours / warm, "x"),
        *await _trees(size.tree),
        *await _trivial(size.trivial),
        *memory,
        *await _full_house(size.house),
        *await _clocks(size.starts),
    ]


def _open(**settings: object) -> Sandbox:
    """No results from memory, or every repetition but the first would be one."""
    return Sandbox(SandboxConfig(**{"cache": 0, **settings}))  # type: ignore[arg-type]


async def _trees(steps: int) -> list[Figure]:
    """A random tree, each node continued from its parent's process, or from the root."""
    tree = _tree(steps)
    async with _open() as lively, _open(live=0) as plain:
        own, start = {lively: 0.0, plain: 0.0}, {lively: _cpu(lively), plain: _cpu(plain)}
        nodes: dict[Sandbox, list[Execution]] = {lively: [], plain: []}
        for parent, code in tree:  # in turn, since the machine's speed changes
            for box, done in nodes.items():
                before = time.process_time()
                done.append(await box.run(code, parent=done[parent] if parent >= 0 else None))
                own[box] += time.process_time() - before
                _demand(done[-1])
        await asyncio.sleep(0.1)
        live, again = (own[box] + _cpu(box) - start[box] for box in (lively, plain))
    return [
        Figure(f"tree of {len(tree)} steps, live nodes", 1000 * live / len(tree), "ms CPU/step"),
        Figure("the same, prefix run again in a fork", 1000 * again / len(tree), "ms CPU/step"),
        Figure("live nodes / prefix again (3 or more)", again / live, "x"),
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
        Figure("trivial step (500 or more)", 1 / enclosed, "steps/CPU-s"),
        Figure("trivial step", 1000 * enclosed, "ms CPU"),
        Figure("a bare fork and exit of the same interpreter", _bare_fork(), "ms CPU"),
        Figure(f"level {name} over process (0.3 or less)", 1000 * (enclosed - bare_cost), "ms CPU"),
    ]


def _live_memory(box: Sandbox) -> list[Figure]:
    """The proportional share of memory of the nodes that live after the chains."""
    shares = [s for family in box.families for pid in family.pids[1:] if (s := _pss(pid))]
    if not shares:
        return []
    return [
        Figure("live node, mean (7 or less)", sum(shares) / len(shares), "MiB PSS"),
        Figure("live node, 99th percentile", percentile(shares, 99), "MiB PSS"),
    ]


async def _full_house(nodes: int) -> list[Figure]:
    """As many live nodes as are kept, each after one step with sympy."""
    async with _open() as box:
        for number in range(nodes):
            await box.run(_chain(number)[0])
        shares = [_pss(pid) for family in box.families for pid in family.pids]
    return [Figure(f"{nodes} live nodes (2048 or less)", sum(shares), "MiB PSS")] * any(shares)


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
        Figure("ready, canaries tried (1.5 or less)", percentile(starts, 50), "s"),
        Figure("dead after its deadline, median", 1000 * percentile(lates, 50), "ms"),
        Figure("dead after its deadline, worst (150 or less)", 1000 * max(lates), "ms"),
    ]


async def _run_chains(box: Sandbox, chains: Sequence[Sequence[str]]) -> None:
    async def run(chain: Sequence[str]) -> None:
        node = None
        for code in chain:
            node = await box.run(code, parent=node)
            _demand(node)

    await asyncio.gather(*(run(chain) for chain in chains))


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


def _fresh(chains: Sequence[Sequence[str]]) -> float:
    """A: steps per CPU second of a `python -c` per step."""
    before, done = _children(), 0
    for chain in chains:
        for end in range(1, len(chain) + 1):
            program = "\n".join(chain[:end])
            subprocess.run([sys.executable, "-c", program], check=True, capture_output=True)
            done += 1
    return done / (_children() - before)


async def _against_warm_pool(box: Sandbox, chains: Sequence[Sequence[str]]) -> tuple[float, float]:
    """Steps per CPU second of the sandbox and of B, in turn, as the machine changes.

    The pool is started, and has run the same steps with other numbers, before the clock is.
    """
    others = [_chain(5000 + number) for number in range(len(chains))]
    ours = theirs = 0.0
    with ProcessPool(2, initializer=_warm, context=multiprocessing.get_context("spawn")) as pool:
        _rerun_all(pool, others)
        for start in range(0, len(chains), 8):
            part = chains[start : start + 8]
            ours += await _cost(box, partial(_run_chains, box, part))
            theirs += _rerun_all(pool, part)
    steps = sum(map(len, chains))
    return steps / ours, steps / theirs


def _rerun_all(pool: ProcessPool, chains: Sequence[Sequence[str]]) -> float:
    """Run every step of the chains after its ancestors; return the CPU seconds of it all."""
    before = time.process_time()
    spent = [
        pool.schedule(_rerun, args=[chain[: step + 1]])
        for step in range(len(chains[0]))
        for chain in chains
    ]
    return float(sum(future.result() for future in spent)) + time.process_time() - before


def _peer_pools(chains: int, *, imports: bool) -> float:
    """B': steps per CPU second, measured in a process that has nothing else in its memory."""
    program = f"from bench.benchmarks.sandbox import peer; print(peer({chains}, imports={imports}))"
    done = subprocess.run(
        [sys.executable, "-c", program], check=True, capture_output=True, text=True
    )
    return float(done.stdout)


def peer(chains: int, *, imports: bool) -> float:
    """Run chains in a pool per batch of steps, as the official code does.

    With `imports`, the parent has imported numpy and sympy before, and its forks inherit them.
    """
    if imports:
        importlib.import_module("numpy")
        importlib.import_module("sympy")
    work = [_chain(number) for number in range(chains)]
    context = multiprocessing.get_context("fork")
    before = _children() + time.process_time()
    for step in range(len(work[0])):
        for start in range(0, len(work), BATCH):
            batch = work[start : start + BATCH]
            with ProcessPool(min(len(batch), PEER_PROCESSES), context=context) as pool:
                for future in [pool.schedule(_rerun, args=[c[: step + 1]]) for c in batch]:
                    future.result()
    return sum(map(len, work)) / (_children() + time.process_time() - before)


def _bare_fork(count: int = 100) -> float:
    """Milliseconds of CPU to fork a warm interpreter and end the child: the machine's yardstick."""
    program = (
        f"{PRELOAD}\nimport gc, os, resource, time\ngc.collect()\ngc.freeze()\n"
        f"start = time.process_time()\nfor _ in range({count}):\n    pid = os.fork()\n"
        "    if pid == 0: os._exit(0)\n    os.waitpid(pid, 0)\n"
        "used = resource.getrusage(resource.RUSAGE_CHILDREN)\n"
        "print(time.process_time() - start + used.ru_utime + used.ru_stime)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        check=True,
        capture_output=True,
        text=True,
        env={**os.environ, "OPENBLAS_NUM_THREADS": "1"},
    )
    return 1000 * float(done.stdout) / count


def _children() -> float:
    """CPU seconds of the children that have ended, and theirs."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _warm() -> None:
    exec(PRELOAD, {})


def _rerun(codes: Sequence[str]) -> float:
    """Run the steps of a chain from the first; return the CPU seconds that it took."""
    start, namespace = time.process_time(), {"__name__": "__main__"}
    with contextlib.redirect_stdout(io.StringIO()):
        for code in codes:
            exec(compile(code, "<step>", "exec"), namespace)
    return time.process_time() - start


def _tree(steps: int) -> list[tuple[int, str]]:
    """A random tree as a search grows it: parents by index, -1 for the root, and programs."""
    chance, tree = random.Random(20), list[tuple[int, str]]()
    depths, leaves = [-1], [-1]
    while len(tree) < steps:
        parent = leaves.pop(chance.randrange(len(leaves)))
        depth = depths[parent + 1] + 1
        for _ in range(CANDIDATES):
            tree.append((parent, _chain(1000 + len(tree), names=False)[depth]))
            depths.append(depth)
            if depth + 1 < TREE_DEPTH:
                leaves.append(len(tree) - 1)
    return tree[:steps]


def _chain(number: int, *, names: bool = True) -> list[str]:
    """Eight steps of the kind that models write, about other numbers each time.

    Without `names`, any step can follow any other.
    """
    a, b, c = number % 31 + 2, number % 47 + 3, number % 23 + 4
    first = "from sympy import *\nt = symbols('t')\n"
    steps = [
        f"roots_ = solve(t**2 - {a + c}*t + {a * c}, t)\nprint(roots_)",
        f"u, v = symbols('u v')\npair = solve([u + {b}*v - {c}, {a}*u - v - {b}], [u, v])\n"
        "print(pair)",
        f"shape = factor(expand((t + {a})*(t - {b})*(t - {c})))\nprint(shape)",
        f"area = integrate(t**2*exp({c % 4 + 1}*t), t)\nprint(area)",
        f"import numpy as np\ngrid = np.array([[{a}.0, 2.0], [1.0, {b}.0]])\n"
        "print(np.linalg.eigvalsh(grid @ grid.T).round(6))",
        f"hits = 0\nfor k in range(1, 20000):\n    if k % {a} == 0 or k % {b} == 0:\n"
        "        hits += k\nprint(hits)",
        f"slope = simplify(diff(t**3*exp({c % 3 + 1}*t), t) / exp({c % 3 + 1}*t))\nprint(slope)",
        f"m = symbols('m')\nprint(summation(m**2 + {b}*m, (m, 1, {a})), Rational({a}, {c + 1}))",
    ]
    return [first + step if index == 0 or not names else step for index, step in enumerate(steps)]
