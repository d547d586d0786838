"""How a command talks to a person: its exit status, one sentence on failure, tables, a live line.

Whatever it prints or logs is made visible (`bench.terminal`), model text and data included.
"""

from __future__ import annotations

import atexit
import errno
import io
import logging
import os
import re
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from types import FrameType
from typing import TYPE_CHECKING, ClassVar, TextIO, cast

from bench.errors import BenchError
from bench.terminal import VisibleStream, visible, write_as_is

if TYPE_CHECKING:
    from rich.console import Console, ConsoleOptions, RenderableType
    from rich.segment import Segment

_OUTPUT = "standard output"


def run_guarded(program: str, command: Callable[[], int]) -> int:
    """Run a command; return its exit status, or the error's with a sentence on standard error.

    What the machine refuses (a full disk, a folder where a file should be) is the user's to mend.
    """
    _Ended.status = _guard(program, command)
    return _Ended.status


class _Ended:
    status: ClassVar[int] = 0
    """Of the command that was run last."""


def skip_end_of_interpreter() -> None:
    """End the process, after its command, without what Python does then; its status stays.

    For a library whose threads would crash there.
    """
    atexit.register(_end_process)


def _end_process() -> None:
    with suppress(OSError, ValueError):
        sys.stdout.flush()
    # Python sets it for an exception that nobody caught, which no command's status tells of.
    os._exit(1 if hasattr(sys, "last_value") else _Ended.status)


def _guard(program: str, command: Callable[[], int]) -> int:
    _open_closed_streams()
    # Python has no stream for a descriptor that is closed; then `print` would drop all in silence.
    if cast(TextIO | None, sys.stdout) is None:
        sys.stderr.write(f"{program}: {_OUTPUT} is closed; send it to a file, or to {os.devnull}\n")
        return BenchError.exit_code
    with _showing(), _Termination() as termination:
        try:
            return _run_and_flush(command)
        except BenchError as error:
            said, status = str(error), error.exit_code
        except BrokenPipeError as error:
            if error.filename == _OUTPUT:  # whoever read it, `head` say, has enough
                _drop_output()
                return 141
            said, status = _explain(error), BenchError.exit_code
        except (OSError, UnicodeError, RecursionError, MemoryError) as error:
            if isinstance(error, OSError) and error.filename == _OUTPUT:
                _drop_output()
            said, status = _explain(error), BenchError.exit_code
        except KeyboardInterrupt:
            what, status = ("terminated", 143) if termination.came else ("interrupted", 130)
            said = f"{what}; repeat the command to go on where it was"
            write_as_is(sys.stderr, "\n")
        sys.stderr.write(f"{program}: {said}\n")
        return status


def _run_and_flush(command: Callable[[], int]) -> int:
    try:
        return command()
    finally:
        sys.stdout.flush()


class _Termination:
    """Lets SIGTERM end a command as Ctrl-C does: everything that was opened is closed.

    Processes that are forked meanwhile end at once, as they would without it.
    """

    came = False
    calmly: ClassVar[Callable[[], object] | None] = None
    """What the first Ctrl-C or SIGTERM calls instead (`ending_by`)."""

    def __enter__(self) -> _Termination:
        default = signal.getsignal(signal.SIGTERM) is signal.SIG_DFL
        self._ours = default and threading.current_thread() is threading.main_thread()
        if self._ours:
            signal.signal(signal.SIGTERM, self._end)
        return self

    def __exit__(self, *_: object) -> None:
        if self._ours:
            signal.signal(signal.SIGTERM, signal.SIG_DFL)

    def _end(self, number: int, frame: FrameType | None) -> None:
        if _end_calmly():
            return
        self.came = True
        interrupt = signal.getsignal(signal.SIGINT)
        if not callable(interrupt):  # ignored, as in a shell's background job
            raise KeyboardInterrupt
        interrupt(signal.SIGINT, frame)  # an event loop has its own, which ends its tasks first


def _end_calmly() -> bool:
    """Call what is to end the command; return whether there is such, the first time."""
    end, _Termination.calmly = _Termination.calmly, None
    if end is not None:
        end()
    return end is not None


@contextmanager
def ending_by(end: Callable[[], object]) -> Iterator[None]:
    """Let the first Ctrl-C or SIGTERM call `end`, in the main thread; a second ends the command.

    A command that serves ends well that way, with status 0. It has an event loop, which every
    signal wakes. Where Ctrl-C is ignored, as in a shell's background job, it stays so. In another
    thread nothing changes.
    """
    before = signal.getsignal(signal.SIGINT)
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def interrupt(number: int, frame: FrameType | None) -> None:
        if not _end_calmly() and callable(before):
            before(number, frame)

    _Termination.calmly = end
    if callable(before):
        signal.signal(signal.SIGINT, interrupt)
    try:
        with _woken_by_signals():
            yield
    finally:
        _Termination.calmly = None
        if callable(before):
            signal.signal(signal.SIGINT, before)


