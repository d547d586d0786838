"""What identifies a set of problems whatever file, order or ids it comes with: its texts, hashed.

Texts are normalised before hashing: Unicode NFC, each run of white space one space, none at the
ends. Spaces within a reference answer count, because LaTeX needs some of them.
"""

from __future__ import annotations

import hashlib
import unicodedata
from collections.abc import Iterable

from bench.types import Problem

SHORT = 16
"""Hexadecimal digits that tell the texts of one benchmark apart."""


def normalise(text: str) -> str:
    """Return a text in the form that is hashed."""
    return " ".join(unicodedata.normalize("NFC", text).split())


def text_digest(text: str) -> str:
    """Return the first `SHORT` digits of the SHA-256 of a normalised text."""
    return _sha256(normalise(text))[:SHORT]


def rows_sha256(problems: Iterable[Problem]) -> str:
    """Return the SHA-256 of all questions with their published answers, in any order."""
    rows = (f"{normalise(p.question)}\x1f{normalise(p.answer)}" for p in problems)
    return _sha256("\n".join(sorted(map(_sha256, rows))))


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
