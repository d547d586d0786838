"""A run's specification: what is asked for, what its names stand for, what decides its records.

`run_config` is the configuration that a run directory is bound to: two runs with equal ones hold
equal records. Names are resolved here and checkpoints found, but nothing is loaded: starting the
parts is `bench.harness`.
"""

from __future__ import annotations

import importlib.util
import json
import logging
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from bench.engines import checkpoints
from bench.errors import BenchError, UnknownNameError
from bench.prompts import template
from bench.provenance import config_digest
from bench.runner import Selector
from bench.search import best, first, majority
from bench.types import Problem

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class RunSpec:
    """Everything that decides a run's records, but for the concurrency, which must not."""

    benchmark: str
    policy: str
    search: str
    ppm: str | None = None
    """Name or folder of a PPM; None chooses the newest published one where a search wants one."""
    engine: str = "auto"
    limit: int | None = None
    seed: int = 0
    n: int = 8
    """Samples per problem (sample, majority, best_of_n)."""
    rollouts: int = 8
    candidates: int = 4
    max_depth: int = 16
    c: float = 2.0
    temperature: float = 1.0
    step_tokens: int = 96
    solution_tokens: int = 320


@dataclass(frozen=True, slots=True)
class SearchKind:
    """What a search's name on the command line stands for."""

    budget: tuple[str, ...]
    """The fields of a specification that the search reads; no others reach its configuration."""
    selectors: Mapping[str, Selector]
    uses_ppm: bool = False
    needs_ppm: bool = False


SEARCHES: Mapping[str, SearchKind] = {
    "greedy": SearchKind((), {"greedy": first}),
    "sample": SearchKind(("n",), {"majority": majority, "best_of_n": best}, uses_ppm=True),
    "majority": SearchKind(("n",), {"majority": majority}),
    "best_of_n": SearchKind(("n",), {"best_of_n": best}, uses_ppm=True, needs_ppm=True),
    "mcts": SearchKind(
        ("rollouts", "candidates", "max_depth", "c"), {"mcts": best}, uses_ppm=True, needs_ppm=True
    ),
}
"""Searches by name. `sample` answers by majority and, given a PPM, by best-of-N too."""

ENGINES = ("auto", "openvino", "transformers")


def resolve_search(name: str) -> SearchKind:
    """Return what a search's name stands for. Raises UnknownNameError."""
    if name not in SEARCHES:
        raise UnknownNameError("search", name, SEARCHES)
    return SEARCHES[name]


def resolve_engine(name: str) -> str:
    """Return the engine's name, for "auto" the one that is installed. Raises UnknownNameError."""
    if name not in ENGINES:
        raise UnknownNameError("engine", name, ENGINES)
    if name != "auto":
        return name
    return "openvino" if importlib.util.find_spec("openvino_genai") else "transformers"


def resolve_ppm(spec: RunSpec, kind: SearchKind) -> checkpoints.Checkpoint | None:
    """Return the PPM that the search is given, or None for none. Raises BenchError."""
    if not kind.uses_ppm:
        if spec.ppm is not None:
            raise BenchError(f"the search {spec.search!r} uses no PPM; leave --ppm out")
        return None
    if spec.ppm is not None:
        return checkpoints.find(spec.ppm, "ppm")
    published = list(checkpoints.known("ppm"))
    if not published:
        if kind.needs_ppm:
            raise BenchError(
                f"the search {spec.search!r} needs a PPM, and none is published under "
                f"{checkpoints.checkpoints_dir()}. Give one with --ppm FOLDER, or train one: "
                "rstar-train evolve --recipe smollm2-cpu --rounds 1"
            )
        return None
    log.info("no --ppm given: using the newest published one, %s", published[-1])
    return checkpoints.find(published[-1], "ppm")


def run_config(
    spec: RunSpec,
    kind: SearchKind,
    problems: list[Problem],
    policy: checkpoints.Checkpoint,
    ppm: checkpoints.Checkpoint | None,
    engine: str,
) -> dict[str, Any]:
    """Return what decides the records, digests in place of anything that lies on this machine."""
    questions = json.dumps([[p.id, p.question, p.answer] for p in problems])
    return {
        "benchmark": {
            "name": spec.benchmark,
            "problems": len(problems),
            "sha256": config_digest({"rows": questions}),
        },
        "policy": {
            "name": policy.name,
            "digest": policy.digest,
            "template": policy.template,
            "template_digest": template(policy.template).digest,
            "temperature": spec.temperature,
            "step_tokens": spec.step_tokens,
            "solution_tokens": spec.solution_tokens,
        },
        "ppm": None if ppm is None else {"name": ppm.name, "digest": ppm.digest},
        "search": {"name": spec.search, **{k: asdict(spec)[k] for k in kind.budget}},
        "engine": engine,
        "seed": spec.seed,
    }
