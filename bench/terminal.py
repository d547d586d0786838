r"""Text of models and data as a terminal may show it: nothing in it moves, hides or reorders.

Control characters (every escape sequence begins with one), bidirectional and zero-width ones and
lone surrogates are spelled out as JSON spells them, `\u001b`: so printed JSON stays JSON, with the
same content. Line ends, tabs and spaces of any width stay. What is stored is never changed.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from typing import Any, TextIO

_SUSPECT = re.compile(r"[^\n\t -~]")


def visible(text: str) -> str:
    """Return a text with every character spelled out that a terminal would obey or not show."""
    return _SUSPECT.sub(_spell, text)


def one_line(text: str) -> str:
    """Return a text on one line, made visible, each run of white space as one space."""
    return " ".join(visible(text).split())


def _spell(found: re.Match[str]) -> str:
    character = found[0]
    if character.isprintable() or unicodedata.category(character) == "Zs":
        return character
    units = character.encode("utf-16-be", "surrogatepass").hex()
    return "".join(f"\\u{units[at : at + 4]}" for at in range(0, len(units), 4))


def write_as_is(stream: TextIO, text: str) -> None:
    """Write a text that moves the cursor or has colours, to a stream of whichever kind."""
    write = stream.write_as_is if isinstance(stream, VisibleStream) else stream.write
    write(text)


class VisibleStream:
    """A text stream whose every write is made visible; in all else the stream that it stands for.

    So nothing that is printed can be forgotten. An error of the stream names it, as errors of files
    name their file.
    """

    def __init__(self, stream: TextIO, name: str, *, required: bool = True) -> None:
        """Stand for `stream`; unless `required`, what it does not take is dropped without a word.

        So a log that cannot be written costs no run.
        """
        self.stream = stream
        self._name = name
        self._required = required

    def write(self, text: str) -> int:
        """Write a text made visible. Raises OSError."""
        self.write_as_is(visible(text))
        return len(text)

    def write_as_is(self, text: str) -> None:
        """Write what is ours to the last character. Raises OSError."""
        try:
            self.stream.write(text)
        except OSError as error:
            self._pass_on(error)

    def writelines(self, lines: Iterable[str]) -> None:
        """Write texts made visible. Raises OSError."""
        for line in lines:
            self.write(line)

    def flush(self) -> None:
        """Flush the stream. Raises OSError."""
        try:
            self.stream.flush()
        except OSError as error:
            self._pass_on(error)

    def _pass_on(self, error: OSError) -> None:
        if not self._required:
            return
        error.filename = error.filename or self._name
        raise error

    def __getattr__(self, name: str) -> Any:
        """Return what the stream has under a name."""
        return getattr(self.stream, name)
