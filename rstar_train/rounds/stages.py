"""A stage reads files and writes files, with a manifest beside them: what was made from what.

`stage.json` holds the digests of the inputs, the recipe's values, the code's version, the figures
and the SHA-256 of what was written. A stage whose manifest agrees with what is asked for, and whose
files are the ones it wrote, is not run again. The manifest is written last, so a stage that was
killed has none. The sections of the recipe that decide a stage are those that its work is given.
"""

from __future__ import annotations

import dataclasses
import errno
import json
import logging
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Generic, TypeVar

from bench.checkpoints.checkpoint import WEIGHTS, Checkpoint
from bench.errors import BenchError
from bench.files.atomic import replace_json
from bench.files.digests import file_digest
from bench.runs.header import git_state, package_versions
from rstar_train.figures import Json, StageFigures
from rstar_train.recipes.recipe import sections_digest
from rstar_train.rounds.journal import append_entry

log = logging.getLogger(__name__)

F = TypeVar("F", bound=StageFigures)

MANIFEST = "stage.json"
_FULL = (errno.ENOSPC, errno.EDQUOT)
_REFUSED = (*_FULL, errno.EROFS, errno.EIO, errno.EACCES, errno.EPERM)


def describe_training() -> dict[str, object]:
    """Return the code and packages that have just trained something, and the time."""
    return {
        "git": git_state(Path(__file__).parent),
        "packages": package_versions(),
        "finished": datetime.now(UTC).isoformat(timespec="seconds"),
    }


@dataclass(frozen=True, slots=True)
class Trained(Generic[F]):
    """What a training stage left."""

    folder: Path
    figures: F
    inputs: Mapping[str, str]
    """Digests of everything that decided the outcome."""

    @property
    def trained_by(self) -> dict[str, object]:
        """The code that trained, which on a resume is not the code that asks."""
        manifest = manifest_of(self.folder)
        assert manifest is not None, "a stage that has figures has a manifest"
        return {key: manifest[key] for key in ("git", "packages", "finished")}


@dataclass(frozen=True, slots=True)
class Stages:
    """Where the stages of one part of a run write, and what they have in common."""

    folder: Path
    """Each stage has a folder of its own here."""
    seed: int
    journal: Path | None = None
    """Where a stage's begin and end are noted."""

    def run(
        self,
        name: str,
        kind: type[F],
        work: Callable[..., F],
        *,
        inputs: Mapping[str, object],
        sections: Mapping[str, object] | None = None,
        outputs: Sequence[str] = (),
    ) -> F:
        """Run `work` unless the stage's manifest says that it was done; return its figures.

        Args:
            name: the stage's folder.
            kind: the type of its figures.
            work: writes the files and returns the figures; is called with the sections.
            inputs: digests of everything else that decides the outcome; compared with the
                manifest's.
            sections: dataclasses of the recipe by name; with the seed they decide the outcome.
            outputs: names of the files that must be there afterwards, and unchanged to be kept; a
                pattern stands for all that there are.

        Raises:
            BenchError: what `work` raises, or the disk is full, broken or not to be written.
        """
        folder, given = self.folder / name, sections or {}
        decided = {"recipe": sections_digest(self.seed, given)} if given else {}
        wanted = json.loads(json.dumps({**decided, **inputs}))
        stored = _kept(folder, wanted, kind)
        if stored is not None:
            log.info("%s: done before, kept", label(folder))
            return stored
        try:
            return self._make(folder, work, given, wanted, outputs)
        except OSError as error:
            if error.errno not in _REFUSED:
                raise
            why = "the disk is full" if error.errno in _FULL else error.strerror
            raise BenchError(
                f"{why}: {label(folder)} could not be made below {folder}. Stages that ended are "
                "intact; repeat the command once the cause is gone, to go on with this one"
            ) from error

    def _make(
        self,
        folder: Path,
        work: Callable[..., F],
        sections: Mapping[str, object],
        inputs: Json,
        outputs: Sequence[str],
    ) -> F:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / MANIFEST).unlink(missing_ok=True)  # of other inputs; the files are about to go
        append_entry(self.journal, label(folder), "begun")
        log.info("%s", label(folder))
        started = time.perf_counter()
        figures = work(**sections)
        seconds = round(time.perf_counter() - started, 1)
        figures = dataclasses.replace(figures, stage_seconds=seconds)
        manifest = {
            "inputs": inputs,
            "config": {name: _values(section) for name, section in sections.items()},
            "figures": figures.to_json(),
            "outputs": {name: file_digest(folder / name) for name in _list_files(folder, outputs)},
            **describe_training(),
        }
        replace_json(folder / MANIFEST, manifest)
        append_entry(self.journal, label(folder), "ended")
        return figures

    def train(
        self,
        name: str,
        kind: type[F],
        work: Callable[..., F],
        *,
        parent: Checkpoint,
        data: Path,
        sections: Mapping[str, object],
        weights: str,
        more: Mapping[str, Path] = {},
    ) -> Trained[F]:
        """Run a training of `parent` on a file of rows as a stage; see `run`.

        `weights` is the file that the training writes last, `more` what else it reads, by name.
        """
        inputs = {"parent": parent.digest, "data": file_digest(data)}
        inputs.update((name, file_digest(file)) for name, file in more.items())
        figures = self.run(
            name, kind, work, inputs=inputs, sections=sections, outputs=(weights, WEIGHTS)
        )
        decided = {"recipe": sections_digest(self.seed, sections), **inputs}
        return Trained(self.folder / name, figures, decided)


def manifest_of(folder: Path) -> Json | None:
    """Return a stage's manifest, or None where the stage has not ended (or its file is damaged).

    Raises OSError where it is there and cannot be read, which is no reason to make it again.
    """
    try:
        stored: Json = json.loads((folder / MANIFEST).read_bytes())
        _ = stored["inputs"], stored["figures"]
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (ValueError, TypeError, KeyError, RecursionError):
        return None
    return stored


def label(folder: Path) -> str:
    """Return what a stage is called in the log and the journal, e.g. `round-2/search`."""
    return f"{folder.parent.name}/{folder.name}"


def _kept(folder: Path, inputs: Json, kind: type[F]) -> F | None:
    """Return the figures of a stage that was done on these inputs and whose files are there."""
    stored = manifest_of(folder)
    if stored is None or stored["inputs"] != inputs:
        return None
    outputs = stored.get("outputs", {})
    assert isinstance(outputs, Mapping)
    for name, digest in outputs.items():
        if not (folder / name).is_file() or file_digest(folder / name) != digest:
            log.warning("%s: %s is gone or changed, made again", label(folder), name)
            return None
    try:
        return kind.from_json(stored["figures"])
    except ValueError as error:
        log.warning("%s: its figures cannot be read (%s), made again", label(folder), error)
        return None


def _list_files(folder: Path, outputs: Sequence[str]) -> list[str]:
    """Return the names that some names and patterns stand for, each once."""
    found = [
        name
        for each in outputs
        for name in ([p.name for p in sorted(folder.glob(each))] if "*" in each else [each])
    ]
    return list(dict.fromkeys(found))


def _values(section: object) -> Json:
    assert dataclasses.is_dataclass(section) and not isinstance(section, type)
    return dataclasses.asdict(section)
