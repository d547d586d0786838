"""The parsers of both programs: what is wrong with a command is one line, with what was meant."""

from __future__ import annotations

import argparse
import difflib
import sys
from collections.abc import Callable, Collection, Sequence
from pathlib import Path
from typing import Any, NoReturn

from bench.errors import BenchError, UnknownNameError
from bench.files.yaml_file import read_yaml

_REQUIRED = "the following arguments are required: "
_CUTOFF = 0.6
_CONFIG = "--config"


class Parser(argparse.ArgumentParser):
    """The parser of a program or of one command, whose options may be added when it first parses.

    So a list of all commands loads no search and no engine.
    """

    add_options: Callable[[argparse.ArgumentParser], None] | None = None
    refuses_unknown = True
    """Not while a shell asks how a line may go on: it is not finished."""

    def __init__(self, *args: Any, **settings: Any) -> None:
        """Make a parser that takes whole names alone: one cut short may name another option."""
        super().__init__(*args, **{"allow_abbrev": False, **settings})

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> Any:
        """Add the options that were put off, then parse; nothing may be left over."""
        self.add_what_was_put_off()
        given = sys.argv[1:] if args is None else list(args)
        if self._is_command:
            given = self._read_config(given)
        if self.refuses_unknown and "-" in self.prefix_chars:
            # Before anything else: a mistyped option is a missing one, too, and says less as such.
            self._refuse_unknown(given)
        found, rest = super().parse_known_args(given, namespace)
        if rest and self.refuses_unknown:
            self.error(f"not expected: {' '.join(rest)}")
        return found, rest

    def add_what_was_put_off(self, words: Collection[str] = ()) -> None:
        """Add the options that were put off; those of the commands among `words` as well."""
        add, self.add_options = self.add_options, None
        if add is not None:
            add(self)
        if self._is_command:
            self._offer_config()
            return
        for action in self._actions:
            if isinstance(action, argparse._SubParsersAction):
                for word in action.choices.keys() & set(words):
                    action.choices[word].add_what_was_put_off(words)

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

    @property
    def _is_command(self) -> bool:
        """Whether this parses the options of a command, as opposed to its name."""
        return self._subparsers is None and "-" in self.prefix_chars

    def _offer_config(self) -> None:
        if _CONFIG not in self._option_string_actions:
            self.add_argument(
                _CONFIG,
                type=Path,
                metavar="FILE.yaml",
                help="options by name, without their dashes; those of the command line go before",
            )

    def _read_config(self, given: Sequence[str]) -> list[str]:
        """Return the arguments with those of a configuration file before them.

        Raises BenchError: the file cannot be read, or holds what is no option.
        """
        rest, files = [], []
        words = iter(given)
        for word in words:
            if word == _CONFIG:
                files.append(next(words, ""))
            elif word.startswith(f"{_CONFIG}="):
                files.append(word.partition("=")[2])
            else:
                rest.append(word)
        if not files:
            return list(given)
        named = {word.partition("=")[0] for word in rest if word.startswith("--")}
        read: list[str] = []
        many: list[str] = []
        for file in map(Path, files):
            for key, value in read_yaml(file, "configuration").items():
                option, action = self._find_option(file, key)
                gathers = action.nargs in ("?", "+", "*")
                if option in named and (gathers or isinstance(action, argparse._AppendAction)):
                    continue  # its values would stand beside those of the command line, or win
                spelt = _spell(file, key, option, action, value)
                if gathers:
                    many += spelt  # last: it would take a word that follows for a value of its own
                else:
                    read += spelt
        return [*read, *rest, *many]

    def _find_option(self, file: Path, key: str) -> tuple[str, argparse.Action]:
        """Return the option that a key of a file names. Raises BenchError, UnknownNameError."""
        option = f"--{key.replace('_', '-')}"
        action = self._option_string_actions.get(option)
        if action is not None and option not in (_CONFIG, "--help"):
            return option, action
        if key in {each.dest for each in self._actions if not each.option_strings}:
            raise BenchError(f"{file}: {key} is no option; give it on the command line")
        known = [name[2:] for name in self._option_string_actions if name.startswith("--")]
        raise UnknownNameError(f"option in {file}:", key, set(known) - {"help", _CONFIG[2:]})

    def _refuse_unknown(self, given: Sequence[str]) -> None:
        known = list(self._option_string_actions)
        for each in given:
            if each == "--" or (self._subparsers is not None and not each.startswith("-")):
                return  # what follows a command is its parser's business
            name = each.partition("=")[0]
            # As argparse does: what holds a space is a value.
            if not name.startswith("--") or " " in each or name in known:
                continue
            begun = [option for option in known if option.startswith(name)]
            close = begun[:3] or difflib.get_close_matches(name, known, n=3, cutoff=_CUTOFF)
            meant = f"; did you mean {' or '.join(close)}?" if close else ""
            self.error(f"unknown option {name}{meant}")


def _spell(file: Path, key: str, option: str, action: argparse.Action, value: object) -> list[str]:
    """Return an option of a file as a command line has it. Raises BenchError: no such value."""
    if isinstance(action, argparse.BooleanOptionalAction) and value is False:
        return [f"--no-{option[2:]}"]
    if value is None or (action.nargs in (0, "?") and value is False):
        return []
    if action.nargs in (0, "?") and value is True:
        return [option]
    if action.nargs == 0 or isinstance(value, dict):
        wanted = "true or false" if action.nargs == 0 else "a value or a list"
        raise BenchError(f"{file}: {key} is {value!r}; {wanted} is expected")
    values = value if isinstance(value, list) else [value]
    texts = [str(each).lower() if isinstance(each, bool) else str(each) for each in values]
    if action.nargs in ("+", "*"):
        return [option, *texts]
    if isinstance(action, argparse._AppendAction):
        return [f"{option}={text}" for text in texts]
    return [f"{option}={','.join(texts)}"]
