"""What a program may do, what it may not, and how each ending is told: a property a test.

One sandbox with short limits serves most tests, so that a test costs milliseconds; those that count
processes or break an interpreter open their own.
"""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Protocol

import psutil
import pytest

from bench.errors import SandboxError
from bench.sandbox import Execution, Sandbox, SandboxConfig, Status
from bench.sandbox.deadlines import PATIENCE

QUICK = SandboxConfig(timeout=1.0, memory=256, output=1000, workers=2)


class Run(Protocol):
    """`sandbox.run`, for tests that are no coroutines."""

    def __call__(self, code: str, parent: Execution | None = None) -> Execution:
        """Run a program to its end."""


@pytest.fixture(scope="module")
def loop() -> Iterator[asyncio.Runner]:
    """One event loop for the module, as a sandbox belongs to one."""
    with asyncio.Runner() as runner:
        yield runner


@pytest.fixture(scope="module")
def sandbox(loop: asyncio.Runner) -> Iterator[Sandbox]:
    """A warm sandbox with short limits."""
    opened = loop.run(Sandbox(QUICK).__aenter__())
    yield opened
    loop.run(opened.__aexit__())


@pytest.fixture(scope="module")
def run(loop: asyncio.Runner, sandbox: Sandbox) -> Run:
    """Run one program in the shared sandbox."""

    def run_one(code: str, parent: Execution | None = None) -> Execution:
        return loop.run(sandbox.run(code, parent=parent))

    return run_one


def descendants() -> list[psutil.Process]:
    """Everything that lives below this process."""
    return list(psutil.Process().children(recursive=True))


def soon(condition: Callable[[], bool], seconds: float = 5.0) -> bool:
    """Whether the condition comes true; the kernel delivers a death in its own time."""
    end = time.monotonic() + seconds
    while not condition() and time.monotonic() < end:
        time.sleep(0.02)
    return condition()


# What a program that behaves sees.


def test_only_explicit_prints_are_output(run: Run) -> None:
    execution = run("x = 6 * 7\nx\nprint(x)")
    assert (execution.status, execution.stdout, execution.error) == (Status.OK, "42\n", "")


def test_the_variables_of_the_ancestors_are_visible(run: Run) -> None:
    first = run("a = 1\nprint('first')")
    second = run("b = a + 1", parent=first)
    third = run("print(a + b)", parent=second)
    assert third.stdout == "3\n"
    assert third.chain == ("a = 1\nprint('first')", "b = a + 1", "print(a + b)")


def test_what_a_sibling_changed_is_invisible(run: Run) -> None:
    parent = run("numbers = [1]")
    run("numbers.append(2)\nimport math\nmath.pi = 3", parent=parent)
    assert run("import math\nprint(numbers, math.pi > 3)", parent=parent).stdout == "[1] True\n"


def test_an_execution_outlives_the_sandbox_that_made_it(run: Run) -> None:
    foreign = Execution(Status.OK, "", "", 0.0, "a = 20")
    assert run("print(a + 1)", parent=foreign).stdout == "21\n"


def test_the_mathematics_libraries_are_there(run: Run) -> None:
    code = (
        "from sympy import symbols, solve, Rational\nimport numpy as np, fractions, decimal\n"
        "x = symbols('x')\nprint(solve(x**2 - 4, x), int(np.arange(4).sum()), Rational(1, 3))"
    )
    assert run(code).stdout == "[-2, 2] 6 1/3\n"


def test_unicode_is_printed_and_read_as_it_is(run: Run) -> None:
    assert run("print('½ ≤ π — 数学 🎲')").stdout == "½ ≤ π — 数学 🎲\n"


def test_a_lone_surrogate_in_the_output_is_escaped(run: Run) -> None:
    assert run(r"print('\ud800')").stdout == "\\ud800\n"


def test_the_environment_is_empty(run: Run) -> None:
    code = "import os\nprint(dict(os.environ), os.getenv('HOME'), os.listdir())"
    assert run(code).stdout == "{} None []\n"


def test_the_harness_cannot_be_imported(run: Run) -> None:
    code = "import sys\nprint([n for n in sys.modules if 'bench' in n])\nimport bench.types"
    execution = run(code)
    assert execution.stdout == "[]\n"
    assert execution.error.startswith("ModuleNotFoundError")


def test_chance_is_a_function_of_the_chain(run: Run) -> None:
    code = "import random, numpy\nprint(random.random(), numpy.random.rand(), hash('a'))"
    again = SandboxConfig(workers=1, cache=0)

    async def elsewhere() -> list[str]:
        async with Sandbox(again) as other:
            parent = await other.run("z = 0")
            runs = [await other.run(code), await other.run(code, parent=parent)]
            return [execution.stdout for execution in runs]

    root, below = asyncio.run(elsewhere())
    assert run(code).stdout == root
    assert root != below


