"""Nodes that live, are evicted, are made again: the results must not tell which."""

from __future__ import annotations

import asyncio
import os
import random
import signal
import threading
import time
from collections.abc import Sequence

import pytest

from bench.sandbox import Execution, Sandbox, SandboxConfig, Status
from bench.sandbox.family import SandboxFamily
from bench.sandbox.vitals import children

STEPS = (
    "import random, numpy\nfrom sympy import *\nseen = []",
    "seen.append(random.random())\nprint(seen, numpy.random.rand())",
    "import secrets, uuid\nprint(uuid.uuid4(), secrets.randbelow(10**9))",
    "print(numpy.random.default_rng().random(), {'a', 'b', 'c', 'd'})",
    "x = symbols('x')\nprint(factor(x**6 - 1), len(seen))",
    "class Point:\n  count = len(seen)\nseen.append(Point.count)\nprint(Point.count)",
    "handle = open(random.__file__)\nhandle.read(7)",
    "print(handle.tell() if 'handle' in globals() else None, random.choice('abc'))",
)


def tree(size: int = 40) -> list[tuple[int, str]]:
    """Parents by index, and programs."""
    chance = random.Random(4)
    grown = [(-1, STEPS[0])]
    while len(grown) < size:
        grown.append((chance.randrange(len(grown)), chance.choice(STEPS[1:])))
    return grown


async def run_tree(config: SandboxConfig) -> tuple[list[tuple[str, str]], Sandbox]:
    """What every node of the tree printed; siblings at once, as a search runs them."""
    async with Sandbox(config) as sandbox:
        tasks: list[asyncio.Task[Execution]] = []

        async def one(parent: int, code: str) -> Execution:
            return await sandbox.run(code, parent=await tasks[parent] if parent >= 0 else None)

        for parent, code in tree():
            tasks.append(asyncio.ensure_future(one(parent, code)))
        return [(e.stdout, e.error) for e in await asyncio.gather(*tasks)], sandbox


@pytest.fixture(scope="module")
def lively() -> list[tuple[str, str]]:
    return asyncio.run(run_tree(SandboxConfig(workers=2)))[0]


@pytest.mark.parametrize(
    "config",
    [
        SandboxConfig(workers=1, live=3, cache=0),
        SandboxConfig(workers=4, live=0, cache=0),
        SandboxConfig(workers=2, live_memory=4, cache=0),
    ],
    ids=["three nodes live", "none lives", "little memory"],
)
def test_results_do_not_depend_on_which_nodes_live(
    lively: Sequence[tuple[str, str]], config: SandboxConfig
) -> None:
    results, sandbox = asyncio.run(run_tree(config))
    assert results == lively
    assert sandbox.replays > 0 or config.live == 0
    assert all(error == "" for _, error in results)


def test_siblings_draw_different_numbers(lively: Sequence[tuple[str, str]]) -> None:
    drawn = [out for (_, code), (out, _) in zip(tree(), lively, strict=True) if "rng" in code]
    assert len(set(drawn)) > 1


CYCLES = (
    "log = []\nclass A:\n    def __del__(self): log.append(1)\n"
    "for _ in range(50):\n    a = A()\n    a.me = a\n",
    "class B: pass\nfor _ in range(200000):\n    b = B()\n    b.me = b\nprint(len(log))",
    "print(len(log))",
)
DRAWN = (
    "unnamed = __import__('ran' + 'dom')\nprint(unnamed.uniform(0, 1))",
    "from sympy import randprime\nx = randprime(10**6, 10**7)\nprint(x)",
    "import statistics\nprint(x, statistics.NormalDist().samples(2))",
    "import scipy\nprint(x)",
    "from scipy.optimize import differential_evolution as d\n"
    "print(d(lambda v: (v[0]**2 - 1)**2, [(-2, 2)], maxiter=3).x)",
)


