"""What a path given to `rstar-bench page` holds: it is recognised by its files, not by its name."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

from bench.checkers.stored import KIND as DIFF
from bench.errors import DataError
from bench.page.rounds import is_training
from bench.runs.proofs import SUFFIX


class SourceKind(StrEnum):
    """What there is a page of."""

    RUN = "run"
    TRAINING = "training"
    """A folder of published rounds."""
    PROOFS = "proofs"
    """An archive of certificates."""
    CERTIFICATE = "certificate"
    DIFF = "diff"
    """What two checkers say of the same answers."""


@dataclass(frozen=True, slots=True)
class Source:
    """A path, what it holds, and a JSON file's content."""

    kind: SourceKind
    path: Path
    data: Any = None


def recognise(paths: Iterable[Path]) -> list[Source]:
    """Return what the paths hold; of a folder of runs, every run in it, by name.

    Raises DataError: a path holds nothing that there is a page of.
    """
    return [source for path in paths for source in _recognise(path)]


def _recognise(path: Path) -> Iterator[Source]:
    if path.is_dir():
        yield from _recognise_folder(path)
    elif not path.exists():
        raise DataError(f"there is no {path}; {_EXPECTED}")
    elif path.name.endswith(SUFFIX):
        yield Source(SourceKind.PROOFS, path)
    else:
        yield _recognise_file(path)


def _recognise_folder(path: Path) -> Iterator[Source]:
    if (path / "run.json").exists():
        yield Source(SourceKind.RUN, path)
        return
    if is_training(path):
        yield Source(SourceKind.TRAINING, path)
        return
    runs = [inner for inner in sorted(path.iterdir()) if (inner / "run.json").exists()]
    if not runs:
        raise DataError(f"{path} is a folder without runs and without rounds; {_EXPECTED}")
    yield from (Source(SourceKind.RUN, run) for run in runs)


def _recognise_file(path: Path) -> Source:
    try:
        data = json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError) as error:
        raise DataError(f"{path} is no JSON ({error}); {_EXPECTED}") from error
    if isinstance(data, dict):
        if data.get("kind") == DIFF:
            return Source(SourceKind.DIFF, path, data)
        if isinstance(data.get("proofs"), list) or isinstance(data.get("refuted"), dict):
            return Source(SourceKind.CERTIFICATE, path, data)
    raise DataError(f"{path} is neither a certificate nor a diff of checkers; {_EXPECTED}")


_EXPECTED = (
    "expected a run directory or a folder of them, a folder of published rounds, an archive of "
    "proofs (.jsonl.gz), a certificate that `prove` wrote, or what `checkers diff --out` wrote"
)
