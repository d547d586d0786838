"""How a command talks to a person: its exit status, one sentence on failure, its live line."""

from __future__ import annotations

import logging
import os
import re
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from bench.errors import BenchError


def run_guarded(program: str, command: Callable[[], int]) -> int:
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
LIVE_SECONDS = 0.1
"""Between two states of a live line."""


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
            sys.stderr.write(f"\r\x1b[K{line()}" if self._live else f"{line()}\n")
            sys.stderr.flush()

    def close(self, last: str = "") -> None:
        """Take the live line away; leave `last` for good, if there is one."""
        if self._live:
            sys.stderr.write("\r\x1b[K")
        if last:
            sys.stderr.write(f"{last}\n")


class Counter:
    """Counts cases on standard error, with the time left."""

    def __init__(self, label: str, total: int) -> None:
        """Write nothing yet."""
        self._label, self._total, self._done = label, total, 0
        self._started = time.monotonic()
        self._line = LiveLine()

    def tick(self) -> None:
        """Count one."""
        self._done += 1
        self._line.show(self._state)

    def _state(self) -> str:
        seconds = time.monotonic() - self._started
        left = seconds / self._done * (self._total - self._done)
        return f"{self._label}: {self._done}/{self._total}, {left:.0f} s left"

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
    for name in ("httpx", "datasets", "accelerate", "huggingface_hub", "gguf"):
        logging.getLogger(name).setLevel(logging.WARNING)


_NEW_HEAD = {("Key", "Status"), ("score.weight", "MISSING"), ("lm_head.weight", "UNEXPECTED")}
"""What transformers reports, rightly, where a scalar head takes the place of a language model's."""
_COLOUR = re.compile(r"\x1b\[[\d;]+m")


@contextmanager
def expecting_a_new_head() -> Iterator[None]:
    """Leave out transformers' report of a load if it is of the heads alone; it reads as a warning.

    Any other weight that is missing or left over is reported, and the heads with it.
    """
    logger = logging.getLogger("transformers.modeling_utils")
    logger.addFilter(_is_news)
    try:
        yield
    finally:
        logger.removeFilter(_is_news)


def _is_news(record: logging.LogRecord) -> bool:
    lines = _COLOUR.sub("", record.getMessage()).splitlines()
    rows = {tuple(cell.strip() for cell in line.split("|")[:2]) for line in lines if "|" in line}
    return not rows or not rows <= _NEW_HEAD