@contextmanager
def _woken_by_signals() -> Iterator[None]:
    """Wake the running event loop whenever a signal comes.

    A signal between Python's last look and the system's wait would else be heard when something
    else happens, which for a server that is idle may be never.
    """
    import asyncio  # most commands have no event loop

    loop = asyncio.get_running_loop()
    reads, writes = socket.socketpair()
    with reads, writes:
        reads.setblocking(False)
        writes.setblocking(False)
        loop.add_reader(reads, reads.recv, 4096)
        before = signal.set_wakeup_fd(writes.fileno(), warn_on_full_buffer=False)
        try:
            yield
        finally:
            signal.set_wakeup_fd(before)
            loop.remove_reader(reads)


_masks = threading.local()


def _hold_back() -> None:
    """Let SIGTERM wait while this thread forks: Python drops what a child hears before it is up."""
    _masks.before = signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM])


def _let_through() -> None:
    signal.pthread_sigmask(signal.SIG_SETMASK, _masks.before)


def _end_at_once() -> None:
    if isinstance(getattr(signal.getsignal(signal.SIGTERM), "__self__", None), _Termination):
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
    _let_through()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(
        before=_hold_back, after_in_parent=_let_through, after_in_child=_end_at_once
    )


def _open_closed_streams() -> None:
    """Give closed descriptors to the null device: the next file opened would be taken for one."""
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # takes the lowest number that is free
    if cast(TextIO | None, sys.stderr) is None:
        sys.stderr = os.fdopen(2, "w", encoding="utf-8", closefd=False)


@contextmanager
def _showing() -> Iterator[None]:
    """Make visible what is printed and logged meanwhile."""
    before = sys.stdout, sys.stderr
    if isinstance(sys.stdout, io.TextIOWrapper):  # no text is beyond a locale
        sys.stdout.reconfigure(errors="backslashreplace")
    sys.stdout = cast(TextIO, VisibleStream(sys.stdout, _OUTPUT))
    sys.stderr = cast(TextIO, VisibleStream(sys.stderr, "standard error", required=False))
    try:
        yield
    finally:
        sys.stdout, sys.stderr = before


def _drop_output() -> None:
    """Send what is left in the buffer nowhere; Python would complain of it again at exit."""
    with suppress(OSError):
        null = os.open(os.devnull, os.O_WRONLY)
        os.dup2(null, sys.stdout.fileno())
        os.close(null)


_REMEDIES = {
    errno.ENOSPC: "free some space, then repeat the command",
    errno.EDQUOT: "free some space, then repeat the command",
    errno.EACCES: "change its permissions, or choose another place",
    errno.EPERM: "change its permissions, or choose another place",
    errno.EROFS: "choose another place",
    errno.EISDIR: "a file is expected there",
    errno.ENOTDIR: "a folder is expected there",
    errno.EEXIST: "choose another place",
    errno.ENOENT: "is the name right?",
    errno.EMFILE: "raise the limit of open files: ulimit -n",
}


def _explain(error: OSError | UnicodeError | RecursionError | MemoryError) -> str:
    """Say what the machine, or Python, refused."""
    match error:
        case OSError():
            what = error.strerror or " ".join(str(error).split()) or type(error).__name__
            where = f"{error.filename2 or error.filename}: " if error.filename else ""
            remedy = _REMEDIES.get(error.errno or 0)
            return f"{where}{what}" + (f"; {remedy}" if remedy else "")
        case UnicodeError():
            return f"what was given is not text in the expected encoding: {error}"
        case RecursionError():
            return f"what was given is nested too deeply ({error})"
        case _:
            return "not enough memory; ask for less at a time, or use a larger machine"


def print_rich(shown: RenderableType, *, columns: int = 120) -> None:
    """Print what rich lays out, for a terminal's width; elsewhere for so many columns.

    Text is taken as it is: brackets and colons of a model are no markup.
    """
    from rich.console import Console

    live = sys.stdout.isatty()
    encoding = sys.stdout.encoding or "utf-8"
    # Laid out apart from standard output, whose errors rich would turn into an exit of its own.
    out = io.BytesIO()
    text = io.TextIOWrapper(out, encoding, errors="backslashreplace", newline="")
    width = None if live else columns
    console = Console(file=text, force_terminal=live, width=width, markup=False, emoji=False)
    console.print(_Visible(shown))
    text.flush()
    write_as_is(sys.stdout, out.getvalue().decode(encoding))


