"""Asks math-verify whether two answers are equal; runs in a worker process, never in the caller's.

It sees text that was found harmless enough by `bench.answers.limits`, and may still hang or exhaust
memory: its process is made to be killed. Nothing here evaluates text; math-verify parses it with
grammars of its own. SIGALRM, math-verify's own timeout, is switched off: the pool keeps the clock.
"""

from __future__ import annotations

import itertools
import os
import resource
import signal
import sys
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import lru_cache
from pathlib import Path
from time import perf_counter
from typing import Any

_MEMORY = 2 << 30
"""Bytes a worker may take beyond what it holds when warm."""
_PR_SET_PDEATHSIG = 1
_PLAIN_SIGNS = str.maketrans(
    {
        "\u2212": "-",
        "\u00d7": r"\times ",
        "\u00b7": r"\cdot ",
        "\u00f7": r"\div ",
        "\u00b0": r"^\circ ",
        "\u03c0": r"\pi ",
        "\u221e": r"\infty ",
        "\u2264": r"\le ",
        "\u2265": r"\ge ",
    }
)
"""math-verify reads LaTeX; a sign that it does not know makes it give up on the whole answer."""


class Finding(StrEnum):
    """What came of one comparison; `Outcome` is decided by the caller."""

    EQUAL = "equal"
    DIFFERENT = "different"
    GOLD_UNREADABLE = "gold unreadable"
    PREDICTION_UNREADABLE = "prediction unreadable"
    OUT_OF_TIME = "out of time"
    EXHAUSTED = "exhausted"
    """Memory or recursion ran out, or the worker died."""
    NO_WORKER = "no worker"
    """The pool could not keep a worker alive to ask."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """A finding, and the words that go with it."""

    finding: Finding
    reason: str
    seconds: float = 0.0


def compare(gold: str, prediction: str) -> Comparison:
    """Compare two answers as math-verify does when both are boxed, gold first."""
    start = perf_counter()
    comparison = _compare(gold, prediction)
    return replace(comparison, seconds=perf_counter() - start)


def _compare(gold: str, prediction: str) -> Comparison:
    try:
        golds, predictions = _parse(gold), _parse_boxed(prediction)
        if not golds:
            return Comparison(Finding.GOLD_UNREADABLE, "math-verify cannot read the reference")
        if not predictions:
            return Comparison(Finding.PREDICTION_UNREADABLE, "math-verify cannot read it")
        return _verify(golds, predictions)
    except (MemoryError, RecursionError) as e:
        return Comparison(Finding.EXHAUSTED, f"math-verify failed with {type(e).__name__}")


def prepare() -> None:
    """Make this process a worker: warm, silent, bounded, and dead when its parent is."""
    import ctypes
    import logging

    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, 1)  # parsers print warnings; the caller's output is not theirs
    os.close(null)
    logging.disable(logging.CRITICAL)
    compare(r"\frac{1}{2}", "0.5")
    compare("(x+1)^2", "x^2+2x+1")
    statm = Path("/proc/self/statm")
    if statm.exists():
        base = int(statm.read_text().split()[0]) * resource.getpagesize()
        hard = resource.getrlimit(resource.RLIMIT_AS)[1]
        resource.setrlimit(resource.RLIMIT_AS, (base + _MEMORY, hard))


def _parse_boxed(answer: str) -> list[Any]:
    """The readings of an answer: expressions, and the text itself last; empty if there are none."""
    from math_verify import parse

    try:
        boxed = r"\boxed{" + answer.translate(_PLAIN_SIGNS) + "}"
        return list(parse(boxed, parsing_timeout=None, raise_on_error=True))
    except (MemoryError, RecursionError):
        raise
    except Exception:  # parsers raise what they please; not readable is all it means
        return []


_parse = lru_cache(maxsize=1024)(_parse_boxed)
"""For references, which many predictions share."""


def _verify(golds: list[Any], predictions: list[Any]) -> Comparison:
    from math_verify import verify

    trouble = ""
    for gold, prediction in itertools.product(golds, predictions):
        try:
            if verify(gold, prediction, timeout_seconds=None, raise_on_error=True):
                return Comparison(Finding.EQUAL, "equal expressions")
        except (MemoryError, RecursionError):
            raise
        except Exception as e:  # one pair of readings that cannot be compared; others may
            trouble = f"; comparing them raised {type(e).__name__}"
    if _is_only_text(predictions) and not _is_only_text(golds):
        return Comparison(Finding.PREDICTION_UNREADABLE, "math-verify reads no expression in it")
    return Comparison(Finding.DIFFERENT, f"different expressions{trouble}")


def _is_only_text(readings: list[Any]) -> bool:
    return all(isinstance(reading, str) for reading in readings)
