"""Run directories below folders, in the order of their names."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from bench.errors import RunDirError

_HEADER = "run.json"


def find_runs(folders: Iterable[Path]) -> list[Path]:
    """Return the folders that are run directories, and those below the others.

    Raises RunDirError: there is none in a folder.
    """
    found: dict[Path, None] = {}
    for folder in folders:
        if (folder / _HEADER).is_file():
            of_folder = [folder]
        else:
            of_folder = [file.parent for file in sorted(folder.rglob(_HEADER))]
        if not of_folder:
            raise RunDirError(
                f"{folder} holds no run.json, nor does any folder in it; give directories that "
                "were the --out of `rstar-bench run`, or a folder of such"
            )
        found.update(dict.fromkeys(of_folder))
    return list(found)
