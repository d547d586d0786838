"""The checker of proofs: any JSON is a proof of a true statement, or is refused in its words."""

from __future__ import annotations

import gzip
import json
import random
from fractions import Fraction
from itertools import islice, product
from pathlib import Path
from typing import Any
from unittest.mock import patch

from bench.inequalities import checker
from bench.inequalities.attacks.mutations import mutate as mutate_certificate
from bench.inequalities.checker import ProofError, check_proof
from bench.inequalities.counterexamples import is_counterexample
from bench.inequalities.statements import from_json

WORK = 100_000
"""In place of the checker's bound: a minute for one input, which that allows, is too long here."""
_ARCHIVES = Path(__file__).parents[3] / "results" / "proofs"
_POINTS = tuple(
    Fraction(*pair) for pair in ((1, 1), (1, 2), (2, 1), (1, 10), (0, 1), (-1, 1), (3, 1))
)


def _shortest(count: int) -> list[bytes]:
    lines: list[bytes] = []
    for archive in sorted(_ARCHIVES.glob("*.jsonl.gz")):
        lines += gzip.decompress(archive.read_bytes()).split(b"\n")[:-1]
    shortest = sorted(lines, key=len)[:count]
    return [json.dumps(json.loads(line)["certificate"]).encode() for line in shortest]


SEEDS = (*_shortest(40), b'{"refuted": {"a": "1"}, "claim": 0}', b"[[[[[[", b'{"format": 1e999}')
FOUND: tuple[bytes, ...] = ()
_CERTIFICATES = [json.loads(seed) for seed in SEEDS[:-3]]
_PROOFS = [proof for each in _CERTIFICATES for proof in each["proofs"]]


def try_input(data: bytes) -> None:
    """Check a certificate; what it is said to prove must hold wherever it is looked at."""
    try:
        certificate = json.loads(data)
    except (ValueError, RecursionError):
        return
    try:
        with patch.object(checker, "MAX_WORK", WORK):
            proved = check_proof(certificate)
    except ProofError:
        return
    statement = from_json(
        {
            "variables": list(proved.variables),
            "assumptions": json.loads(json.dumps(proved.assumptions)),
            "claims": json.loads(json.dumps(proved.claims)),
        }
    )
    names = statement.variables
    for point in islice(product(_POINTS, repeat=len(names)), 50):
        for claim in range(len(statement.claims)):
            if is_counterexample(statement, dict(zip(names, point, strict=True)), claim):
                raise AssertionError(f"proved, and false at {point}: {statement}")


def mutate(data: bytes, max_size: int, seed: int) -> bytes:
    """Return a certificate with something changed: changed bytes are seldom one."""
    chance = random.Random(seed)
    try:
        certificate = json.loads(data)
    except (ValueError, RecursionError):
        certificate = None
    if not isinstance(certificate, dict) or "proofs" not in certificate:
        certificate = chance.choice(_CERTIFICATES)
    try:
        for _ in range(chance.randint(1, 3)):
            certificate = _change(certificate, chance)
        changed = json.dumps(certificate).encode()
    except (ValueError, RecursionError):  # a part came into itself
        return data
    return changed if len(changed) <= max_size else data


def _change(certificate: dict[str, Any], chance: random.Random) -> dict[str, Any]:
    if chance.random() < 0.5:
        try:
            mutant = mutate_certificate(certificate, _PROOFS, chance)
        except (LookupError, TypeError, ValueError, AttributeError, ArithmeticError):
            mutant = None  # it is no certificate any more
        if mutant is not None:
            return dict(mutant.certificate)
    copied: dict[str, Any] = json.loads(json.dumps(certificate))
    places: list[tuple[Any, Any]] = []
    waiting: list[Any] = [copied]
    while waiting:
        inner = waiting.pop()
        keys = list(inner) if isinstance(inner, dict) else range(len(inner))
        places += [(inner, key) for key in keys]
        waiting += [inner[key] for key in keys if isinstance(inner[key], dict | list)]
    holder, key = chance.choice(places)
    other, other_key = chance.choice(places)
    values = (None, True, 0, -1, 1000, "x", "0", "1/0", "-1", [], {}, [[]], other[other_key])
    holder[key] = json.loads(json.dumps(chance.choice(values)))
    return copied
