"""Certificates with one thing wrong, at random: what a checker has to be asked besides proofs.

A mutant need not be wrong: a proof of a true statement may survive the change of a number. What no
checker may do is accept a mutant whose statement is false.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from random import Random
from typing import Any, TypeAlias

Json: TypeAlias = Any
Path: TypeAlias = tuple[str | int, ...]

NUMBERED = ("equality", "fact", "radical", "variable", "from", "drop", "over", "equalities")
"""Keys of numbers that stand for things; the numbers of other keys are powers and the like."""
STEPS = ("proofs", "proof")
"""Keys of lists of steps, or of lists of these."""

WORDS = (
    *("visible", "homogenised", "fact", "margin", "power", "gap", "above", "orthant", "squares"),
    *("coefficients", "product", "sturm", "variable", "minimum", "orders"),
    *("upper", "lower", "convex", "below", "replace", "raise", "absurd", "positive"),
)
"""What a step or a proof may be called."""


@dataclass(frozen=True, slots=True)
class Mutant:
    """A certificate, and in what it differs from the one that it was made of."""

    certificate: Mapping[str, Any]
    kind: str
    """One of `MUTATIONS`."""
    place: str
    """Where in the certificate, as `proofs/0/1/equality`."""


def mutate(certificate: Mapping[str, Any], others: Sequence[Json], random: Random) -> Mutant | None:
    """Return a certificate with the same statement and a proof that is not the same.

    `others` are proofs of other claims, lists of steps, one of which may come in the place of its
    own. None is returned where every kind of change leaves the proof as it was.
    """
    kinds = list(MUTATIONS)
    random.shuffle(kinds)
    for kind in kinds:
        changed = json.loads(json.dumps(certificate))
        place = MUTATIONS[kind](changed, others, random)
        if place is not None and changed != certificate:
            return Mutant(changed, kind, "/".join(map(str, place)))
    return None


Mutation = Callable[[Json, Sequence[Json], Random], Path | None]


def _walk(value: Json, path: Path) -> Iterator[tuple[Path, Json]]:
    """Yield every value within, with the keys that lead to it."""
    yield path, value
    entries: Any = ()
    if isinstance(value, dict):
        entries = value.items()
    elif isinstance(value, list):
        entries = enumerate(value)
    for key, each in entries:
        yield from _walk(each, (*path, key))


def _put(certificate: Json, path: Path, value: Json) -> Path:
    holder = certificate
    for key in path[:-1]:
        holder = holder[key]
    holder[path[-1]] = value
    return path


def _choose(
    certificate: Json, fits: Callable[[Path, Json], bool], random: Random
) -> tuple[Path, Json] | None:
    """Return one of the values in the proofs that fit."""
    found = [each for each in _walk(certificate["proofs"], ("proofs",)) if fits(*each)]
    return random.choice(found) if found else None


def _change(fits: Callable[[Path, Json], bool], change: Callable[[Json, Random], Json]) -> Mutation:
    """Return the mutation that puts another value in the place of one that fits."""

    def mutation(certificate: Json, others: Sequence[Json], random: Random) -> Path | None:
        found = _choose(certificate, fits, random)
        return None if found is None else _put(certificate, found[0], change(found[1], random))

    return mutation


def _is_number(value: Json) -> bool:
    return isinstance(value, str) and value.lstrip("-").replace("/", "").isdigit()


def _is_integer(value: Json) -> bool:
    return type(value) is int


def _is_in_gram(path: Path) -> bool:
    return "gram" in path[-3:]


def _is_numbered(path: Path) -> bool:
    return any(key in NUMBERED for key in path[-3:] if isinstance(key, str))


def _is_list_of_steps(path: Path, value: Json) -> bool:
    names = [key for key in path if isinstance(key, str)]
    is_steps = isinstance(value, list) and all(
        isinstance(each, dict) and "step" in each for each in value
    )
    return is_steps and bool(value) and names[-1:] != [] and names[-1] in STEPS


def _nudge(value: str, random: Random) -> str:
    number = Fraction(value)
    return str(
        random.choice(
            [
                *(number + 1, number - 1, number * 2, number / 2),
                *(number * Fraction(201, 200), number * Fraction(4999, 5000)),
            ]
        )
    )


def _step_aside(value: int, random: Random) -> int:
    return random.choice([value + 1, value - 1, value + 2, 1000])


def _drop(fits: Callable[[Path, Json], bool]) -> Mutation:
    """Return the mutation that takes one entry out of a list or an object that fits."""

    def mutation(certificate: Json, others: Sequence[Json], random: Random) -> Path | None:
        found = _choose(certificate, lambda path, v: bool(v) and fits(path, v), random)
        if found is None:
            return None
        path, holder = found
        key = random.choice(list(holder) if isinstance(holder, dict) else range(len(holder)))
        del holder[key]
        return (*path, key)

    return mutation


def _double_step(certificate: Json, others: Sequence[Json], random: Random) -> Path | None:
    found = _choose(certificate, _is_list_of_steps, random)
    if found is None:
        return None
    path, steps = found
    at = random.randrange(len(steps))
    steps.insert(at, steps[at])
    return (*path, at)


def _swap_steps(certificate: Json, others: Sequence[Json], random: Random) -> Path | None:
    found = _choose(certificate, lambda p, v: _is_list_of_steps(p, v) and len(v) > 1, random)
    if found is None:
        return None
    path, steps = found
    i, j = random.sample(range(len(steps)), 2)
    steps[i], steps[j] = steps[j], steps[i]
    return (*path, i)


def _put_other_proof(certificate: Json, others: Sequence[Json], random: Random) -> Path | None:
    if not others:
        return None
    at = random.randrange(len(certificate["proofs"]))
    return _put(certificate, ("proofs", at), random.choice(others))


def _change_weight(certificate: Json, others: Sequence[Json], random: Random) -> Path | None:
    """Give a block another's weight, or its own times a variable or with a sign turned, or 0."""
    blocks = [
        each
        for each in _walk(certificate["proofs"], ("proofs",))
        if isinstance(each[1], dict) and each[1].get("weight")
    ]
    if not blocks:
        return None
    path, block = random.choice(blocks)
    (exponents, c), *rest = block["weight"]
    at = random.randrange(len(exponents))
    raised = [k + (i == at) for i, k in enumerate(exponents)]
    weights = [each["weight"] for _, each in blocks if each["weight"] != block["weight"]]
    weights += [[[raised, c], *rest], [[exponents, str(-Fraction(c))], *rest], []]
    block["weight"] = random.choice(weights)
    return (*path, "weight")


