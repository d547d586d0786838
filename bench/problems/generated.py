"""The embedded pool: problems that reasoning-gym generates, in three tiers, needing no download.

Each family of a tier is one reasoning-gym generator with a fixed configuration; the text and the
answer are the generator's own. Training and evaluation problems come from different generator
seeds, and any question of the training split that the evaluation split also contains is dropped,
so the splits are disjoint by text. The tiers name a level of schooling, not a measured difficulty.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import zip_longest
from typing import Any, Literal

from bench.errors import DataError, UnknownNameError
from bench.types import Problem

Split = Literal["train", "eval"]

SEEDS: Mapping[Split, int] = {"eval": 20_250, "train": 77_000}
"""Generator seeds; the evaluation split is drawn first and never depends on the training split."""

EVAL_PER_FAMILY = 200
"""Evaluation problems of each family: the whole split, whatever a run's limit is."""


@dataclass(frozen=True, slots=True)
class ProblemFamily:
    """One generator and its configuration."""

    name: str
    config: Mapping[str, Any] = field(default_factory=dict)


TIERS: Mapping[str, tuple[ProblemFamily, ...]] = {
    "grade-school": (
        ProblemFamily(
            "chain_sum", {"min_terms": 3, "max_terms": 5, "min_digits": 1, "max_digits": 3}
        ),
        ProblemFamily(
            "basic_arithmetic",
            {"min_terms": 3, "max_terms": 4, "max_digits": 2, "operators": ("+", "-", "*")},
        ),
        ProblemFamily("gcd", {"min_numbers": 2, "max_numbers": 3, "max_value": 500}),
        ProblemFamily("lcm", {"min_numbers": 2, "max_numbers": 3, "max_value": 60}),
        ProblemFamily("leg_counting", {"min_animals": 3, "max_animals": 5}),
        ProblemFamily("gsm_symbolic"),
    ),
    "high-school": (
        ProblemFamily("simple_equations"),
        ProblemFamily("simple_geometry"),
        ProblemFamily("fraction_simplification", {"styles": ("plain",)}),
        ProblemFamily("complex_arithmetic"),
    ),
    "competition": (
        ProblemFamily("count_primes", {"max_n": 1000}),
        ProblemFamily("dice", {"num_dice": 3, "max_dice_size": 20}),
        ProblemFamily("number_sequence"),
        ProblemFamily("polynomial_equations", {"max_degree": 2}),
    ),
}


def _rows(family: ProblemFamily, seed: int, size: int) -> list[tuple[str, str]]:
    """Return `size` (question, answer) rows with distinct questions."""
    import reasoning_gym

    # Generators repeat themselves; over-draw, keep the first of each question.
    dataset = reasoning_gym.create_dataset(
        family.name, seed=seed, size=size + size // 2 + 64, **family.config
    )
    seen: dict[str, str] = {}
    for entry in dataset:
        question, answer = entry["question"].strip(), str(entry["answer"])
        if answer and question not in seen:
            seen[question] = answer
        if len(seen) == size:
            return list(seen.items())
    raise DataError(
        f"the generator {family.name!r} gives only {len(seen)} different questions, {size} were "
        "asked for; ask for fewer problems"
    )


@lru_cache(maxsize=64)
def _eval_rows(tier: str, name: str, size: int) -> tuple[tuple[str, str], ...]:
    # Row i of a generator depends on its seed and i alone: a short draw is a prefix of a long one.
    return tuple(_rows(_family(tier, name), SEEDS["eval"], size))


def _family(tier: str, name: str) -> ProblemFamily:
    known = {family.name: family for family in TIERS[tier]}
    if name not in known:
        raise UnknownNameError(f"family of tier {tier!r}", name, known)
    return known[name]


def family_problems(tier: str, name: str, split: Split, size: int) -> list[Problem]:
    """Return the first `size` problems of one family. Raises DataError, UnknownNameError."""
    if tier not in TIERS:
        raise UnknownNameError("tier of the embedded pool", tier, TIERS)
    family = _family(tier, name)
    if split == "eval":
        if size > EVAL_PER_FAMILY:
            raise DataError(
                f"the evaluation split of {name!r} has {EVAL_PER_FAMILY} problems, "
                f"{size} were asked for"
            )
        rows = list(_eval_rows(tier, name, size))
    else:
        held_out = {question for question, _ in _eval_rows(tier, name, EVAL_PER_FAMILY)}
        drawn = _rows(family, SEEDS["train"], size + len(held_out))
        rows = [row for row in drawn if row[0] not in held_out][:size]
    return [
        Problem(
            id=f"{split}-{name}-{hashlib.sha256(question.encode()).hexdigest()[:12]}",
            question=question,
            answer=answer,
            benchmark=f"embedded-{tier}",
            level=tier,
            subject=name,
        )
        for question, answer in rows
    ]


def tier_problems(
    tier: str, split: Split, size: int, *, families: tuple[str, ...] | None = None
) -> list[Problem]:
    """Return `size` problems of a tier, its families taking turns, so any prefix is balanced."""
    if tier not in TIERS:
        raise UnknownNameError("tier of the embedded pool", tier, TIERS)
    names = families or tuple(family.name for family in TIERS[tier])
    per_family = -(-size // len(names))
    columns = [family_problems(tier, name, split, per_family) for name in names]
    turns = [problem for turn in zip_longest(*columns) for problem in turn if problem is not None]
    return turns[:size]


def load_embedded(name: str, limit: int | None = None) -> list[Problem]:
    """Return the evaluation split of `embedded` (all tiers in turn) or `embedded-<tier>`."""
    if name == "embedded":
        whole = len(TIERS) * min(len(families) for families in TIERS.values()) * EVAL_PER_FAMILY
        size = whole if limit is None else min(limit, whole)
        columns = [tier_problems(tier, "eval", -(-size // len(TIERS))) for tier in TIERS]
        return [problem for turn in zip(*columns, strict=True) for problem in turn][:size]
    tier = name.removeprefix("embedded-")
    if tier not in TIERS:
        raise UnknownNameError("embedded benchmark", name, embedded_names())
    whole = len(TIERS[tier]) * EVAL_PER_FAMILY
    return tier_problems(tier, "eval", whole if limit is None else min(limit, whole))


def embedded_names() -> list[str]:
    """Return the benchmark names of the embedded pool."""
    return ["embedded", *(f"embedded-{tier}" for tier in TIERS)]