@pytest.mark.parametrize("programs", [CYCLES, DRAWN], ids=["garbage", "chance by other names"])
async def test_a_chain_prints_the_same_however_its_nodes_were_kept(
    programs: Sequence[str],
) -> None:
    async def run(live: int, *, shed: bool = False) -> list[str]:
        printed, node = [], None
        async with Sandbox(SandboxConfig(workers=1, live=live, cache=0)) as sandbox:
            for code in programs:
                node = await sandbox.run(code, parent=node)
                assert node.ok, node.error
                printed.append(node.stdout)
                if shed:
                    sandbox.live.shed()
        return printed

    kept = await run(8)
    assert await run(8, shed=True) == await run(0) == kept


async def test_a_node_is_forked_from_its_parents_process() -> None:
    async with Sandbox(SandboxConfig(workers=1)) as sandbox:
        node = await sandbox.run("import time\nborn = time.perf_counter()\nprint(born)")
        child = await sandbox.run("print(born)", parent=node)
        assert child.stdout == node.stdout, "the parent was run a second time"
        leaf = await sandbox.run("z = 1", parent=node, leaf=True)
        assert len(sandbox.live) == 2
        assert (await sandbox.run("print(z)", parent=leaf)).stdout == "1\n"


async def test_programs_that_fail_are_not_kept() -> None:
    async with Sandbox(SandboxConfig(workers=1, timeout=0.3)) as sandbox:
        for code in ("1 / 0", "while True: pass", "print('x' * 10**6)", "import os\nos._exit(0)"):
            assert not (await sandbox.run(code)).ok
        assert len(sandbox.live) == 0


async def test_equal_siblings_are_answered_once() -> None:
    async with Sandbox(SandboxConfig(workers=4)) as sandbox:
        parent = await sandbox.run("import time")
        code = "print(time.perf_counter_ns())"
        runs = await asyncio.gather(*(sandbox.run(code, parent=parent) for _ in range(8)))
    assert len({execution.stdout for execution in runs}) == 1


async def test_scipy_has_a_zygote_of_its_own_and_the_same_ancestors() -> None:
    async with Sandbox(SandboxConfig(workers=1)) as sandbox:
        node = await sandbox.run("import random\na = random.random()\nprint(a)")
        assert len(sandbox.families) == 1
        below = await sandbox.run("import scipy.special as s\nprint(a, s.comb(4, 2))", parent=node)
        assert len(sandbox.families) == 2
    assert below.stdout == f"{node.stdout.strip()} 6.0\n"


FRAMES = (
    "import sys, os, time\nframe = sys._getframe()\n"
    "while 'birth' not in frame.f_locals: frame = frame.f_back\nbirth = frame.f_locals['birth']\n"
)


def gone(family: SandboxFamily, trusted: set[int]) -> bool:
    """Whether soon nothing is left below the keeper but what was there before."""
    return not (children(family.keeper) - trusted)


async def until_gone(family: SandboxFamily, trusted: set[int]) -> bool:
    end = time.monotonic() + 20.0
    while not gone(family, trusted) and time.monotonic() < end:
        await asyncio.sleep(0.05)
    return gone(family, trusted)


async def test_a_node_that_works_while_it_should_sleep_is_found_by_its_clock() -> None:
    patient = (
        "import os, time\nwrite, said = os.write, []\n"
        "def spin_in_the_end(fd, data):\n  size = write(fd, data)\n  said.append(size)\n"
        "  if len(said) < 2: return size  # the report; next comes the answer to a call\n"
        "  time.sleep(1.0)\n  while True: pass\nos.write = spin_in_the_end"
    )
    async with Sandbox(SandboxConfig(workers=1)) as sandbox:
        family = sandbox.families[0]
        trusted = children(family.keeper)
        node = await sandbox.run(patient)
        assert node.ok, "it reported, answered, and slept when it was looked at"
        assert await until_gone(family, trusted)
        assert (await sandbox.run("print(2)")).stdout == "2\n"