def test_a_program_asked_twice_is_run_once(run: Run) -> None:
    code = "import time\nprint(time.time_ns())"
    assert run(code) == run(code)


# How a program that fails is told.


@pytest.mark.parametrize(
    ("code", "error"),
    [
        ("print('before')\n1 / 0", "ZeroDivisionError: division by zero"),
        ("assert False", "AssertionError"),
        ("raise ValueError('two\\nlines')", "ValueError: two lines"),
        ("def f(:", "SyntaxError: invalid syntax (<step>, line 1)"),
        ("import sys\nsys.exit(3)", "SystemExit: 3"),
        ("raise SystemExit", "SystemExit"),
        ("raise KeyboardInterrupt", "KeyboardInterrupt"),
        ("input()", "EOFError: EOF when reading a line"),
        ("class E(Exception):\n  def __str__(self): raise E\nraise E", "E"),
        ("class B(BaseException): pass\nraise B('x')", "B: x"),
    ],
)
def test_an_exception_is_an_error_in_one_line(run: Run, code: str, error: str) -> None:
    execution = run(code)
    assert (execution.status, execution.error) == (Status.ERROR, error)


def test_what_was_printed_before_an_error_is_kept(run: Run) -> None:
    assert run("print('before')\n1 / 0").stdout == "before\n"


def test_endless_recursion_is_an_error(run: Run) -> None:
    execution = run("def f(): return f()\nf()")
    assert execution.status is Status.ERROR
    assert execution.error.startswith("RecursionError")


def test_a_long_message_is_cut(run: Run) -> None:
    assert len(run("raise ValueError('x' * 10**6)").error) <= 500


def test_a_failed_parent_is_not_continued(run: Run) -> None:
    execution = run("print(1)", parent=run("1 / 0"))
    assert execution.status is Status.REFUSED
    assert "ZeroDivisionError" in execution.error


def test_a_program_that_is_not_text_is_refused(run: Run) -> None:
    assert run("print('\ud800')").status is Status.REFUSED


def test_a_huge_program_is_refused(run: Run) -> None:
    assert run("#" * (2 << 20)).status is Status.REFUSED


# What a hostile program achieves.


@pytest.mark.parametrize(
    "code",
    [
        "while True: pass",
        "import time\ntime.sleep(60)",
        "while True:\n  try:\n    while True: pass\n  except BaseException: pass",
        "10**10**10",
        "import signal\nfor s in range(1, 32):\n  try: signal.signal(s, signal.SIG_IGN)\n"
        "  except (OSError, ValueError): pass\nwhile True: pass",
    ],
)
def test_a_program_without_an_end_is_killed_at_its_deadline(run: Run, code: str) -> None:
    start = time.monotonic()
    execution = run(code)
    assert execution.status in (Status.TIMEOUT, Status.MEMORY)
    assert time.monotonic() - start < PATIENCE * 1.0  # on a quiet machine one second


@pytest.mark.parametrize(
    "code",
    [
        "x = 'x' * 10**10",
        # Grows step by step; untouched pages, since touching them takes a busy machine too long.
        "import numpy\nx = []\nwhile True: x.append(numpy.empty(1 << 20))",
        "import numpy\nnumpy.ones(10**9)",
    ],
)
def test_a_memory_bomb_is_told_as_memory(run: Run, code: str) -> None:
    assert run(code).status is Status.MEMORY


@pytest.mark.parametrize(
    "code",
    [
        "while True: print('spam')",
        "print('x' * 10**6)",
        "try:\n  print('é' * 10**4)\nexcept BaseException: pass",
    ],
)
def test_an_output_bomb_is_cut_at_the_limit(run: Run, code: str) -> None:
    execution = run(code)
    assert execution.status is Status.OUTPUT_LIMIT
    assert 990 < len(execution.stdout.encode()) <= 1000


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("import os\nos._exit(0)", "without a report"),
        ("import os\nos._exit(7)", "status 7"),
        ("import ctypes\nctypes.string_at(0)", "SIGSEGV"),
        ("import os\nos.abort()", "killed by"),  # no signals, so it ends by a trap
        ("import os\nos.closerange(0, 100)", "status 1"),
        ("import os\nos.write(3, b'nonsense')\nos._exit(0)", "without a report"),
        ("import os\nos.write(3, b'\\x00' * 40)\nos._exit(0)", "malformed"),
        ("import os\nos.write(3, b'\\xff' * 40)\nos._exit(0)", "malformed"),
    ],
)
def test_a_dead_interpreter_is_a_crash_with_its_cause(run: Run, code: str, words: str) -> None:
    execution = run(code)
    assert execution.status is Status.CRASHED
    assert words in execution.error


