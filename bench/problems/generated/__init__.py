"""The embedded pool: generated problems in tiers of families, needing no download.

Each family of a tier is one generator with a fixed configuration: reasoning-gym's, or one of this
folder. Training and evaluation problems come from different generator seeds, and any problem of the
training split that the evaluation split also contains is dropped, so the splits of a family are
disjoint.

The tiers of `SCHOOLING` name a level of schooling, not a measured difficulty. Those of `DIAL` are
families of one kind at several lengths, meant to be solved sometimes and not always, so that a
search can win something. What a policy leaves to be won is measured (`rstar-bench headroom`), and
printed with the rounds of the recipe `smollm2-dial`. The tier of `PROOF` holds inequalities to be
proved or refuted. Those of `OUT_OF_DOMAIN` are evaluated and never trained on.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import islice, zip_longest
from typing import Any, Literal

from bench.errors import DataError, UnknownNameError
from bench.problems.generated import countdown, inequalities, word_problems
from bench.problems.generated.row import Generated
from bench.types import Problem

Split = Literal["train", "eval"]

SEEDS: Mapping[Split, int] = {"eval": 20_250, "train": 77_000}
"""Generator seeds; the evaluation split is drawn first and never depends on the training split."""

EVAL_PER_FAMILY = 200
"""Evaluation problems of a family: the whole split, whatever a run's limit is."""

Generator = Callable[..., Iterator[Generated]]
"""`generator(seed, **config)` yields problems without end; problem i depends on the seed and i."""


@dataclass(frozen=True, slots=True)
class ProblemFamily:
    """One generator and its configuration."""

    name: str
    config: Mapping[str, Any] = field(default_factory=dict)
    generator: Generator | str = ""
    """One of ours, or the name of reasoning-gym's; empty where that is the family's own."""
    apart: int = 0
    """Added to the seed: families of one generator are not to share their beginnings."""
    evaluated: int = EVAL_PER_FAMILY
    """Problems of the evaluation split."""


