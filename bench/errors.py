"""Everything this project raises on purpose, and nothing else.

    BenchError                 something the user can read and act on; the CLI prints it, exit 2
    +-- UnknownNameError       a benchmark, search, ... that does not exist; lists close matches
    +-- MissingExtraError      an optional dependency is absent; carries the install command
    +-- MissingDataError       a benchmark's rows are neither in the mirror nor on the hub
    +-- DataError              rows are there, but wrong (hash, column, duplicate id, cut line)
    +-- RecipeError            a recipe file with an unknown or ill-typed key
    +-- RunDirError            a run directory that is damaged or belongs to another configuration
    +-- MissingRunError        a report was not given a run that it is made of; says what to run
    +-- CheckpointError        a checkpoint that is missing, incomplete or does not fit its parent
    +-- SandboxError           the sandbox itself broke (never: the model's code failed)
    +-- EngineError            a generation or scoring engine failed
    |   +-- RefusedError       it is well, and cannot take what was asked: too long, too wide
    +-- ClusterError           a cluster that is not there, has no room, or lost who worked for it
    +-- DeadEngineError        an engine is gone, mostly for want of memory: the run ends

A model's wrong answer, a crash of its code, a checker that ran out of time: these are data
(`bench.types.Outcome`, `bench.sandbox.Status`), not exceptions.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class BenchError(Exception):
    """An error whose message says what was given, what was expected and what to do."""

    exit_code = 2


_LISTED = 60
"""Names that an error lists: every search and benchmark, not every problem of a run."""


class UnknownNameError(BenchError):
    """A name that no registry knows."""

    def __init__(self, kind: str, given: str, known: Iterable[str]) -> None:
        """State the close matches to `given` among the `known` names of this `kind`."""
        names = sorted(known)
        close = find_close(given, names)
        hint = f"; did you mean {' or '.join(repr(c) for c in close)}?" if close else "."
        more = f" and {len(names) - _LISTED} more" if len(names) > _LISTED else ""
        listed = f"Known: {', '.join(names[:_LISTED])}{more}" if names else "None is known here."
        super().__init__(f"unknown {kind} {given!r}{hint} {listed}")


def find_close(given: str, names: Iterable[str]) -> list[str]:
    """Return the names that were perhaps meant, at most three.

    One that differs in capitals and signs alone (`MATH-500`, `math500`) leaves no doubt.
    """
    folded: dict[str, list[str]] = {}
    spelled: dict[str, str] = {}
    for name in names:
        folded.setdefault(_fold(name), []).append(name)
        spelled.setdefault(name.casefold(), name)
    if found := folded.get(_fold(given)):
        return found[:3]
    close = difflib.get_close_matches(given.casefold(), spelled, n=3, cutoff=0.5)
    return [spelled[name] for name in close]


def _fold(name: str) -> str:
    return "".join(each for each in name.casefold() if each.isalnum())


class MissingExtraError(BenchError):
    """An optional dependency that the requested feature needs."""

    def __init__(self, feature: str, package: str, extra: str) -> None:
        """Name the feature, the absent package and the extra that brings it."""
        super().__init__(
            f"{feature} needs the package {package!r}, which is not installed. "
            f"Install it with: pip install 'rstar-bench[{extra}]'"
        )


class MissingDataError(BenchError):
    """A benchmark's rows could not be found anywhere."""


class DataError(BenchError):
    """A benchmark's rows were found and are not what they should be."""


class RecipeError(BenchError):
    """A recipe file with an unknown, missing or ill-typed key."""


class RunDirError(BenchError):
    """A run directory that is damaged, or was written under another configuration."""


class MissingRunError(BenchError):
    """A report was not given a run that it is made of."""


class CheckpointError(BenchError):
    """A checkpoint that is missing, incomplete, or not made for the model it is used with."""


class SandboxError(BenchError):
    """The sandbox itself failed; a failing program is an `Execution`, not this."""


class ClusterError(BenchError):
    """A cluster cannot be reached, has no room for what is asked, or lost all that worked there."""


class EngineError(BenchError):
    """An engine failed to load, generate or score."""


class RefusedError(EngineError):
    """An engine that is well cannot take a request: its prompt is too long, say."""


class DeadEngineError(BenchError):
    """An engine is gone and answers nothing any more: no failure of the problems under way."""
