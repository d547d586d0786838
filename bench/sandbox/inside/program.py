"""Runs one program in a namespace, and tells how it ended.

From the first line of the first program on, nothing here is trusted: programs share this
interpreter and may change all of it. Output is what `print` and `sys.stdout` are given; bytes
written to descriptor 1 by C code are lost, as is everything printed before a `SIGKILL`.
"""

from __future__ import annotations

import gc
import hashlib
import io
import os
import random
import sys
from time import perf_counter
from typing import Any, NamedTuple

from bench.sandbox.wire import BOUND, ENDINGS, MAX_ERROR, RESULT, Program

_RANDOM = ("rand", "secrets", "uuid", "stat", "sample", "scipy")
"""What a program that draws names, mostly; one that names none of it draws the same as siblings."""
_GENERATORS = (("numpy.random", 32), ("sympy.core.random", 64))
"""Modules with a generator of their own, and how many bits its seed has."""


class Report(NamedTuple):
    """How a program ended, as told by the process it ran in."""

    ending: str
    seconds: float = 0.0
    stdout: bytes = b""
    error: str = ""

    def pack(self, *, bound: bool) -> bytes:
        """Return the frame that `bench.sandbox.decoding` reads."""
        error = self.error.encode("utf-8", "backslashreplace")[:MAX_ERROR]
        ending, flags = ENDINGS.index(self.ending), BOUND if bound else 0
        header = RESULT.pack(ending, flags, self.seconds, len(self.stdout), len(error))
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
        """Return True: a program may always write."""
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


class Chance:
    """`os.urandom`, as a function of the path of a node: replay must draw what was drawn."""

    def __init__(self) -> None:
        """Begin at the root."""
        self.seed, self.drawn = b"", 0
        self._asked = False

    def __call__(self, size: int, /) -> bytes:
        """Return the next bytes."""
        self.drawn += 1
        return hashlib.shake_128(self.seed + self.drawn.to_bytes(8)).digest(size)

    def restart(self, program: Program) -> None:
        """Make all chance that follows a function of the program's seed.

        Without it siblings would share one stream. Generators are seeded from the first program of
        a chain on that names one, since seeding writes to as many pages as a small step does; until
        then they continue from the parent's, which is a function of the chain too: before the first
        program all were seeded alike. What is not covered asks the kernel directly: a new, unseeded
        `random.Random`.
        """
        self.seed, self.drawn = program.seed.to_bytes(8), 0
        for name in _RANDOM:
            self._asked = self._asked or name in program.code
        if self._asked:
            _seed(program.seed)

    def install(self) -> None:
        """Take the place of the kernel's random bytes, for `secrets` and `default_rng` too.

        Generators that were seeded from the kernel when their modules were imported are seeded
        anew, by the same number in every interpreter.
        """
        _seed(0)
        os.urandom = self
        random._urandom = self  # type: ignore[attr-defined]


def _seed(seed: int) -> None:
    random.seed(seed)
    for name, bits in _GENERATORS:
        if name in sys.modules:
            sys.modules[name].seed(seed % 2**bits)


def run_all(
    programs: list[Program], namespace: dict[str, Any], output: int, chance: Chance
) -> Report:
    """Run the ancestors for their effects, then the last program for its report."""
    report = Report("ok")
    for program in programs:
        if report.ending != "ok":  # an ancestor, which ran before: not this program's failure
            return Report("crashed", error=f"in replay: {report.error}")
        chance.restart(program)
        # What is garbage is collected, and told of it, when a count of new objects says so. The
        # count begins anew with each program, whether it runs in a child or in a replay.
        gc.freeze()
        report = _run(program.code, namespace, output)
    return report


def _run(code: str, namespace: dict[str, Any], output: int) -> Report:
    """Execute one program; whatever it raises becomes part of the report."""
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


def _one_line(raised: BaseException) -> str:
    """`ZeroDivisionError: division by zero`."""
    name = type(raised).__name__
    try:
        message = " ".join(str(raised).split())
    except BaseException:  # __str__ is the program's own
        message = ""
    return f"{name}: {message}" if message else name
