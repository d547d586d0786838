"""`--convention NAME=VALUE`: what is taken for granted when answers are compared, from options."""

from __future__ import annotations

import argparse
import dataclasses
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from bench.cli.arguments import finite
from bench.errors import BenchError, UnknownNameError

if TYPE_CHECKING:
    from bench.answers import Conventions


def add_convention(parser: argparse.ArgumentParser) -> None:
    """Add the option to a command."""
    parser.add_argument(
        "--convention",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="of answer checking, e.g. percent=false or tolerance=1e-4; may be repeated",
    )


def conventions_of(given: Sequence[str]) -> Conventions:
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
                values[name] = finite(text)
            except argparse.ArgumentTypeError as error:
                raise BenchError(f"--convention {each}: {error}") from None
    return Conventions(**values)
