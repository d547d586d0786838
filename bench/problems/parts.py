"""Parts of a benchmark by level and by subject, named as in `math:level-5` or `math:algebra`.

A part with commas is what any of its alternatives names, `math:algebra,geometry`; of parts after
several colons a problem has to belong to each, `math:algebra,geometry:level-5`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from bench.errors import UnknownNameError
from bench.types import Problem


def slug(text: str) -> str:
    """Return a level or subject as it is written in a name: `Level 5` is `level-5`."""
    return re.sub(r"[^a-z0-9.]+", "-", text.lower()).strip("-")


def part_names(problems: Iterable[Problem]) -> list[str]:
    """Return the names of the levels and subjects that occur."""
    found = {slug(label) for p in problems for label in (p.level, p.subject) if label}
    return sorted(found)


def only(name: str, problems: Sequence[Problem], parts: Sequence[str]) -> list[Problem]:
    """Return the problems that belong to every one of the parts. Raises UnknownNameError."""
    known = part_names(problems) if parts else []
    wanted = []
    for part in parts:
        alternatives = part.split(",")
        for each in alternatives:
            if slug(each) not in known:
                raise UnknownNameError(f"part in {name!r}", each, known)
        wanted.append({slug(each) for each in alternatives})
    chosen = [p for p in problems if all(part & set(part_names([p])) for part in wanted)]
    if not chosen:
        raise UnknownNameError("part of a benchmark: no problem has all of", name, known)
    return chosen