SCHOOLING: Mapping[str, tuple[ProblemFamily, ...]] = {
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


ARITHMETIC = {"max_digits": 2, "operators": ("+", "-", "*")}
DIAL: Mapping[str, tuple[ProblemFamily, ...]] = {
    "arithmetic": tuple(
        ProblemFamily(
            f"arithmetic_{terms}",
            {**ARITHMETIC, "min_terms": terms - 1, "max_terms": terms},
            "basic_arithmetic",
            apart=terms * 1_000_000,
            evaluated=400,
        )
        for terms in (5, 6, 7)
    ),
    "words": tuple(
        ProblemFamily(f"words_{events}", {"events": events}, word_problems.generate, evaluated=400)
        for events in (2, 3, 4, 5)
    ),
    "countdown": (
        *(
            ProblemFamily(
                f"sums_{numbers}",
                {
                    "numbers": numbers,
                    "high": 20,
                    "low_target": 1,
                    "high_target": 20 * numbers,
                    "operators": countdown.SUMS,
                },
                countdown.generate,
                evaluated=400,
            )
            for numbers in (3, 4)
        ),
        ProblemFamily(
            "countdown_3",
            {"numbers": 3, "high": 9, "low_target": 5, "high_target": 45},
            countdown.generate,
            evaluated=400,
        ),
        ProblemFamily(
            "game_of_24",
            {"numbers": 4, "high": 13, "low_target": 24, "high_target": 24},
            countdown.generate,
            evaluated=400,
        ),
    ),
}

PROOF: Mapping[str, tuple[ProblemFamily, ...]] = {
    "inequalities": tuple(
        ProblemFamily(name, {"family": name}, inequalities.generate)
        for name in inequalities.FAMILIES
    ),
}

TIERS: Mapping[str, tuple[ProblemFamily, ...]] = {**SCHOOLING, **DIAL, **PROOF}
"""What may be trained on, in problems other than those of the evaluation."""

_FEW = 32
OUT_OF_DOMAIN: Mapping[str, tuple[ProblemFamily, ...]] = {
    "logic": (
        # Friends alone: of siblings a template does not say who is whose, and the references for
        # colleagues leave out one of two circles.
        ProblemFamily("aiw", {"task_type_weights": (0, 1, 0), "max_entities": 9}, evaluated=_FEW),
        ProblemFamily("self_reference", {"difficulty": 1}, evaluated=_FEW),
        # "All A are B" would make the answer depend on whether there is an A.
        ProblemFamily("syllogism", {"allow_all": False}, evaluated=_FEW),
        ProblemFamily("zebra_puzzles", {"num_people": 3, "num_characteristics": 3}, evaluated=_FEW),
    ),
    "numbers": (
        # In bases up to ten the reference is written in digits alone.
        ProblemFamily("base_conversion", {"max_base": 10, "max_value": 200}, evaluated=_FEW),
        # Of the other tasks one states an end of the wrong year, and two ask yes or no.
        ProblemFamily(
            "calendar_arithmetic",
            {"tasks": ("weekday_offset", "recurring_event_day", "count_days")},
            evaluated=_FEW,
        ),
        ProblemFamily("count_bits", {"max_n": 4095}, evaluated=_FEW),
        ProblemFamily("letter_counting", {"min_words": 5, "max_words": 10}, evaluated=_FEW),
    ),
    "games": (
        ProblemFamily("binary_alternation", {"min_n": 5, "max_n": 10}, evaluated=_FEW),
        ProblemFamily(
            "largest_island",
            {"min_rows": 3, "max_rows": 5, "min_cols": 3, "max_cols": 5, "max_island_size": 6},
            evaluated=_FEW,
        ),
        ProblemFamily(
            "maze",
            {"min_dist": 4, "max_dist": 9, "min_grid_size": 6, "max_grid_size": 7},
            evaluated=_FEW,
        ),
        ProblemFamily("rotten_oranges", {"min_n": 3, "max_n": 4}, evaluated=_FEW),
    ),
}
"""Families of reasoning-gym whose generators no tier of `TIERS` has: what was learnt is tried on
another domain.

Chosen are those with one answer that the checker can judge, written in a text that can be read
without seeing it, and whose references another program finds as well
(`tests/problems/generated/test_out_of_domain.py`).
"""

_EVALUATED = {**TIERS, **OUT_OF_DOMAIN}


def _rows(family: ProblemFamily, seed: int, size: int) -> list[Generated]:
    """Return `size` different problems."""
    # Generators repeat themselves; over-draw, keep the first of each problem. Ours go on for ever,
    # and a game of few problems has to be drawn often.
    drawn = 20 * size if callable(family.generator) else size + size // 2 + 64
    seen: dict[str, Generated] = {}
    for row in islice(_generate(family, seed, drawn), drawn):
        if row.answer or row.verifier:
            seen.setdefault(row.same_as, row)
        if len(seen) == size:
            return list(seen.values())
    raise DataError(
        f"the generator of {family.name!r} gives only {len(seen)} different problems, {size} were "
        "asked for; ask for fewer"
    )


def _generate(family: ProblemFamily, seed: int, size: int) -> Iterator[Generated]:
    seed += family.apart
    if callable(family.generator):
        yield from family.generator(seed, **family.config)
        return
    import reasoning_gym

    name = family.generator or family.name
    for entry in reasoning_gym.create_dataset(name, seed=seed, size=size, **family.config):
        yield Generated(entry["question"].strip(), str(entry["answer"]))


@lru_cache(maxsize=64)
def _eval_rows(tier: str, name: str, size: int) -> tuple[Generated, ...]:
    # Row i of a generator depends on its seed and i alone: a short draw is a prefix of a long one.
    return tuple(_rows(_family(tier, name), SEEDS["eval"], size))


def _family(tier: str, name: str) -> ProblemFamily:
    known = {family.name: family for family in _EVALUATED[tier]}
    if name not in known:
        raise UnknownNameError(f"family of tier {tier!r}", name, known)
    return known[name]


def family_problems(tier: str, name: str, split: Split, size: int) -> list[Problem]:
    """Return the first `size` problems of one family.

    Raises UnknownNameError; DataError: more than the evaluation split has, or a training split of a
    family that is never trained on.
    """
    _refuse(tier, split)
    family = _family(tier, name)
    if split == "eval":
        if size > family.evaluated:
            raise DataError(
                f"the evaluation split of {name!r} has {family.evaluated} problems, "
                f"{size} were asked for"
            )
        rows = list(_eval_rows(tier, name, size))
    else:
        held_out = {row.same_as for row in _eval_rows(tier, name, family.evaluated)}
        drawn = _rows(family, SEEDS["train"], size + len(held_out))
        rows = [row for row in drawn if row.same_as not in held_out][:size]
    return [
        Problem(
            id=f"{split}-{name}-{hashlib.sha256(row.question.encode()).hexdigest()[:12]}",
            question=row.question,
            answer=row.answer,
            benchmark=f"embedded-{tier}" if tier in TIERS else "embedded-out-of-domain",
            verifier=row.verifier,
            level=tier,
            subject=name,
        )
        for row in rows
    ]


def tier_problems(
    tier: str, split: Split, size: int, *, families: tuple[str, ...] | None = None
) -> list[Problem]:
    """Return `size` problems of a tier, its families taking turns, so any prefix is balanced."""
    _refuse(tier, split)
    names = families or tuple(family.name for family in _EVALUATED[tier])
    per_family = -(-size // len(names))
    columns = [family_problems(tier, name, split, per_family) for name in names]
    turns = [problem for turn in zip_longest(*columns) for problem in turn if problem is not None]
    return turns[:size]


def _refuse(tier: str, split: Split) -> None:
    """Raise for a tier that is not there, or that has no such split."""
    if tier not in _EVALUATED:
        raise UnknownNameError("tier of the embedded pool", tier, _EVALUATED)
    if split == "train" and tier not in TIERS:
        raise DataError(
            f"the tier {tier!r} is out of domain, evaluated and never trained on; tiers with a "
            f"training split: {', '.join(TIERS)}"
        )


def load_embedded(name: str, limit: int | None = None) -> list[Problem]:
    """Return an evaluation split: of a pool of `POOLS`, or of `embedded-<tier>`.

    A pool's tiers take turns.
    """
    if name in POOLS:
        return _in_turn(POOLS[name], limit)
    tier = name.removeprefix("embedded-")
    if tier not in TIERS:
        raise UnknownNameError("embedded benchmark", name, embedded_names())
    whole = len(TIERS[tier]) * min(family.evaluated for family in TIERS[tier])
    return tier_problems(tier, "eval", whole if limit is None else min(limit, whole))


POOLS = {
    "embedded": SCHOOLING,
    "embedded-dial": DIAL,
    "embedded-out-of-domain": OUT_OF_DOMAIN,
}
"""Several tiers by one name."""


def _in_turn(tiers: Mapping[str, tuple[ProblemFamily, ...]], limit: int | None) -> list[Problem]:
    """Return the problems of several tiers, which take turns, as many of each."""
    least = min(sum(family.evaluated for family in families) for families in tiers.values())
    whole = len(tiers) * least
    size = whole if limit is None else min(limit, whole)
    columns = [tier_problems(tier, "eval", -(-size // len(tiers))) for tier in tiers]
    return [problem for turn in zip(*columns, strict=True) for problem in turn][:size]


def embedded_names() -> list[str]:
    """Return the benchmark names of the embedded pool."""
    return [*POOLS, *(f"embedded-{tier}" for tier in TIERS)]
