"""Every command ends with a status that a script can read, and no traceback for what users do."""

from __future__ import annotations

import logging
import selectors
import signal
import subprocess
import sys

import pytest

from bench.console import Counter, expecting_other_heads, print_rich, run_guarded
from bench.errors import BenchError
from tests.said import hearing_transformers

PRINTS = """
from bench.console import run_guarded
import sys

def command():
    for _ in range(100_000):
        print("a line")
    return 0

sys.exit(run_guarded("tool", command))
"""


def test_the_status_of_a_command_is_its_own() -> None:
    assert run_guarded("tool", lambda: 0) == 0
    assert run_guarded("tool", lambda: 1) == 1


SKIPS = """
import atexit, sys
from bench.console import run_guarded, skip_end_of_interpreter

def command():
    print("done")
    skip_end_of_interpreter()
    return int(sys.argv[1])  # or raises what is a fault of ours

atexit.register(print, "a crash")
sys.exit(run_guarded("tool", command))
"""


@pytest.mark.parametrize("status", [0, 1])
def test_the_status_stays_where_the_end_of_the_interpreter_is_skipped(status: int) -> None:
    done = subprocess.run([sys.executable, "-c", SKIPS, str(status)], capture_output=True)
    assert (done.returncode, done.stdout, done.stderr) == (status, b"done\n", b"")


def test_a_fault_is_no_success_where_the_end_of_the_interpreter_is_skipped() -> None:
    done = subprocess.run([sys.executable, "-c", SKIPS, "x"], capture_output=True)
    assert (done.returncode, done.stdout) == (1, b"done\n")
    assert b"ValueError" in done.stderr