async def test_a_fork_that_says_nothing_is_found_among_the_keepers_children() -> None:
    silent = FRAMES + (
        "fork = type(birth.fork).__call__\n"
        "def evil(self):\n  pid = fork(self)\n  while pid == 0: pass\n  return pid\n"
        "type(birth.fork).__call__ = evil"
    )
    async with Sandbox(SandboxConfig(workers=2, timeout=0.5)) as sandbox:
        family = sandbox.families[0]
        trusted = children(family.keeper)
        node = await sandbox.run(silent)
        child, other = await asyncio.gather(
            sandbox.run("print(1)", parent=node), sandbox.run("print(2)")
        )
        assert child.status is Status.TIMEOUT
        assert other.stdout == "2\n"
        sandbox.live.clear()
        assert await until_gone(family, trusted)


async def test_an_order_allows_one_fork_and_no_more() -> None:
    greedy = FRAMES + (
        "fork = type(birth.fork).__call__\n"
        "def many(self):\n  pid = fork(self)\n  if pid:\n    for _ in range(50):\n"
        "      try:\n        if fork(self) == 0:\n          while True: pass\n"
        "      except OSError: pass\n  return pid\n"
        "type(birth.fork).__call__ = many"
    )
    async with Sandbox(SandboxConfig(workers=1)) as sandbox:
        if not sandbox.about["landlock"]:
            pytest.skip("forks are free at this level")
        node = await sandbox.run(greedy)
        assert (await sandbox.run("print(1)", parent=node, leaf=True)).stdout == "1\n"
        await asyncio.sleep(0.2)
        assert sandbox.families[0].gate.refused >= 50


async def test_who_asks_for_forks_without_end_is_answered_no_more() -> None:
    greedy = FRAMES + (
        "while True:\n  try:\n    if birth.fork() == 0: os._exit(0)\n  except OSError: pass"
    )
    async with Sandbox(SandboxConfig(workers=2, timeout=0.5)) as sandbox:
        if not sandbox.about["landlock"]:
            pytest.skip("forks are free at this level")
        asking, beside = await asyncio.gather(sandbox.run(greedy), sandbox.run("print(2)"))
        assert asking.status is Status.TIMEOUT
        assert beside.stdout == "2\n"
        assert sandbox.families[0].gate.refused < 300


async def test_where_nobody_asks_for_a_fork_nobody_waits_for_a_question() -> None:
    async with Sandbox(SandboxConfig(workers=1)) as sandbox:
        await sandbox.run("print(1)")
        # What an event loop does of an error that it was told in place of a question.
        answering = threading.Thread(target=sandbox.families[0].gate._answer, daemon=True)
        answering.start()
        answering.join(timeout=10)
        assert not answering.is_alive()
        assert (await sandbox.run("print(2)")).stdout == "2\n"


@pytest.mark.skipif(os.getuid() != 0, reason="only root sees what others have open")
async def test_an_open_file_that_a_node_denies_is_not_shared() -> None:
    deny = (
        "import sys, os\nkept = open(os.__file__, 'rb', buffering=0)\nframe = sys._getframe()\n"
        "while '_FREE_FDS' not in frame.f_globals: frame = frame.f_back\n"
        "frame.f_globals['_FREE_FDS'] = range(0)\nprint('denied')"
    )
    async with Sandbox(SandboxConfig(workers=1)) as sandbox:
        node = await sandbox.run(deny)
        assert node.stdout == "denied\n"
        assert (await sandbox.run("print(len(kept.read(9)))", parent=node)).stdout == "9\n"
        assert (await sandbox.run("print(kept.tell())", parent=node)).stdout == "0\n"


async def test_a_killed_node_is_made_again() -> None:
    async with Sandbox(SandboxConfig(workers=1)) as sandbox:
        node = await sandbox.run("x = 5")
        handle = next(iter(sandbox.live._nodes.values()))
        assert handle.pid is not None
        os.kill(handle.pid, signal.SIGKILL)
        await asyncio.sleep(0.1)
        assert (await sandbox.run("print(x)", parent=node)).stdout == "5\n"


async def test_two_sandboxes_may_each_fill_their_house() -> None:
    config = SandboxConfig(workers=2, live=60, cache=0)
    async with Sandbox(config) as one, Sandbox(config) as other:
        for number in range(60):
            for sandbox in (one, other):
                assert (await sandbox.run(f"x = {number}")).ok
        assert len(one.live) == len(other.live) == 60
