"""A run's specification: what is asked for, what its names stand for, what decides its records.

`Resolved.config` is the configuration that a run directory is bound to: two runs with equal ones
hold equal records. Names are resolved here, problems read and checkpoints found; no model is
loaded: starting the parts is `bench.evaluation.harness`.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from functools import partial
from typing import Any, Protocol

from bench.answers import DEFAULT, Conventions
from bench.checkpoints.checkpoint import Checkpoint, checkpoints_dir, default_ppm, find_checkpoint
from bench.engines.opening import engine_for
from bench.errors import BenchError, UnknownNameError
from bench.problems import corrected_ids, load
from bench.prompts import template
from bench.runs.header import config_digest
from bench.search import (
    AGGREGATES,
    Finished,
    best,
    first,
    majority,
    rules_named,
    top_majority,
    weighted,
)
from bench.search.selection import Selector
from bench.types import Problem

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class RunSpec:
    """Everything that decides a run's records, but for the concurrency, which must not."""

    benchmark: str
    policy: str
    """Name or folder of a checkpoint, or a model of the hub."""
    search: str
    ppm: str | None = None
    """Name or folder of a PPM; None: that of the policy's round, else the newest published one."""
    engine: str = "auto"
    template: str | None = None
    """Prompt template of the policy; None: what it was trained with, few-shot if it was not."""
    limit: int | None = None
    errata: bool = True
    """Whether published references that are known to be wrong are corrected."""
    seed: int = 0
    n: int = 8
    """Samples per problem (sample, majority, best_of_n, weighted), or subtrees (dvts)."""
    rollouts: int = 8
    candidates: int = 4
    max_depth: int = 16
    c: float = 2.0
    rules: str = "paper"
    """Rule set of mcts and beam (`bench.search.rules`)."""
    beam_width: int = 4
    tokens: int | None = None
    """Generated tokens of a problem after which samples and mcts begin nothing new."""
    lookahead: int = 1
    """Greedy steps beyond a candidate by which `lookahead` judges it."""
    aggregate: str = "last"
    """How step scores become a trajectory's, where a selector goes by scores."""
    temperature: float | None = None
    """Of every sample; none: what the policy's prompt template says."""
    step_tokens: int = 96
    solution_tokens: int = 320
    conventions: Conventions = DEFAULT
    """How answers are compared with the reference."""


class ScoredSelector(Protocol):
    """A selector that goes by step scores; `aggregate` names how they become one number."""

    def __call__(self, samples: Sequence[Finished], aggregate: str = ...) -> int | None:
        """Return the index of the chosen trajectory."""
        ...


@dataclass(frozen=True, slots=True)
class SearchKind:
    """What a search's name on the command line stands for."""

    budget: tuple[str, ...]
    """The fields of a specification that the search reads; no others reach its configuration."""
    selectors: Mapping[str, Selector]
    by_score: Mapping[str, ScoredSelector] = field(default_factory=dict)
    """Selectors that need a PPM, and go by its scores aggregated as the specification says."""
    uses_ppm: bool = False
    needs_ppm: bool = False


_SAMPLED = ("n", "tokens")
_BEAM = ("beam_width", "candidates", "max_depth")

SEARCHES: Mapping[str, SearchKind] = {
    "greedy": SearchKind((), {"greedy": first}),
    "sample": SearchKind(
        _SAMPLED, {"majority": majority}, {"best_of_n": best, "weighted": weighted}, uses_ppm=True
    ),
    "majority": SearchKind(_SAMPLED, {"majority": majority}),
    "best_of_n": SearchKind(_SAMPLED, {}, {"best_of_n": best}, uses_ppm=True, needs_ppm=True),
    "weighted": SearchKind(_SAMPLED, {}, {"weighted": weighted}, uses_ppm=True, needs_ppm=True),
    "beam": SearchKind((*_BEAM, "rules"), {}, {"beam": best}, uses_ppm=True, needs_ppm=True),
    "lookahead": SearchKind(
        (*_BEAM, "lookahead"), {}, {"lookahead": best}, uses_ppm=True, needs_ppm=True
    ),
    "dvts": SearchKind(
        ("n", "candidates", "max_depth"), {}, {"dvts": best}, uses_ppm=True, needs_ppm=True
    ),
    "mcts": SearchKind(
        ("rollouts", "tokens", "candidates", "max_depth", "c", "rules"),
        {},
        {"mcts": best, "mcts_top_k": top_majority},
        uses_ppm=True,
        needs_ppm=True,
    ),
}
"""Searches by name. `sample` answers by majority and, given a PPM, by best-of-N and weighted vote;
`mcts` by the paper's final rule and by the official scripts', a vote among the best valued."""