@pytest.mark.parametrize(
    ("error", "status", "said"),
    [
        (BenchError("no such file; give another"), 2, "tool: no such file; give another\n"),
        (KeyboardInterrupt(), 130, "\ntool: interrupted; repeat the command to go on where it"),
    ],
)
def test_what_a_user_can_mend_is_one_sentence(
    error: BaseException, status: int, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    def command() -> int:
        raise error

    assert run_guarded("tool", command) == status
    assert capsys.readouterr().err.startswith(said)


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (OSError(28, "No space left on device", "run.json"), "run.json: No space left on device; "),
        (IsADirectoryError(21, "Is a directory", "x"), "x: Is a directory; a file is expected"),
        (OSError("no weights\n in that folder"), "no weights in that folder"),
        (RecursionError("maximum depth"), "what was given is nested too deeply (maximum depth)"),
        (UnicodeDecodeError("utf-8", b"\xff", 0, 1, "bad"), "what was given is not text in the "),
        (MemoryError(), "not enough memory; ask for less at a time"),
    ],
)
def test_what_the_machine_refuses_is_one_sentence(
    error: Exception, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    def command() -> int:
        raise error

    assert run_guarded("tool", command) == 2
    told = capsys.readouterr().err
    assert told.startswith(f"tool: {said}")
    assert told.count("\n") == 1


HOSTILE = "\x1b]0;pwned\x07 [bold]\u202e"


def test_whatever_a_command_says_is_made_visible(capsys: pytest.CaptureFixture[str]) -> None:
    from rich.table import Table

    def command() -> int:
        print(HOSTILE)
        table = Table(HOSTILE)
        table.add_row(HOSTILE)
        print_rich(table)
        log = logging.StreamHandler()  # as a library starts one: on standard error
        log.emit(logging.makeLogRecord({"msg": HOSTILE}))
        raise BenchError(HOSTILE)

    assert run_guarded("tool", command) == 2
    out, err = capsys.readouterr()
    assert out.splitlines()[0] == r"\u001b]0;pwned\u0007 [bold]\u202e"
    assert out.count("[bold]") == 3
    assert err.count(r"\u001b]0;pwned\u0007 [bold]\u202e") == 2
    assert not set("\x1b\x07\u202e") & {*out, *err}


def test_the_time_left_is_not_told_from_the_first_case_which_waits_for_processes(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    now = 100.0
    monkeypatch.setattr("bench.console.time.monotonic", lambda: now)
    counter = Counter("gate", 5000)
    now += 12
    counter.tick()
    for _ in range(2499):
        now += 0.004
        counter.tick()
    lines = capsys.readouterr().err.splitlines()
    assert lines == ["gate: 1/5000"]
    now += 0.004
    for _ in range(2):
        now += 0.004
        counter.tick()
    assert capsys.readouterr().err == "gate: 2501/5000, 10 s left\n"


WAITS = """
import asyncio, os, signal, sys, time
from bench.console import run_guarded

if sys.argv[1:] == ["ignoring"]:
    signal.signal(signal.SIGINT, signal.SIG_IGN)

async def wait():
    child = os.fork()
    if not child:
        time.sleep(60)
        os._exit(0)
    os.kill(child, signal.SIGTERM)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGTERM
    try:
        print("begun", flush=True)
        # As in a command at work something happens now and then: a signal between Python's last
        # look and the system's wait is heard with that.
        while True:
            await asyncio.sleep(0.1)
    finally:
        print("closed")

sys.exit(run_guarded("tool", lambda: asyncio.run(wait())))
"""


@pytest.mark.parametrize("way", ["as usual", "ignoring"])
def test_sigterm_ends_a_command_as_ctrl_c_does_and_a_forked_process_at_once(way: str) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", WAITS, way],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "begun\n"
        process.send_signal(signal.SIGTERM)
        out, err = process.communicate(timeout=60)
    assert (out, process.returncode) == ("closed\n", 143)
    assert err == "\ntool: terminated; repeat the command to go on where it was\n"


def test_a_reader_who_has_enough_is_no_error() -> None:
    with subprocess.Popen(
        [sys.executable, "-c", PRINTS], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.readline()
        process.stdout.close()
        assert process.stderr.read() == b""
        assert process.wait() == 141


HEADS = """\x1b[1mLlamaForSequenceClassification LOAD REPORT\x1b[0m from: folder
Key            | Status     |
---------------+------------+-
lm_head.weight | \x1b[38;5;208mUNEXPECTED\x1b[0m |
score.weight   | \x1b[31mMISSING\x1b[0m    |

Notes:
- \x1b[31mMISSING:\x1b[0m\tthose params were newly initialized"""


@pytest.mark.parametrize(
    ("said", "is_told"),
    [
        (HEADS, False),
        (HEADS.replace("lm_head", "model.norm"), True),
        (HEADS.replace("lm_head", "layers.{0, 1}"), True),
        (HEADS.replace("UNEXPECTED", "MISMATCH"), True),
        ("the checkpoint is in an old format", True),
    ],
    ids=["heads", "another weight", "other layers", "another shape", "another warning"],
)
def test_only_a_report_of_nothing_but_heads_is_left_out(said: str, is_told: bool) -> None:
    with hearing_transformers() as heard:
        with expecting_other_heads("score.weight"):
            logging.getLogger("transformers.modeling_utils").warning(said)
        assert heard == [said] * is_told
        logging.getLogger("transformers.modeling_utils").warning(HEADS)
        assert heard[-1] == HEADS  # where none is expected


SERVES = """
import asyncio, signal, sys
ignored = sys.argv[1] == "ignored"
signal.signal(signal.SIGINT, signal.SIG_IGN if ignored else signal.default_int_handler)
from bench.console import ending_by, run_guarded

async def serve():
    told, loop = asyncio.Event(), asyncio.get_running_loop()
    with ending_by(lambda: loop.call_soon_threadsafe(told.set)):
        print("ready", flush=True)
        await told.wait()
        print("told", flush=True)
        if sys.argv[2] == "slow":
            await asyncio.sleep(600)

def command():
    asyncio.run(serve())
    return 0

sys.exit(run_guarded("tool", command))
"""


@pytest.mark.parametrize(
    ("interrupts", "pace", "signals", "status"),
    [
        ("heard", "quick", [signal.SIGINT], 0),
        ("heard", "quick", [signal.SIGTERM], 0),
        ("ignored", "quick", [signal.SIGTERM], 0),
        ("heard", "slow", [signal.SIGINT, signal.SIGINT], 130),
        ("heard", "slow", [signal.SIGTERM, signal.SIGTERM], 143),
        ("ignored", "slow", [signal.SIGTERM, signal.SIGTERM], 143),
    ],
)
def test_a_command_that_serves_ends_well_when_told_once(
    interrupts: str, pace: str, signals: list[signal.Signals], status: int
) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", SERVES, interrupts, pace], stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        for number, said in zip(signals, ["ready\n", "told\n"], strict=False):
            assert process.stdout.readline() == said
            process.send_signal(number)
        assert process.wait(timeout=60) == status


LATE = """
import asyncio, ctypes, selectors, signal, sys
from functools import partial
from operator import call

from bench.console import ending_by

# A shell's background job begins with Ctrl-C ignored, and then it stays so.
signal.signal(signal.SIGINT, signal.default_int_handler)


class Late:
    \"\"\"An epoll that is interrupted after Python's last look at signals, before the wait.\"\"\"

    def __init__(self, epoll):
        self.epoll, self.is_due, self.woke = epoll, False, False

    def poll(self, *arguments):
        if not self.is_due:
            return self.epoll.poll(*arguments)
        self.is_due = False
        interrupt = partial(getattr(ctypes.CDLL(None), "raise"), signal.SIGINT)
        # `map` runs both without a bytecode between them, at which Python would look.
        _, events = map(call, [interrupt, partial(self.epoll.poll, *arguments)])
        self.woke = bool(events)
        return events

    def __getattr__(self, name):
        return getattr(self.epoll, name)


selector = selectors.EpollSelector()
late = selector._selector = Late(selector._selector)


async def serve():
    loop, told = asyncio.get_running_loop(), asyncio.Event()
    with ending_by(lambda: loop.call_soon_threadsafe(told.set)):
        loop.call_later(0, setattr, late, "is_due", True)
        await asyncio.wait_for(told.wait(), timeout=5)


with asyncio.Runner(loop_factory=partial(asyncio.SelectorEventLoop, selector)) as runner:
    runner.run(serve())
sys.exit(None if late.woke else "not woken")
"""


@pytest.mark.skipif(not hasattr(selectors, "EpollSelector"), reason="no epoll here")
def test_a_signal_that_comes_just_before_an_idle_server_sleeps_wakes_it() -> None:
    # In a process of its own: here a signal could come to any thread that a library left.
    done = subprocess.run([sys.executable, "-c", LATE], capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stderr) == (0, "")
