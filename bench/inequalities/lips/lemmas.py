"""The inequalities by which a side may be replaced, each with a proof that the checker accepts.

`lemmas.json` states them; a lemma is used from left to right and back. `lemma_proofs.jsonl` has
their certificates, found by our prover without a person's help but for `through`: values between
the two sides. What has no proof there is not used. That both sides may be multiplied by a positive
number, and the same be added, needs no lemma; that reciprocals turn an inequality, and roots and
powers keep it, is what the lemmas of the family `CONTEXT` say.

Run `python -m bench.inequalities.lips.lemmas --prove` after a change of `lemmas.json`: it finds the
proofs that are missing.
"""

from __future__ import annotations

import argparse
import functools
import json
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

from bench.files import lines
from bench.files.atomic import append, replace
from bench.inequalities.budget import Budget
from bench.inequalities.checker import ProofError, check_proof
from bench.inequalities.lips.equality import prove_replacement, replace_in_goal
from bench.inequalities.lips.sides import ZERO, join_terms, list_terms_of_difference
from bench.inequalities.proving.goals import begin
from bench.inequalities.proving.prover import FORMAT, prove, prove_goal
from bench.inequalities.statements import Expression, Statement, to_json
from bench.inequalities.texts.reading import read_expression, read_statement

CONTEXT = "monotone context"
"""The family of lemmas about what may stand around the others; no pattern is made of them."""
SECONDS = 20.0
"""CPU time in which a lemma has to be proved."""

_LEMMAS = Path(__file__).with_name("lemmas.json")
_PROOFS = Path(__file__).with_name("lemma_proofs.jsonl")


@dataclass(frozen=True, slots=True)
class Lemma:
    """A statement `larger >= smaller` in pattern variables, under conditions on them."""

    name: str
    family: str
    statement: Statement
    equality: tuple[tuple[Expression, Expression], ...]
    """Where these pairs are equal, the sides are."""
    through: tuple[Expression, ...] = ()
    """Between the sides, from the larger to the smaller: where a proof may pass."""

    @property
    def larger(self) -> Expression:
        """The side that is replaced on the larger side of a goal."""
        return self.statement.claims[0][1]

    @property
    def smaller(self) -> Expression:
        """The side that is replaced on the smaller side of a goal."""
        return self.statement.claims[0][2]


@dataclass(frozen=True, slots=True)
class Refused:
    """A lemma of the published list that is not taken as it is written."""

    published: str
    why: str
    repaired: str
    """The lemma that is taken instead; empty where there is none."""
    statement: Statement | None
    """What it says, or says for some exponents, where that is false."""
    point: Mapping[str, Fraction]
    """Where it is false."""


@functools.cache
def load_lemmas() -> tuple[Lemma, ...]:
    """Return all lemmas, with and without a proof, in the order of their families."""
    return tuple(map(_read_lemma, _load()["lemmas"]))


@functools.cache
def load_refused() -> tuple[Refused, ...]:
    """Return what is not taken from the published list, and why."""
    return tuple(map(_read_refused, _load()["refused"]))


@functools.cache
def load_proofs() -> Mapping[str, Mapping[str, Any]]:
    """Return the certificates by lemma: those that are about what the lemma says today."""
    stated = {lemma.name: to_json(lemma.statement) for lemma in load_lemmas()}
    scan = lines.scan(_PROOFS, lambda line: (line["lemma"], line["certificate"]))
    found = dict(line.value for line in scan.lines if line.value is not None)
    return {
        name: found[name]
        for name, statement in stated.items()
        if name in found and found[name]["statement"] == statement
    }


def load_proved() -> tuple[Lemma, ...]:
    """Return the lemmas that have a proof."""
    return tuple(lemma for lemma in load_lemmas() if lemma.name in load_proofs())


def load_unproved() -> tuple[Lemma, ...]:
    """Return the lemmas for which our prover found no proof; none of them is used."""
    return tuple(lemma for lemma in load_lemmas() if lemma.name not in load_proofs())


def _load() -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads(_LEMMAS.read_text(encoding="utf-8"))
    return loaded


