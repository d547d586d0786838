"""A diff of two checkers as a JSON file, which `checkers diff --out` writes and the page shows."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from bench.checkers.flips import Flip, Flips
from bench.types import Verdict

KIND = "checkers diff"
"""What the file calls itself."""
SCHEMA_VERSION = 1


def to_json(flips: Flips) -> dict[str, Any]:
    """Return a diff as plain JSON values, shares as fractions."""
    return {
        "kind": KIND,
        "schema": SCHEMA_VERSION,
        "a": flips.a,
        "b": flips.b,
        "asked": flips.asked,
        "scores": [asdict(score) for score in flips.scores],
        "flips": [_flip(flip) for flip in flips.flips],
    }


def _flip(flip: Flip) -> dict[str, Any]:
    question = flip.question
    return {
        "name": question.name,
        "gold": question.gold,
        "prediction": question.prediction,
        "equal": question.equal,
        "right": flip.right,
        "a": _verdict(flip.a),
        "b": _verdict(flip.b),
    }


def _verdict(verdict: Verdict) -> dict[str, Any]:
    return {
        "outcome": str(verdict.outcome),
        "comparer": verdict.comparer,
        "reason": verdict.reason,
        "gold_form": verdict.gold_form,
        "prediction_form": verdict.prediction_form,
    }
