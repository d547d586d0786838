"""The parsers of both programs: what is wrong with a command is one line, with what was meant."""

from __future__ import annotations

import argparse
import difflib
import sys
from collections.abc import Callable, Sequence
from typing import Any, NoReturn

from bench.errors import UnknownNameError

_REQUIRED = "the following arguments are required: "
_CUTOFF = 0.6


class Parser(argparse.ArgumentParser):
    """The parser of a program or of one command, whose options may be added when it first parses.

    So a list of all commands loads no search and no engine.
    """

    add_options: Callable[[argparse.ArgumentParser], None] | None = None

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> Any:
        """Add the options that were put off, then parse; nothing may be left over."""
        add, self.add_options = self.add_options, None
        if add is not None:
            add(self)
        given = sys.argv[1:] if args is None else list(args)
        if "-" in self.prefix_chars:
            # Before anything else: a mistyped option is a missing one, too, and says less as such.
            self._refuse_unknown(given)
        found, rest = super().parse_known_args(given, namespace)
        if rest:
            self.error(f"not expected: {' '.join(rest)}")
        return found, rest

    def error(self, message: str) -> NoReturn:
        """Say in one line what is wrong, and exit with 2."""
        said = " ".join(message.split())
        if said.startswith(_REQUIRED):
            *others, last = said.removeprefix(_REQUIRED).split(", ")
            said = f"{', '.join(others)} and {last} are" if others else f"{last} is"
            said += " missing"
        told = " See" if said.endswith("?") else "; see"
        self.exit(2, f"{self.prog}: {said}{told} {self.prog} --help\n")

    def _print_message(self, message: str, file: Any = None) -> None:
        """Print help, or what is wrong. Raises OSError, which argparse would keep to itself."""
        if message:
            (file or sys.stderr).write(message)

    def _check_value(self, action: argparse.Action, value: Any) -> None:
        if action.choices is None or value in action.choices:
            return
        command = isinstance(action.choices, dict)  # of parsers, by the names of commands
        error = UnknownNameError("command" if command else "value", str(value), action.choices)
        raise argparse.ArgumentError(None if command else action, str(error).rstrip("."))

    def _refuse_unknown(self, given: Sequence[str]) -> None:
        known = list(self._option_string_actions)
        for each in given:
            if each == "--" or (self._subparsers is not None and not each.startswith("-")):
                return  # what follows a command is its parser's business
            name = each.partition("=")[0]
            # As argparse does: what holds a space is a value, and a beginning names an option.
            if not name.startswith("--") or " " in each or any(k.startswith(name) for k in known):
                continue
            close = difflib.get_close_matches(name, known, n=3, cutoff=_CUTOFF)
            meant = f"; did you mean {' or '.join(close)}?" if close else ""
            self.error(f"unknown option {name}{meant}")
