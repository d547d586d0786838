"""The forked process that runs one program after its ancestors', and reports on the last.

From `live` on nothing here is trusted: the program shares this interpreter and may change all of
it. Limits are the kernel's, set before the first line of the program. What is not limited at this
level: reading files, the network, signals to processes of the same user, and, for root, the number
of processes. Output is what `print` and `sys.stdout` are given; bytes written to descriptor 1 by C
code are lost, as is everything printed before a `SIGKILL`.
"""

from __future__ import annotations

import builtins
import hashlib
import io
import os
import random
import resource
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from time import perf_counter
from typing import Any, NamedTuple, NoReturn

from bench.sandbox import lifeline
from bench.sandbox.wire import ENDINGS, MAX_ERROR, RESULT

_RESULT_FD = 3
_OPEN_FILES = 64
"""Enough for lazy imports; a program that leaks descriptors stops itself."""


class Limits(NamedTuple):
    """What every child may use."""

    memory: int
    """Bytes of address space, the zygote's own included."""
    output: int
    """Bytes that a program may print."""

    @property
    def result(self) -> int:
        """Bytes of the largest honest report."""
        return RESULT.size + self.output + MAX_ERROR


class Report(NamedTuple):
    """How a program ended, as told by the process it ran in."""

    ending: str
    seconds: float = 0.0
    stdout: bytes = b""
    error: str = ""

    def pack(self) -> bytes:
        """The frame that `bench.sandbox.decoding` reads."""
        error = self.error.encode("utf-8", "backslashreplace")[:MAX_ERROR]
        header = RESULT.pack(ENDINGS.index(self.ending), self.seconds, len(self.stdout), len(error))
        return header + self.stdout + error


class OutputLimit(BaseException):
    """Raised into a program that prints too much; not an `Exception`, which programs catch."""


class Printed(io.TextIOBase):
    """A bounded `sys.stdout`."""

    def __init__(self, limit: int) -> None:
        """Keep at most `limit` bytes of UTF-8."""
        self.room = limit
        self.parts: list[bytes] = []
        self.full = False

    def writable(self) -> bool:
        """Always."""
        return True

    def write(self, text: str) -> int:
        """Keep what fits; raise `OutputLimit` when something does not."""
        if not isinstance(text, str):
            raise TypeError(f"write() argument must be str, not {type(text).__name__}")
        data = text[: self.room + 1].encode("utf-8", "backslashreplace")
        self.parts.append(data[: self.room])
        self.full = self.full or len(data) > self.room
        self.room = max(0, self.room - len(data))
        if self.full:
            raise OutputLimit
        return len(text)


def live(
    chain: Sequence[str], writer: int, *, cpu: int, directory: str, limits: Limits
) -> NoReturn:
    """Enclose this process, run the chain, write the report, and end without any clean-up."""
    status = 1
    try:
        _enclose(writer, cpu, directory, limits)
        data = memoryview(run_chain(chain, limits.output).pack())
        while data:
            data = data[os.write(_RESULT_FD, data) :]
        status = 0
    finally:
        os._exit(status)


def run_chain(chain: Sequence[str], output: int) -> Report:
    """Run the ancestors for their effects, then the last program for its report."""
    namespace: dict[str, Any] = {"__name__": "__main__", "__builtins__": builtins}
    digest = hashlib.sha256()
    report = Report("ok")
    for code in chain:
        if report.ending != "ok":  # an ancestor, which ran before: not this program's failure
            return Report("crashed", error=f"in replay: {report.error}")
        digest.update(hashlib.sha256(code.encode()).digest())
        _seed(int.from_bytes(digest.digest()[:8]))
        report = run(code, namespace, output)
    return report


def run(code: str, namespace: dict[str, Any], output: int) -> Report:
    """Execute one program in `namespace`; whatever it raises becomes part of the report."""
    printed = Printed(output)
    sys.stdout = printed
    ending, error = "ok", ""
    start = perf_counter()
    try:
        exec(compile(code, "<step>", "exec", dont_inherit=True), namespace)
    except MemoryError as raised:
        ending, error = "memory", _one_line(raised)
    except BaseException as raised:
        # SystemExit too, even with status 0: a program that ends the interpreter has no successor.
        ending, error = "error", _one_line(raised)
    seconds = perf_counter() - start
    if printed.full:  # also where the program swallowed the exception
        ending, error = "output_limit", f"printed more than {output} bytes"
    return Report(ending, seconds, b"".join(printed.parts), error)


def address_space() -> int:
    """Bytes of address space in use; 0 where there is no /proc."""
    statm = Path("/proc/self/statm")
    return int(statm.read_text().split()[0]) * resource.getpagesize() if statm.exists() else 0


def _enclose(writer: int, cpu: int, directory: str, limits: Limits) -> None:
    zygote = os.getppid()
    os.setsid()
    lifeline.die_with_parent(signal.SIGKILL, parent=zygote)
    signal.set_wakeup_fd(-1)
    for number in (signal.SIGCHLD, signal.SIGTERM):
        signal.signal(number, signal.SIG_DFL)
    os.dup2(writer, _RESULT_FD)
    os.closerange(_RESULT_FD + 1, resource.getrlimit(resource.RLIMIT_NOFILE)[0])
    os.chdir(directory)
    for kind, value in (
        (resource.RLIMIT_CPU, cpu),  # for the day the supervisor is stopped and keeps no clock
        (resource.RLIMIT_AS, limits.memory),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_NOFILE, _OPEN_FILES),
        (resource.RLIMIT_NPROC, 0),  # no fork and no thread; the kernel exempts root
    ):
        hard = resource.getrlimit(kind)[1]
        value = value if hard == resource.RLIM_INFINITY else min(value, hard)
        resource.setrlimit(kind, (value, value))


def _seed(seed: int) -> None:
    """Make chance a function of the chain; without it siblings would share one stream."""
    random.seed(seed)
    sys.modules["numpy.random"].seed(seed % 2**32)
    sys.modules["sympy.core.random"].seed(seed)


def _one_line(raised: BaseException) -> str:
    """`ZeroDivisionError: division by zero`."""
    name = type(raised).__name__
    try:
        message = " ".join(str(raised).split())
    except BaseException:  # __str__ is the program's own
        message = ""
    return f"{name}: {message}" if message else name
