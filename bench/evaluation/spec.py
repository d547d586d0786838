"""A run's specification: what is asked for, what its names stand for, what decides its records.

`Resolved.config` is the configuration that a run directory is bound to: two runs with equal ones
hold equal records. Names are resolved here, problems read and checkpoints found; no model is
loaded: starting the parts is `bench.evaluation.harness`.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from bench.answers import DEFAULT, Conventions
from bench.checkpoints.checkpoint import (
    EMBEDDED,
    Checkpoint,
    checkpoints_dir,
    default_ppm,
    find_checkpoint,
)
from bench.checkpoints.ppm_config import Aggregate, PPMConfig
from bench.engines.opening import engine_for
from bench.engines.policy import SamplingSettings
from bench.errors import BenchError
from bench.inequalities.packages import require_packages
from bench.knobs import Count
from bench.problems import BENCHMARKS, corrected_ids, load
from bench.prompts import template
from bench.runs.header import config_digest
from bench.search import SearchConfig, Selector
from bench.search.registry import SearchEntry, find_search
from bench.types import Problem

log = logging.getLogger(__name__)

PROVED_BY = "certificate"
"""The verifier of problems that a search which decides inequalities can answer."""


@dataclass(frozen=True, slots=True)
class RunSpec:
    """Everything that decides a run's records, but for the concurrency, which must not."""

    benchmark: str
    policy: str | None
    """Name or folder of a checkpoint, or a model of the hub; none: the embedded model, where the
    search asks a policy at all."""
    search: str
    config: SearchConfig | None = None
    """The search's knobs; None stands for its defaults."""
    ppm: str | None = None
    """Name or folder of a PPM; none: that of the policy's round, else the newest published one."""
    engine: str = "auto"
    """Engine that runs the policy; auto: the fastest that is installed and can."""
    template: str | None = None
    """Prompt template of the policy; none: what it was trained with, few-shot if it was not."""
    limit: Count | None = None
    """Only the first so many problems; none: all."""
    errata: bool = True
    """Whether published references that are known to be wrong are corrected."""
    seed: int = 0
    """Run seed."""
    aggregate: Aggregate | None = None
    """How a trajectory's step scores become one number; none: as the PPM's training chose."""
    sampling: SamplingSettings = SamplingSettings()
    conventions: Conventions = DEFAULT
    """How answers are compared with the reference."""


@dataclass(frozen=True, slots=True)
class Resolved:
    """A specification with its names looked up."""

    spec: RunSpec
    entry: SearchEntry
    search_config: SearchConfig
    problems: Sequence[Problem]
    policy: Checkpoint | None
    """None where the search asks none."""
    ppm: Checkpoint | None
    engine: str | None

    @property
    def selectors(self) -> dict[str, Selector]:
        """Those of the search that can choose."""
        return self.entry.choose_by(self.aggregate)

    @property
    def aggregate(self) -> str | None:
        """How scores are aggregated; None where nothing is scored."""
        if self.ppm is None:
            return None
        assert self.ppm.folder is not None, "a PPM has a folder"
        return self.spec.aggregate or PPMConfig.load(self.ppm.folder).aggregate

    @property
    def _search(self) -> dict[str, Any]:
        """What decides how a problem is searched and its answer chosen."""
        given = {"name": self.spec.search, **asdict(self.search_config)}
        if self.entry.uses_ppm:
            given["aggregate"] = self.aggregate
        return {name: value for name, value in given.items() if value is not None}

    @property
    def config(self) -> dict[str, Any]:
        """What decides the records, digests in place of anything that lies on this machine."""
        spec, policy, ppm = self.spec, self.policy, self.ppm
        rows = json.dumps([row_of(problem) for problem in self.problems])
        return {
            "benchmark": {
                "name": spec.benchmark,
                "problems": len(self.problems),
                "sha256": config_digest({"rows": rows}),
                "errata": corrected_ids(self.problems) if spec.errata else "off",
            },
            "policy": None if policy is None else _describe_policy(policy, spec.sampling),
            "ppm": None if ppm is None else {"name": ppm.name, "digest": ppm.digest},
            "search": self._search,
            "engine": self.engine,
            "seed": spec.seed,
            "conventions": asdict(spec.conventions),
        }


