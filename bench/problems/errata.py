"""Corrections of published reference answers: facts in `errata.json`, applied unless refused.

An erratum names its row by hashes of the question and of the published answer. So it finds the row
in a mirror and on the hub, and leaves a row alone that its publisher has mended. What it does is
one of four things (`use`): `replace` the answer, ask for `all` values of a list, accept `any` of
several answers, or call the row `unusable`: an empty reference, which is never graded. A false
statement is given its counterexample. No text of a problem is stored.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

from bench.problems.fingerprint import text_digest
from bench.types import Problem

_FILE = Path(__file__).with_name("errata.json")


@dataclass(frozen=True, slots=True)
class Erratum:
    """One corrected row."""

    id: str
    """As in a mirror; ids of the hub may differ."""
    kind: str
    """What was wrong, e.g. `wrong gold`."""
    use: str
    answers: tuple[str, ...]
    question_sha256: str
    published_sha256: str
    basis: str
    """Who found it, or how it was worked out."""


@cache
def errata(name: str) -> tuple[Erratum, ...]:
    """Return the corrections of a benchmark, none for most."""
    facts: Mapping[str, Mapping[str, Any]] = json.loads(_FILE.read_text("utf-8"))
    return tuple(
        Erratum(id=key, **{**fact, "answers": tuple(fact["answers"])})
        for key, fact in facts.get(name, {}).items()
    )


def apply_errata(name: str, problems: Sequence[Problem]) -> list[Problem]:
    """Return the problems, those of `errata(name)` corrected and marked in `meta["erratum"]`."""
    known = {(e.question_sha256, e.published_sha256): e for e in errata(name)}
    if not known:
        return list(problems)
    return [_corrected(problem, known) for problem in problems]


def _corrected(problem: Problem, known: Mapping[tuple[str, str], Erratum]) -> Problem:
    key = text_digest(problem.question), text_digest(problem.answer)
    erratum = known.get(key)
    if erratum is None:
        return problem
    answer, alternatives = _answers(erratum)
    note = {"id": erratum.id, "kind": erratum.kind, "published": problem.answer}
    return replace(
        problem,
        answer=answer,
        alternatives=alternatives,
        meta={**problem.meta, "erratum": note},
    )


def _answers(erratum: Erratum) -> tuple[str, tuple[str, ...]]:
    match erratum.use:
        case "replace" | "all":
            return ", ".join(erratum.answers), ()
        case "any":
            return erratum.answers[0], erratum.answers[1:]
        case "unusable":
            return "", ()
    raise ValueError(f"errata.json: {erratum.id!r} has the unknown use {erratum.use!r}")
