"""Where the project's data lie that are beside its packages: tasks, checkpoints, paper's numbers.

In a checkout they are where they are edited. A wheel brings those that programs read, as data of
the package (`share/rstar-bench` of the environment).
"""

from __future__ import annotations

from functools import cache
from importlib import metadata
from pathlib import Path

PACKAGE = "rstar-bench"
_CHECKOUT = Path(__file__).resolve().parents[2]
_MARK = "paper.json"
"""A file that is always there."""


def find_shipped(*parts: str) -> Path:
    """Return the path of a file or folder of the project, whether it is there or not."""
    return find_root().joinpath(*parts)


def is_checkout() -> bool:
    """Whether this is a checkout, as opposed to an installed package."""
    return (_CHECKOUT / "pyproject.toml").is_file()


@cache
def find_root() -> Path:
    """Return the checkout, or the folder in which an installed package keeps the same files."""
    if is_checkout():
        return _CHECKOUT
    try:
        files = metadata.distribution(PACKAGE).files or ()
    except metadata.PackageNotFoundError:
        return _CHECKOUT
    found = next((file for file in files if file.name == _MARK), None)
    return _CHECKOUT if found is None else Path(str(found.locate())).resolve().parents[1]