def _describe_policy(policy: Checkpoint, sampling: SamplingSettings) -> dict[str, Any]:
    asked = template(policy.template)
    return {
        "name": policy.name,
        "digest": policy.digest,
        "template": policy.template,
        "template_digest": asked.digest,
        "temperature": sampling.temperature_for(asked),
        "step_tokens": sampling.step_tokens,
        "solution_tokens": sampling.solution_tokens,
    }


def row_of(problem: Problem) -> list[Any]:
    """Return what of a problem decides its record."""
    row: list[Any] = [problem.id, problem.question, problem.answer, *problem.alternatives]
    return row if problem.verifier is None else [*row, asdict(problem.verifier)]


def resolve(spec: RunSpec, problems: Sequence[Problem] | None = None) -> Resolved:
    """Look up every name of a specification and read its problems, unless they are given.

    Raises BenchError: an unknown name, absent data, a search without the PPM it needs, or one that
    decides statements for other problems.
    """
    entry = find_search(spec.search)
    config = entry.config() if spec.config is None else spec.config
    if not isinstance(config, entry.config):
        raise BenchError(
            f"the search {spec.search!r} takes {entry.config.__name__}, not {config!r}; give it "
            f"as RunSpec.config, or leave it out"
        )
    if problems is None:
        problems = load(spec.benchmark, limit=spec.limit, errata=spec.errata)
    if entry.decides:
        require_packages(f"the search {spec.search!r}")
        _require_statements(spec, problems)
    if not entry.asks_policy:
        _refuse_models(spec)
        return Resolved(spec, entry, config, problems, policy=None, ppm=None, engine=None)
    policy = find_checkpoint(spec.policy or EMBEDDED, "policy")
    if spec.template is not None:
        policy = policy.prompted(template(spec.template).name)
    engine = engine_for(policy, spec.engine)
    ppm = _ppm(spec, entry, policy)
    return Resolved(spec, entry, config, problems, policy, ppm, engine)


def _refuse_models(spec: RunSpec) -> None:
    """Refuse what only a search with a policy would heed."""
    for option in ("policy", "ppm", "template", "aggregate"):
        if getattr(spec, option) is not None:
            raise BenchError(f"the search {spec.search!r} asks no model; leave --{option} out")


def _require_statements(spec: RunSpec, problems: Sequence[Problem]) -> None:
    graded = {None if each.verifier is None else each.verifier.name for each in problems}
    if graded - {PROVED_BY}:
        known = sorted(name for name, entry in BENCHMARKS.items() if entry.verifier == PROVED_BY)
        raise BenchError(
            f"the search {spec.search!r} decides inequalities, and {spec.benchmark!r} holds other "
            f"problems; choose one of {', '.join(known)} and embedded-inequalities"
        )


def _ppm(spec: RunSpec, entry: SearchEntry, policy: Checkpoint) -> Checkpoint | None:
    if not entry.uses_ppm:
        if spec.ppm is not None:
            raise BenchError(f"the search {spec.search!r} uses no PPM; leave --ppm out")
        return None
    if spec.ppm is not None:
        return find_checkpoint(spec.ppm, "ppm")
    ppm = default_ppm(policy)
    if ppm is not None:
        log.info("no --ppm given: using %s", ppm.name)
    elif entry.needs_ppm:
        raise BenchError(
            f"the search {spec.search!r} needs a PPM, and none is published under "
            f"{checkpoints_dir()}. Give one with --ppm FOLDER, or train one: "
            "rstar-train evolve --recipe smollm2-cpu --rounds 1"
        )
    return ppm
