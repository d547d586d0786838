"""Certificates on the page: the statement, and the proof in sentences with its formulas.

What explains a proof checks it on the way. Where the packages for that are missing, or a proof is
refused, the page says so in its place.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.errors import BenchError, DataError
from bench.inequalities.packages import require_packages
from bench.runs.proofs import read_proofs


@dataclass(frozen=True, slots=True)
class Certificate:
    """An answer that is a proof or a refutation."""

    data: Mapping[str, Any]

    @property
    def brief(self) -> str:
        """Return what it is in a few words."""
        if "refuted" in self.data:
            point = ", ".join(f"{name} = {value}" for name, value in self.data["refuted"].items())
            return f"refuted at {point}"
        steps = sum(map(len, self.data["proofs"]))
        return f"proof, {steps} step{'' if steps == 1 else 's'}"


def read_certificate(answer: str) -> Certificate | None:
    """Return an answer as a certificate; None for any other answer."""
    if not answer.startswith("{"):
        return None
    try:
        data = json.loads(answer)
    except (ValueError, RecursionError):
        return None
    known = isinstance(data, dict) and (
        isinstance(data.get("proofs"), list) or isinstance(data.get("refuted"), dict)
    )
    return Certificate(data) if known else None


def explain_certificate(certificate: Mapping[str, Any]) -> dict[str, Any]:
    """Return a proof as blocks of text, formulas and lists; of a refutation, its point."""
    if "refuted" in certificate:
        return {"refuted": {k: str(v) for k, v in certificate["refuted"].items()}}
    try:
        require_packages("the proof in sentences")
    except BenchError as error:
        return {"missing": str(error)}
    from bench.inequalities.explaining import explain

    try:
        document = explain(certificate)
    except (BenchError, KeyError, TypeError, ValueError) as error:
        return {"missing": f"the proof is refused: {error}"}
    return {
        "theorem": _pack(document.theorem),
        "proofs": [[name, _pack(blocks)] for name, blocks in document.proofs],
    }


def describe_archive(path: Path) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Return the proofs of an archive, as a list and as what each opens to.

    Raises DataError: it is no archive of proofs.
    """
    listed, opened = [], []
    for name, certificate in read_proofs(path):
        found = read_certificate(json.dumps(certificate))
        if found is None:
            raise DataError(f"{path}: {name!r} has no certificate")
        listed.append({"id": name, "brief": found.brief, "source": path.name})
        opened.append({"proof": explain_certificate(found.data)})
    return listed, opened


def describe_file(path: Path, data: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return one certificate's line in the list, and what it opens to."""
    found = Certificate(data)
    line = {"id": path.stem, "brief": found.brief, "source": path.name}
    return line, {"proof": explain_certificate(data)}


def _pack(blocks: Sequence[Any]) -> list[list[Any]]:
    """Return blocks as pairs of what they are and what they hold."""
    from bench.inequalities.explaining.documents import Display, Items

    packed: list[list[Any]] = []
    for block in blocks:
        if isinstance(block, Items):
            kind = "numbered" if block.numbered else "items"
            packed.append([kind, [_pack(item) for item in block.items]])
        elif isinstance(block, Display):
            packed.append(["display", list(block.lines)])
        else:
            packed.append(["text", block.text])
    return packed