class _Visible:
    """Something that rich lays out, its texts made visible and its colours left."""

    def __init__(self, shown: RenderableType) -> None:
        self._shown = shown

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> Iterator[Segment]:
        for segment in console.render(self._shown, options):
            yield segment if segment.control else segment._replace(text=visible(segment.text))


EVERY_SECONDS = 10.0
"""Between two lines of progress where standard error is no terminal."""
LIVE_SECONDS = 0.1
"""Between two states of a live line."""
SOME_CASES = 20
SOME_SECONDS = 10.0
"""After so many cases, or seconds, the time left is more than a guess."""


class Pace:
    """Says when it is time for another line."""

    def __init__(self, seconds: float) -> None:
        """Wait so many seconds before the first line, and between two."""
        self._seconds = seconds
        self._last = time.monotonic()

    def is_due(self) -> bool:
        """Whether the time has come; from then on the next one is waited for."""
        now = time.monotonic()
        if now - self._last < self._seconds:
            return False
        self._last = now
        return True


class LiveLine:
    """One line on standard error: written over on a terminal, a new one now and then elsewhere."""

    def __init__(self) -> None:
        """Write nothing yet."""
        self._live = sys.stderr.isatty()
        self._pace = Pace(LIVE_SECONDS if self._live else EVERY_SECONDS)

    def show(self, line: Callable[[], str]) -> None:
        """Write a line, made only when one is due."""
        if self._pace.is_due():
            if self._live:
                write_as_is(sys.stderr, f"\r\x1b[K{visible(line())}")
            else:
                sys.stderr.write(f"{line()}\n")
            sys.stderr.flush()

    def close(self, last: str = "") -> None:
        """Take the live line away; leave `last` for good, if there is one."""
        if self._live:
            write_as_is(sys.stderr, "\r\x1b[K")
        if last:
            sys.stderr.write(f"{last}\n")


class Counter:
    """Counts cases on standard error, with the time left once there is something to go by."""

    def __init__(self, label: str, total: int) -> None:
        """Write nothing yet."""
        self._label, self._total, self._done = label, total, 0
        self._first: float | None = None
        self._line = LiveLine()

    def tick(self) -> None:
        """Count one."""
        self._done += 1
        # The first case waits for processes to start, which tells nothing about the others.
        self._first = self._first or time.monotonic()
        self._line.show(self._state)

    def _state(self) -> str:
        state = f"{self._label}: {self._done}/{self._total}"
        seconds = time.monotonic() - (self._first or 0.0)
        if self._done < 2 or (self._done < SOME_CASES and seconds < SOME_SECONDS):
            return state
        left = seconds / (self._done - 1) * (self._total - self._done)
        return f"{state}, {left:.0f} s left"

    def __enter__(self) -> Counter:
        """Return the counter."""
        return self

    def __exit__(self, *_: object) -> None:
        """Take the live line away."""
        self._line.close()


def quieten_third_parties() -> None:
    """Keep third parties' progress bars and request logs out of the way.

    Set before any of them is imported, which is when they read it.
    """
    os.environ.setdefault("HF_HUB_DISABLE_PROGRESS_BARS", "1")
    os.environ.setdefault("TRANSFORMERS_NO_ADVISORY_WARNINGS", "1")
    os.environ.setdefault("TRANSFORMERS_VERBOSITY", "error")
    os.environ.setdefault("TQDM_DISABLE", "1")
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    os.environ.setdefault("VLLM_LOGGING_COLOR", "0")  # colours would be spelled out
    for name in ("httpx", "datasets", "accelerate", "huggingface_hub", "gguf"):
        logging.getLogger(name).setLevel(logging.WARNING)


_COLOUR = re.compile(r"\x1b\[[\d;]+m")


@contextmanager
def expecting_other_heads(*missing: str, left: Sequence[str] = ("lm_head",)) -> Iterator[None]:
    """Leave out transformers' report of a load that is of these heads alone.

    It reads as a warning, where the `missing` weights are yet to be made and those of `left` are
    not asked for. Any other weight that is missing or left over is reported, and the heads with it.
    """

    def is_news(record: logging.LogRecord) -> bool:
        lines = _COLOUR.sub("", record.getMessage()).splitlines()
        rows = {
            tuple(cell.strip() for cell in line.split("|")[:2]) for line in lines if "|" in line
        }
        expected = {("Key", "Status"), *((name, "MISSING") for name in missing)}
        told = {
            (name, status)
            for name, status in rows - expected
            if status != "UNEXPECTED" or name.partition(".")[0] not in left
        }
        return not rows or bool(told)

    logger = logging.getLogger("transformers.modeling_utils")
    logger.addFilter(is_news)
    try:
        yield
    finally:
        logger.removeFilter(is_news)
