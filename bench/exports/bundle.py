"""The files of an export, and how they get into a folder."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.errors import DataError
from bench.files.atomic import replace


@dataclass(frozen=True, slots=True)
class Bundle:
    """What an export consists of."""

    files: Mapping[str, bytes]
    """By path below the folder."""
    notes: tuple[str, ...]
    """What is left out, and what to fill in, a sentence each."""


def to_json(data: Any) -> bytes:
    """Return a JSON file for people. Raises ValueError: a number is not finite."""
    return _to_bytes(json.dumps(data, indent=2, ensure_ascii=False, allow_nan=False) + "\n")


def to_json_lines(rows: Iterable[Any]) -> bytes:
    """Return a file with a line of JSON for each row. Raises ValueError: one is not finite."""
    lines = (json.dumps(row, ensure_ascii=False, allow_nan=False) for row in rows)
    return _to_bytes("".join(f"{line}\n" for line in lines))


def _to_bytes(text: str) -> bytes:
    """Return JSON in UTF-8; what a policy wrote may hold half a character, which is escaped."""
    return text.encode(errors="backslashreplace")


def check_folder(folder: Path) -> None:
    """Refuse a place that an export cannot be written to.

    Raises DataError: it is a file, or a run directory, whose files are its own.
    """
    if folder.exists() and not folder.is_dir():
        raise DataError(f"cannot export to {folder}: it is a file; name a folder")
    if (folder / "run.json").exists():
        raise DataError(f"cannot export to {folder}: it is a run directory; name another folder")


def write_bundle(bundle: Bundle, folder: Path) -> list[Path]:
    """Write the files, each as a whole, over those of an earlier export; return their paths.

    Raises DataError: one cannot be written.
    """
    check_folder(folder)
    written = []
    for name, data in bundle.files.items():
        file = folder / name
        try:
            file.parent.mkdir(parents=True, exist_ok=True)
            replace(file, data)
        except OSError as error:
            raise DataError(
                f"cannot write {file}: {error.strerror}; name another folder"
            ) from error
        written.append(file)
    return written