def _change_type(value: Json, random: Random) -> Json:
    """Return another kind of value in the place of one."""
    others: tuple[Json, ...] = ("1", "x", "", 1, -1, 0.5, True, None, [], {}, [[]], ["+", "1", "1"])
    return random.choice([other for other in others if type(other) is not type(value)])


MUTATIONS: Mapping[str, Mutation] = {
    "coefficient": _change(lambda p, v: _is_number(v) and not _is_in_gram(p), _nudge),
    "gram entry": _change(lambda p, v: _is_number(v) and _is_in_gram(p), _nudge),
    "sign": _change(
        lambda p, v: _is_number(v) or p[-1] == "sign",
        lambda v, _: -v if _is_integer(v) else str(-Fraction(v)),
    ),
    "index": _change(lambda p, v: _is_integer(v) and _is_numbered(p), _step_aside),
    "power": _change(lambda p, v: _is_integer(v) and not _is_numbered(p), _step_aside),
    "weight": _change_weight,
    "kind": _change(
        lambda p, v: p[-1] in ("by", "kind", "step") and isinstance(v, str),
        lambda v, random: random.choice(WORDS),
    ),
    "flag": _change(lambda p, v: isinstance(v, bool), lambda v, _: not v),
    "step dropped": _drop(_is_list_of_steps),
    "step doubled": _double_step,
    "steps swapped": _swap_steps,
    "case removed": _drop(
        lambda p, v: p[-1] in ("cases", "coefficients", "parts") and isinstance(v, dict)
    ),
    "entry removed": _drop(lambda p, v: isinstance(v, list) and not _is_list_of_steps(p, v)),
    "key removed": _drop(lambda p, v: isinstance(v, dict)),
    "another type": _change(lambda p, v: len(p) > 1, _change_type),
    "another claim's proof": _put_other_proof,
}
"""What is done to a proof, by name: each changes it in place and returns where, or None."""
