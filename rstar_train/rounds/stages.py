"""A stage reads files and writes files, with a manifest beside them: what was made from what.

`stage.json` holds the digests of the inputs, the recipe's values, the code's version, the figures
and the SHA-256 of what was written. A stage whose manifest agrees with what is asked for, and whose
files are the ones it wrote, is not run again. The manifest is written last, so a stage that was
killed has none.
"""

from __future__ import annotations

import errno
import json
import logging
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from bench.errors import BenchError
from bench.files.atomic import replace
from bench.files.digests import file_digest
from bench.runs.header import git_state, package_versions
from rstar_train.rounds.journal import note

log = logging.getLogger(__name__)

MANIFEST = "stage.json"
_FULL = (errno.ENOSPC, errno.EDQUOT)


def staged(
    folder: Path,
    inputs: Mapping[str, Any],
    work: Callable[[], Mapping[str, Any]],
    *,
    config: Mapping[str, Any] | None = None,
    outputs: Sequence[str] = (),
    journal: Path | None = None,
) -> Mapping[str, Any]:
    """Run `work` unless the manifest in `folder` says that it was done; return its figures.

    Args:
        folder: where the stage writes.
        inputs: digests of everything that decides the outcome; compared with the manifest's.
        work: writes the files and returns the figures.
        config: the recipe's values, for readers of the manifest; `inputs` hold their digest.
        outputs: names of the files that must be there afterwards, and unchanged to be kept.
        journal: where to note when the stage began and ended.

    Raises:
        BenchError: what `work` raises, or the disk is full.
    """
    wanted = json.loads(json.dumps(inputs))
    stored = _kept(folder, wanted)
    if stored is not None:
        log.info("%s: done before, kept", _label(folder))
        return stored
    try:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / MANIFEST).unlink(missing_ok=True)  # of other inputs; the files are about to go
        note(journal, _label(folder), "begun")
        log.info("%s", _label(folder))
        started = time.perf_counter()
        figures = {**work(), "stage_seconds": round(time.perf_counter() - started, 1)}
        manifest = {
            "inputs": wanted,
            "config": config or {},
            "figures": figures,
            "outputs": {name: file_digest(folder / name) for name in outputs},
            "git": git_state(Path(__file__).parent),
            "packages": package_versions(),
            "finished": _now(),
        }
        replace(folder / MANIFEST, (json.dumps(manifest, indent=2) + "\n").encode())
        note(journal, _label(folder), "ended")
    except OSError as error:
        if error.errno not in _FULL:
            raise
        raise BenchError(
            f"the disk is full: {_label(folder)} could not be written below {folder}. Stages that "
            "ended are intact; free some space and repeat the command to go on with this one"
        ) from error
    return figures


def manifest_of(folder: Path) -> Mapping[str, Any] | None:
    """Return a stage's manifest, or None where the stage has not ended (or its file is damaged)."""
    try:
        stored: Mapping[str, Any] = json.loads((folder / MANIFEST).read_bytes())
        _ = stored["inputs"], stored["figures"]
    except (OSError, ValueError, TypeError, KeyError):
        return None
    return stored


def _kept(folder: Path, inputs: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """Return the figures of a stage that was done on these inputs and whose files are there."""
    stored = manifest_of(folder)
    if stored is None or stored["inputs"] != inputs:
        return None
    for name, digest in stored.get("outputs", {}).items():
        if not (folder / name).is_file() or file_digest(folder / name) != digest:
            log.warning("%s: %s is gone or changed, made again", _label(folder), name)
            return None
    figures: Mapping[str, Any] = stored["figures"]
    return figures


def _label(folder: Path) -> str:
    return f"{folder.parent.name}/{folder.name}"


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
