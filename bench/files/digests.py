"""SHA-256 digests: what a stage, a checkpoint or a configuration is told apart by."""

from __future__ import annotations

import hashlib
from pathlib import Path

SHORT = 16
"""Hex digits of a digest that tells things apart and is read by people."""


def file_digest(path: Path) -> str:
    """Return the SHA-256 of a file, in hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def short_digest(data: bytes) -> str:
    """Return the first `SHORT` hex digits of the SHA-256 of some bytes."""
    return hashlib.sha256(data).hexdigest()[:SHORT]
