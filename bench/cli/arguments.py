"""Argument types that the commands share: what was wrong with a number, in words."""

from __future__ import annotations

import argparse
import math


def positive(text: str) -> int:
    """Read a whole number of at least 1."""
    try:
        value = int(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is no whole number") from None
    if value < 1:
        raise argparse.ArgumentTypeError(f"{value} is less than 1")
    return value


def positives(text: str) -> tuple[int, ...]:
    """Read whole numbers of at least 1 with commas between, smallest first, each once."""
    return tuple(sorted({positive(part) for part in text.split(",")}))


def finite(text: str) -> float:
    """Read a number that is neither infinite nor nan."""
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise argparse.ArgumentTypeError(f"{text!r} is no finite number")
    return value


def above_zero(text: str) -> float:
    """Read a temperature."""
    value = finite(text)
    if not value > 0:
        raise argparse.ArgumentTypeError(
            f"{value} is not above 0; --search greedy takes no samples"
        )
    return value


def seconds(text: str) -> float:
    """Read a duration above 0."""
    value = finite(text)
    if not value > 0:
        raise argparse.ArgumentTypeError(f"{value} is not above 0 seconds")
    return value