def test_a_forged_result_does_not_stop_the_clock(run: Run) -> None:
    forged = (
        "import os, struct\nos.write(3, struct.pack('!BBdII', 0, 0, 0.0, 0, 0))\nwhile True: pass"
    )
    assert run(forged).status is Status.TIMEOUT


def test_nothing_can_be_written_to_a_file(run: Run) -> None:
    assert run("open('f', 'w')").error.startswith(("PermissionError", "OSError"))
    assert run("import os\nprint(os.listdir())").stdout == "[]\n"


def test_descriptors_run_out(run: Run) -> None:
    assert "Too many open files" in run("import os\nwhile True: os.dup(1)").error


def test_losing_the_zygote_costs_no_result() -> None:
    before = descendants()

    async def scenario() -> tuple[Execution, Execution]:
        async with Sandbox(SandboxConfig(workers=1)) as sandbox:
            node = await sandbox.run("x = 7")
            code = "import time\ntime.sleep(0.6)\nprint(x + 1)"
            running = asyncio.ensure_future(sandbox.run(code, parent=node))
            await asyncio.sleep(0.2)
            os.kill(sandbox.families[0].pids[0], signal.SIGKILL)
            return await running, await sandbox.run("print(x)", parent=node)

    again, after = asyncio.run(scenario())
    assert again.stdout == "8\n"
    assert after.stdout == "7\n"
    assert soon(lambda: set(descendants()) <= set(before))


# How the sandbox itself lives and dies.


def test_fifty_programs_at_once_get_their_own_results(
    loop: asyncio.Runner, sandbox: Sandbox
) -> None:
    async def scenario() -> list[Execution]:
        return await asyncio.gather(*(sandbox.run(f"print({i} ** 2)") for i in range(50)))

    assert [e.stdout for e in loop.run(scenario())] == [f"{i * i}\n" for i in range(50)]


def test_a_cancelled_run_leaves_no_process_and_a_working_sandbox() -> None:
    async def scenario() -> Execution:
        async with Sandbox(SandboxConfig(workers=1)) as sandbox:
            idle = len(descendants())
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(sandbox.run("while True: pass"), 0.2)
            assert soon(lambda: len(descendants()) == idle)
            return await sandbox.run("print(1)")

    assert asyncio.run(scenario()).stdout == "1\n"


def test_who_gives_up_leaves_the_result_to_the_others(
    loop: asyncio.Runner, sandbox: Sandbox
) -> None:
    code = "import time\ntime.sleep(0.3)\nprint('done')"

    async def scenario() -> Execution:
        first = asyncio.ensure_future(sandbox.run(code))
        second = asyncio.ensure_future(sandbox.run(code))
        await asyncio.sleep(0.1)
        first.cancel()
        return await second

    assert loop.run(scenario()).stdout == "done\n"


def test_closing_leaves_no_process_and_no_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = descendants()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))

    async def scenario() -> Execution:
        async with Sandbox(QUICK) as sandbox:
            await sandbox.run("kept = 1")
            spinning = asyncio.ensure_future(sandbox.run("while True: pass"))
            await asyncio.sleep(0.2)
        return await spinning

    assert asyncio.run(scenario()).status is Status.CRASHED
    assert set(descendants()) <= set(before)
    assert list(tmp_path.iterdir()) == []


def test_everything_goes_with_a_supervisor_that_is_killed(tmp_path: Path) -> None:
    mounts = Path("/proc/mounts").read_text()
    code = (
        "import asyncio\nfrom bench.sandbox import Sandbox\nasync def main():\n"
        "    async with Sandbox() as s:\n"
        "        nodes = await asyncio.gather(*(s.run(f'x = {i}') for i in range(50)))\n"
        "        print(len(nodes), flush=True)\n"
        "        await s.run('while True: pass', parent=nodes[0])\nasyncio.run(main())\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "TMPDIR": str(tmp_path)},
    ) as supervisor:
        assert supervisor.stdout is not None
        assert supervisor.stdout.readline() == "50\n"
        time.sleep(0.2)
        below = psutil.Process(supervisor.pid).children(recursive=True)
        assert len(below) > 50
        supervisor.kill()
    assert soon(lambda: not any(process.is_running() for process in below))
    assert soon(lambda: not any(tmp_path.iterdir()))
    assert Path("/proc/mounts").read_text() == mounts


def test_a_sandbox_that_is_not_open_says_how_to_open_it() -> None:
    with pytest.raises(SandboxError, match="async with"):
        asyncio.run(Sandbox().run("print(1)"))
