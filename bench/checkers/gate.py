"""A gate for changes of a checker: a labelled corpus may gain right verdicts, never lose one.

Without a baseline every labelled case must be judged as labelled. A baseline excuses the cases that
it names: those that were misjudged when it was written. So a case added to the corpus must be
right at once, a mended one need not stay in the baseline, and none can be lost unseen. Contested
cases turn on a convention; they are held to the same rule where they have a label.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.checkers.cases import digest
from bench.checkers.judging import Judged
from bench.errors import DataError
from bench.files.atomic import replace_json
from bench.files.lines import decode

SCHEMA_VERSION = 1


@dataclass(frozen=True, slots=True)
class Baseline:
    """The cases that a checker misjudged when the baseline was written."""

    checker: str
    version: str
    corpus: str
    """Digest of the cases and their labels."""
    misjudged: Mapping[str, str]
    """Case to outcome."""


@dataclass(frozen=True, slots=True)
class GateResult:
    """What became of a corpus since its baseline."""

    regressions: tuple[Judged, ...]
    """Misjudged, and not excused."""
    excused: tuple[Judged, ...]
    """Misjudged, as when the baseline was written."""
    mended: tuple[str, ...]
    """Misjudged then, right now: the baseline can be written anew."""
    judged: int

    @property
    def passed(self) -> bool:
        """Whether nothing was lost."""
        return not self.regressions


def gate(judged: Sequence[Judged], baseline: Baseline | None = None) -> GateResult:
    """Compare verdicts with the labels and the baseline. Raises DataError for an id given twice."""
    excuses = baseline.misjudged if baseline is not None else {}
    misjudged = {name: each for name, each in _by_name(judged).items() if each.right is False}
    return GateResult(
        regressions=tuple(each for name, each in misjudged.items() if name not in excuses),
        excused=tuple(each for name, each in misjudged.items() if name in excuses),
        mended=tuple(name for name in excuses if name not in misjudged),
        judged=sum(each.right is not None for each in judged),
    )


def write_baseline(file: Path, judged: Sequence[Judged], *, checker: str, version: str) -> int:
    """Write which cases are misjudged now, replacing an earlier baseline; return how many."""
    misjudged = {
        name: str(each.verdict.outcome)
        for name, each in _by_name(judged).items()
        if each.right is False
    }
    data = {
        "schema": SCHEMA_VERSION,
        "checker": checker,
        "version": version,
        "corpus": digest(tuple(each.case for each in judged)),
        "misjudged": misjudged,
    }
    replace_json(file, data)
    return len(misjudged)


def read_baseline(file: Path, *, checker: str) -> Baseline:
    """Read what `write_baseline` wrote.

    Raises:
        DataError: there is no such file, it is not a baseline, or it is another checker's.
    """
    try:
        data: Any = decode(file.read_bytes())
        found = Baseline(data["checker"], data["version"], data["corpus"], dict(data["misjudged"]))
    except OSError as error:
        raise DataError(
            f"cannot read the baseline {file}: {error.strerror}; write one with --write-baseline"
        ) from error
    except (ValueError, LookupError, TypeError) as error:
        raise DataError(f"{file} is not a baseline of `checkers gate`: {error!r}") from error
    if found.checker != checker:
        raise DataError(
            f"{file} is a baseline of the checker {found.checker!r}, not of {checker!r}; "
            "to compare two checkers use: rstar-bench checkers diff"
        )
    return found


def _by_name(judged: Sequence[Judged]) -> dict[str, Judged]:
    names: dict[str, Judged] = {}
    for each in judged:
        if each.case.name in names:
            raise DataError(
                f"two cases are called {each.case.name!r}; a gate tells cases apart by their id"
            )
        names[each.case.name] = each
    return names
