"""How a command talks to a person: its exit status, one sentence on failure, its live line."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable

from bench.errors import BenchError


def guarded(program: str, command: Callable[[], int]) -> int:
    """Run a command; return its exit status, or the error's with a sentence on standard error."""
    try:
        status = command()
        sys.stdout.flush()
        return status
    except BrokenPipeError:
        # Whoever read the output, `head` say, has enough. Python would complain again at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 141
    except BenchError as error:
        sys.stderr.write(f"{program}: {error}\n")
        return error.exit_code
    except KeyboardInterrupt:
        sys.stderr.write(f"\n{program}: interrupted; repeat the command to go on where it was\n")
        return 130


EVERY_SECONDS = 10.0
"""Between two lines of progress where standard error is no terminal."""


class Counter:
    """Counts cases on standard error: live on a terminal, a line now and then elsewhere."""

    def __init__(self, label: str, total: int) -> None:
        """Print nothing yet."""
        self._label, self._total, self._done = label, total, 0
        self._started = self._printed = time.monotonic()
        self._live = sys.stderr.isatty()

    def tick(self) -> None:
        """Count one."""
        self._done += 1
        now = time.monotonic()
        if now - self._printed < (0.1 if self._live else EVERY_SECONDS):
            return
        self._printed = now
        left = (now - self._started) / self._done * (self._total - self._done)
        line = f"{self._label}: {self._done}/{self._total}, {left:.0f} s left"
        sys.stderr.write(f"\r\x1b[K{line}" if self._live else f"{line}\n")
        sys.stderr.flush()

    def __enter__(self) -> Counter:
        """Return the counter."""
        return self

    def __exit__(self, *_: object) -> None:
        """Clear the live line."""
        if self._live:
            sys.stderr.write("\r\x1b[K")
