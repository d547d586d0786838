"""Cases: a reference, a prediction, and perhaps whether they are equal; a line of JSON each.

    gold, prediction   text; a prediction may be a whole response, or null
    id                 anything
    equal              true or false; or `expect`/`expected`: "equal", "unequal", "any", or the name
                       of the one outcome that is right, such as "no_answer"
    contested          true where the label turns on a convention: reported apart
    tier, category     what it is counted under; `kind` of a hostile case is its category

A hostile case names a file that its payload would make by `@@`; see `bench.checkers.judging`.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.errors import DataError
from bench.files.lines import decode, number_lines
from bench.types import Outcome, Verdict

MARKER = "@@"
_EQUAL: Mapping[str, bool | None] = {
    "equal": True,
    "unequal": False,
    "unequal-noexec": False,
    "any": None,
}
_HOSTILE_KINDS: Mapping[str, str] = {
    "code-execution": "hostile: code",
    **dict.fromkeys(
        (
            "resource-bomb",
            "resource-bomb-self",
            "simplify-bomb",
            "deep-nesting",
            "long",
            "redos",
        ),
        "hostile: hang",
    ),
}
"""How the kinds of hostile cases are counted; any other kind is a matter of format."""
_FORMATS = "hostile: format"


@dataclass(frozen=True, slots=True)
class Case:
    """One question to a checker."""

    line: int
    """In its file, from 1."""
    id: Any
    gold: str
    prediction: str | None
    equal: bool | None
    """The label; None where there is none, or where either answer will do."""
    outcome: Outcome | None
    """The one right outcome, where the label says more than `equal`."""
    tier: str
    category: str
    contested: bool
    prose: bool
    """Whether a label-free reader says that the sides differ in words, not only in symbols."""

    @property
    def name(self) -> str:
        """What a listing calls it: its id, or else its line."""
        return f"line {self.line}" if self.id is None else str(self.id)

    def accepts(self, verdict: Verdict) -> bool | None:
        """Return whether a verdict is as labelled; None for a case without a label."""
        if self.outcome is not None:
            return verdict.outcome is self.outcome
        return None if self.equal is None else verdict.correct is self.equal


def load_cases(*files: Path) -> tuple[Case, ...]:
    """Read files of cases, or the `*.jsonl` of a folder, in the order of their names.

    Raises:
        DataError: a file or line that cannot be read, with its number and what is wrong with it.
    """
    found: list[Case] = []
    for file in files:
        for each in sorted(file.glob("*.jsonl")) if file.is_dir() else [file]:
            found += _read(each)
    if not found:
        raise DataError(
            f"no cases in {', '.join(map(str, files))}; expected lines of JSON, or a folder with "
            "files *.jsonl of them"
        )
    return tuple(found)


def golden_corpus() -> Path:
    """Return the folder of the golden corpus, which a checkout has and an installed package not.

    Raises:
        DataError: this is no checkout.
    """
    folder = Path(__file__).parents[2] / "tests" / "answers" / "golden"
    if not folder.is_dir():
        raise DataError("this is no checkout, so it has no golden corpus; give files of cases")
    return folder


def digest(cases: tuple[Case, ...]) -> str:
    """Return what identifies these cases and their labels, whatever file they came from."""
    lines = (json.dumps([c.id, c.gold, c.prediction, c.equal, c.outcome]) for c in cases)
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def _read(file: Path) -> list[Case]:
    try:
        data = file.read_bytes()
    except OSError as error:
        raise DataError(f"cannot read the cases {file}: {error.strerror}") from error
    cases = []
    for line, raw in number_lines(data):
        try:
            cases.append(_case(line, decode(raw), file.stem))
        except (ValueError, TypeError) as error:
            raise DataError(f"{file}, line {line}: {error}") from error
    return cases


def _case(line: int, row: Any, stem: str) -> Case:
    if not isinstance(row, dict):
        raise TypeError(f"expected an object, found {type(row).__name__}")
    prediction = None if row.get("prediction", "") is None else _text(row, "prediction")
    equal, outcome = _label(row)
    kind = row.get("kind")
    hostile = _HOSTILE_KINDS.get(str(kind), _FORMATS)
    return Case(
        line=line,
        id=row.get("id"),
        gold=_text(row, "gold"),
        prediction=prediction,
        equal=equal,
        outcome=outcome,
        tier=str(row.get("tier") or (hostile if kind else stem)),
        category=str(row.get("category") or kind or ""),
        contested=bool(row.get("contested", False)),
        prose=bool(row.get("prose", False)),
    )


def _label(row: Mapping[str, Any]) -> tuple[bool | None, Outcome | None]:
    """Read whichever of the label's three names the row has."""
    equal = row.get("equal")
    if equal is not None:
        if not isinstance(equal, bool):
            raise ValueError(f"'equal' is {equal!r}, expected true or false")
        return equal, None
    word = row.get("expected", row.get("expect"))
    if word is None:
        return None, None
    if word in _EQUAL:
        return _EQUAL[word], None
    if word not in set(Outcome):
        known = ", ".join([*_EQUAL, *Outcome])
        raise ValueError(f"the label is {word!r}, expected one of {known}")
    return word == Outcome.CORRECT, Outcome(word)


def _text(row: Mapping[str, Any], key: str) -> str:
    if key not in row:
        raise ValueError(f"no {key!r}")
    if not isinstance(row[key], str):
        raise ValueError(f"{key!r} is {row[key]!r}, expected text")
    return str(row[key])