@dataclass(frozen=True, slots=True)
class Resolved:
    """A specification with its names looked up."""

    spec: RunSpec
    kind: SearchKind
    problems: Sequence[Problem]
    policy: Checkpoint
    ppm: Checkpoint | None
    engine: str

    @property
    def selectors(self) -> dict[str, Selector]:
        """Those of the search that can choose."""
        return selectors(self.spec.search, self.spec.aggregate if self.ppm is not None else None)

    @property
    def _deciding(self) -> tuple[str, ...]:
        """The specification's fields that decide what is searched and chosen."""
        given = [name for name in self.kind.budget if getattr(self.spec, name) is not None]
        return (*given, *(("aggregate",) if self.kind.by_score and self.ppm else ()))

    @property
    def temperature(self) -> float:
        """At which candidates and samples are drawn."""
        if self.spec.temperature is not None:
            return self.spec.temperature
        return template(self.policy.template).temperature

    @property
    def config(self) -> dict[str, Any]:
        """What decides the records, digests in place of anything that lies on this machine."""
        spec, policy, ppm = self.spec, self.policy, self.ppm
        rows = json.dumps([[p.id, p.question, p.answer, *p.alternatives] for p in self.problems])
        return {
            "benchmark": {
                "name": spec.benchmark,
                "problems": len(self.problems),
                "sha256": config_digest({"rows": rows}),
                "errata": corrected_ids(self.problems) if spec.errata else "off",
            },
            "policy": {
                "name": policy.name,
                "digest": policy.digest,
                "template": policy.template,
                "template_digest": template(policy.template).digest,
                "temperature": self.temperature,
                "step_tokens": spec.step_tokens,
                "solution_tokens": spec.solution_tokens,
            },
            "ppm": None if ppm is None else {"name": ppm.name, "digest": ppm.digest},
            "search": {"name": spec.search, **{k: asdict(spec)[k] for k in self._deciding}},
            "engine": self.engine,
            "seed": spec.seed,
            "conventions": asdict(spec.conventions),
        }


def resolve(spec: RunSpec, problems: Sequence[Problem] | None = None) -> Resolved:
    """Look up every name of a specification and read its problems, unless they are given.

    Raises BenchError: an unknown name, absent data, a search without the PPM it needs.
    """
    if spec.search not in SEARCHES:
        raise UnknownNameError("search", spec.search, SEARCHES)
    kind = SEARCHES[spec.search]
    rules_named(spec.rules)
    if spec.aggregate not in AGGREGATES:
        raise UnknownNameError("aggregation of step scores", spec.aggregate, AGGREGATES)
    if problems is None:
        problems = load(spec.benchmark, limit=spec.limit, errata=spec.errata)
    policy = find_checkpoint(spec.policy, "policy")
    if spec.template is not None:
        policy = policy.prompted(template(spec.template).name)
    engine = engine_for(policy, spec.engine)
    return Resolved(spec, kind, problems, policy, _ppm(spec, kind, policy), engine)


def selectors(search: str, aggregate: str | None) -> dict[str, Selector]:
    """Return a search's selectors; those that go by a PPM's scores where an aggregate is given.

    Raises UnknownNameError.
    """
    if search not in SEARCHES:
        raise UnknownNameError("search", search, SEARCHES)
    kind = SEARCHES[search]
    chosen = dict(kind.selectors)
    if aggregate is not None:
        for name, selector in kind.by_score.items():
            chosen[name] = partial(selector, aggregate=aggregate)
    return chosen


def _ppm(spec: RunSpec, kind: SearchKind, policy: Checkpoint) -> Checkpoint | None:
    if not kind.uses_ppm:
        if spec.ppm is not None:
            raise BenchError(f"the search {spec.search!r} uses no PPM; leave --ppm out")
        return None
    if spec.ppm is not None:
        return find_checkpoint(spec.ppm, "ppm")
    ppm = default_ppm(policy)
    if ppm is not None:
        log.info("no --ppm given: using %s", ppm.name)
    elif kind.needs_ppm:
        raise BenchError(
            f"the search {spec.search!r} needs a PPM, and none is published under "
            f"{checkpoints_dir()}. Give one with --ppm FOLDER, or train one: "
            "rstar-train evolve --recipe smollm2-cpu --rounds 1"
        )
    return ppm