def _read_lemma(data: Mapping[str, Any]) -> Lemma:
    pairs = (relation.split(" = ") for relation in data["equality"])
    return Lemma(
        data["name"],
        data["family"],
        _read_sides(data),
        tuple((read_expression(left), read_expression(right)) for left, right in pairs),
        tuple(map(read_expression, data.get("through", ()))),
    )


def _read_refused(data: Mapping[str, Any]) -> Refused:
    return Refused(
        data["published"],
        data["why"],
        data["repaired"],
        _read_sides(data) if "larger" in data else None,
        {name: Fraction(value) for name, value in data.get("point", {}).items()},
    )


def _read_sides(data: Mapping[str, Any]) -> Statement:
    conditions = f" with {data['conditions']}" if data["conditions"] else ""
    return read_statement(f"{data['larger']} >= {data['smaller']}{conditions}")


# Proofs


def prove_lemma(lemma: Lemma, seconds: float = SECONDS) -> dict[str, Any] | None:
    """Return a certificate that the checker accepts; None if none is found in so many CPU seconds.

    Raises ProofError: the prover took something for a proof that is none, which is a fault of ours.
    """
    budget = Budget(seconds)
    certificate = _prove_through(lemma, budget.part(budget.left, 0.5)) if lemma.through else None
    if certificate is None:
        certificate = prove(lemma.statement, budget)
    if certificate is None:
        return None
    stored: dict[str, Any] = json.loads(json.dumps(certificate))
    check_proof(stored)
    return stored


def _prove_through(lemma: Lemma, budget: Budget) -> dict[str, Any] | None:
    """Prove that each value between the sides is at least the next one."""
    statement = lemma.statement
    goal = begin(statement, statement.claims[0])
    for left, value in zip(range(len(lemma.through), 0, -1), lemma.through, strict=True):
        share = budget.part(budget.left, 1 / (left + 1))
        by = join_terms(list_terms_of_difference(value, lemma.smaller))
        steps = prove_replacement(goal, by, ZERO, share)
        if steps is None:
            return None
        goal = replace_in_goal(goal, by, steps)
    proof = prove_goal(goal, budget)
    if proof is None:
        return None
    return {"format": FORMAT, "statement": to_json(statement), "proofs": [proof]}


def prove_missing() -> None:
    """Find the proofs that are missing, print what came of each, and write them as they come.

    Missing is also what the checker refuses. At the end the file has its lines in the order of the
    lemmas, and nothing else.
    """
    kept = {name: each for name, each in load_proofs().items() if _is_accepted(each)}
    _write(kept)
    for lemma in (lemma for lemma in load_lemmas() if lemma.name not in kept):
        started = time.process_time()
        try:
            certificate, said = prove_lemma(lemma), "no proof found"
        except ProofError as error:
            certificate, said = None, f"refused by the checker: {error}"
        if certificate is not None:
            said = "proved"
            kept[lemma.name] = certificate
            append(_PROOFS, _encode(lemma.name, certificate))
        print(f"{time.process_time() - started:6.1f} s  {lemma.name}: {said}", flush=True)
    _write({lemma.name: kept[lemma.name] for lemma in load_lemmas() if lemma.name in kept})
    print(f"{len(kept)} of {len(load_lemmas())} lemmas are proved")


def _is_accepted(certificate: Mapping[str, Any]) -> bool:
    try:
        check_proof(certificate)
    except ProofError:
        return False
    return True


def _write(proofs: Mapping[str, Mapping[str, Any]]) -> None:
    replace(_PROOFS, b"".join(_encode(*item) for item in proofs.items()))


def _encode(name: str, certificate: Mapping[str, Any]) -> bytes:
    return lines.encode({"lemma": name, "certificate": certificate})


def main(arguments: Iterable[str] | None = None) -> None:
    """Run the command of this module."""
    parser = argparse.ArgumentParser(description="The lemmas of LIPS and their proofs.")
    parser.add_argument("--prove", action="store_true", help="find the proofs that are missing")
    if parser.parse_args(None if arguments is None else list(arguments)).prove:
        prove_missing()
    else:
        parser.print_help()


if __name__ == "__main__":
    main()
