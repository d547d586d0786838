"""Options that commands share: numbers with a range, answer conventions, the sandbox level."""

from __future__ import annotations

import argparse
import dataclasses
import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from bench.errors import BenchError, UnknownNameError

if TYPE_CHECKING:
    from bench.answers import Conventions
    from bench.sandbox import Level


def positive_integer(text: str) -> int:
    """Read a whole number of at least 1."""
    try:
        value = int(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is no whole number") from None
    if value < 1:
        raise argparse.ArgumentTypeError(f"{value} is less than 1")
    return value


def positive_integers(text: str) -> tuple[int, ...]:
    """Read whole numbers of at least 1 with commas between, smallest first, each once."""
    return tuple(sorted({positive_integer(part) for part in text.split(",")}))


def finite_number(text: str) -> float:
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
    value = finite_number(text)
    if not value > 0:
        raise argparse.ArgumentTypeError(
            f"{value} is not above 0; --search greedy takes no samples"
        )
    return value


def seconds(text: str) -> float:
    """Read a duration above 0."""
    value = finite_number(text)
    if not value > 0:
        raise argparse.ArgumentTypeError(f"{value} is not above 0 seconds")
    return value


def add_convention(parser: argparse.ArgumentParser) -> None:
    """Add the option to a command."""
    parser.add_argument(
        "--convention",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="of answer checking, e.g. percent=false or tolerance=1e-4; may be repeated",
    )


def parse_conventions(given: Sequence[str]) -> Conventions:
    """Read `NAME=VALUE`s over the defaults. Raises BenchError."""
    from bench.answers import Conventions

    known = {f.name: type(f.default) for f in dataclasses.fields(Conventions)}
    values: dict[str, Any] = {}
    for each in given:
        name, _, text = each.partition("=")
        if name not in known:
            raise UnknownNameError("convention", name, known)
        if known[name] is bool:
            if text not in ("true", "false"):
                raise BenchError(f"--convention {each}: the value must be true or false")
            values[name] = text == "true"
        else:
            try:
                values[name] = finite_number(text)
            except argparse.ArgumentTypeError as error:
                raise BenchError(f"--convention {each}: {error}") from None
    return Conventions(**values)


def add_level(command: argparse.ArgumentParser) -> None:
    """Add `--sandbox` to a command that runs programs."""
    command.add_argument(
        "--sandbox",
        metavar="LEVEL",
        help="isolation: full, no-namespaces, seccomp or process [the stronger of the first two]",
    )


def sandbox_level(arguments: argparse.Namespace) -> Level | None:
    """Return the level that the user named, there or in the environment. Raises BenchError."""
    from bench.sandbox.levels import level, named_level

    return level(arguments.sandbox) if arguments.sandbox else named_level()
