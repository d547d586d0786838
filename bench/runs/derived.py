"""A run made of a stored one, without sampling: written whole, with its lineage in run.json.

`lineage` in the header names the run that it was made of, by the digest of its configuration and of
its records, and what was changed; that run's own lineage is kept within. What a search did (trees,
seconds, parameters) is that of the source.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from bench.errors import RunDirError
from bench.files.atomic import replace, replace_json
from bench.files.digests import file_digest
from bench.files.lines import encode
from bench.files.shards import append_member
from bench.runs.header import config_digest, differences, make_header
from bench.runs.reader import Run, StoredTree
from bench.runs.record import Key
from bench.runs.writer import SHARD

OURS = "rstar-bench"
"""The checker of a run that names none."""
_OLD_GUESS = "accept"
"""What became of a guess in runs whose conventions do not say."""
_OF_THE_SEARCH = ("engine", "sandbox", "parameters", "concurrency", "provers")
"""Entries of a header that say how the texts were made."""


def checker_of(run: Run) -> str:
    """Return the checker that a run was graded by, or the verifiers where they decided all of it.

    Another checker than ours comes with its version.
    """
    if verifiers := _only_verifiers(run):
        return f"the verifier {', '.join(verifiers)}"
    checker = run.config.get("checker")
    return str(checker["version"]) if isinstance(checker, Mapping) else OURS


def conventions_of(run: Run) -> dict[str, Any]:
    """Return the conventions of answer checking that a run was graded under, by name.

    Verifiers know none: there are none where they decided all of it.
    """
    if _only_verifiers(run):
        return {}
    given = run.config.get("conventions")
    return {"guess": _OLD_GUESS, **given} if isinstance(given, Mapping) else {}


def _only_verifiers(run: Run) -> list[str]:
    """Return the names of the verifiers that decided all of a run; none where a checker did."""
    found = {record.verifier.name for record in run.records if record.verifier is not None}
    return sorted(found) if all(record.verifier is not None for record in run.records) else []


def rescored_from(run: Run, source: Run) -> bool:
    """Whether a run was made of the other one, or of one that was."""
    lineage = run.header.get("lineage")
    while isinstance(lineage, Mapping):
        if lineage.get("config_digest") == source.header.get("config_digest"):
            return True
        lineage = lineage.get("lineage")
    return False


def check_new(path: Path) -> None:
    """Refuse a directory that a whole run cannot be written to. Raises RunDirError."""
    if path.exists() and not path.is_dir():
        raise RunDirError(f"{path} is a file; give a new directory as --out")
    taken = next(path.iterdir(), None) if path.exists() else None
    if taken is not None:
        raise RunDirError(
            f"{path} is not empty ({taken.name}); a re-scored run is written as a whole, so give a "
            "new directory as --out"
        )


def write_derived(
    path: Path,
    run: Run,
    source: Run,
    summary: Mapping[str, Any],
    *,
    trees: Iterable[StoredTree] | None = None,
    argv: Sequence[str] | None = None,
) -> None:
    """Write a run made of `source` with its trees, or `trees`, and its seconds.

    The header comes last: without it nothing takes the directory for a run. Raises RunDirError: the
    directory holds something, or cannot be written.
    """
    check_new(path)
    try:
        path.mkdir(parents=True, exist_ok=True)
        _write_trees(path / "trees", run, source, trees)
        timings = source.path / "timings.jsonl"
        if timings.exists():
            shutil.copyfile(timings, path / timings.name)
        replace(path / "records.jsonl", b"".join(encode(each.to_json()) for each in run.records))
        replace_json(path / "summary.json", summary)
        replace_json(path / "run.json", _make_header(source, run.config, argv))
    except OSError as error:
        raise RunDirError(f"cannot write the run directory {path}: {error.strerror}") from error


def _write_trees(folder: Path, run: Run, source: Run, trees: Iterable[StoredTree] | None) -> None:
    stored = source.path / "trees"
    if trees is None:
        if stored.is_dir():
            shutil.copytree(stored, folder)
        return
    place = {record.key: at for at, record in enumerate(run.records)}
    folder.mkdir()
    for each in trees:
        at = place[Key(each.problem_id, each.seed)]
        line = encode({"problem_id": each.problem_id, "seed": each.seed, "tree": each.tree})
        append_member(folder / f"shard-{at // SHARD:04d}.jsonl.gz", line)


def _make_header(
    source: Run, config: Mapping[str, Any], argv: Sequence[str] | None
) -> dict[str, Any]:
    header = source.header
    records = source.path / "records.jsonl"
    lineage = {
        "command": header.get("command"),
        "created": header.get("created"),
        "git": header.get("git"),
        "config_digest": header.get("config_digest") or config_digest(header["config"]),
        "records_sha256": file_digest(records) if records.exists() else None,
        "changed": {
            each.key: {"from": each.old, "to": each.new}
            for each in differences(header["config"], config)
        },
        "lineage": header.get("lineage"),
    }
    kept = {name: header[name] for name in _OF_THE_SEARCH if name in header}
    return {**make_header(config, argv), **kept, "lineage": lineage}
