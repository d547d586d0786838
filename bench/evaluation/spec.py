"""A run's specification: what is asked for, what its names stand for, what decides its records.

`Resolved.config` is the configuration that a run directory is bound to: two runs with equal ones
hold equal records. Names are resolved here, problems read and checkpoints found; no model is
loaded: starting the parts is `bench.evaluation.harness`.
"""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cache
from typing import Any

from bench.answers import DEFAULT, Conventions
from bench.checkpoints.checkpoint import (
    EMBEDDED,
    UNTRAINED,
    Checkpoint,
    checkpoints_dir,
    default_ppm,
    describe_reading,
    find_checkpoint,
    published_checkpoints,
    served_checkpoint,
)
from bench.checkpoints.ppm_config import Aggregate
from bench.checkpoints.reward import find_reading
from bench.checkpoints.weights import require_tokenizer, tokenizer_digest
from bench.engines.base import Precision
from bench.engines.opening import (
    AUTO,
    ENGINES,
    SCORERS,
    SERVER,
    ScorerSettings,
    check_precision,
    engine_for,
    require_engine,
    require_scorer,
    scorer_for,
)
from bench.engines.policy import SamplingSettings
from bench.errors import BenchError, CheckpointError, UnknownNameError
from bench.inequalities.packages import require_packages, require_z3
from bench.knobs import Count, Seed
from bench.problems import BENCHMARKS, corrected_ids, load
from bench.prompts import Format, template
from bench.prompts.plans import FEW_SHOT_PLANS
from bench.search import CPL, PlanGreedy, PlanSampling, SearchConfig, Selector
from bench.search.inequalities import Deciding
from bench.search.registry import SEARCHES, SearchEntry, find_search
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
    """Engine that runs the policy; auto: the fastest that is installed and can; server: asks
    servers (--base-url), which have the policy under its name."""
    template: str | None = None
    """Prompt template of the policy; none: what it was trained with, few-shot if it was not."""
    limit: Count | None = None
    """Only the first so many problems; none: all."""
    errata: bool = True
    """Whether published references that are known to be wrong are corrected."""
    seed: Seed = 0
    """Run seed."""
    aggregate: Aggregate | None = None
    """How a trajectory's step scores become one number; none: as the PPM's training chose."""
    sampling: SamplingSettings = SamplingSettings()
    conventions: Conventions = DEFAULT
    """How answers are compared with the reference."""
    ppm_engine: str = AUTO
    """Engine that runs the PPM: invariant; transformers; vllm, in this process; server: asks
    servers of vLLM's pooling (--ppm-url), which have the PPM under its name; auto: invariant where
    it is installed and can, else transformers."""
    batch_scores: bool = False
    """Whether passes of the PPM for several searches may be one, on transformers: scores then
    depend, in their last digits, on what is searched beside them."""
    precision: Precision | None = None
    """What products are computed in, where the engine can be told; none: of invariant, bf16 where
    the processor has it and texts depend on the request alone, else f32."""


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
        return self.spec.aggregate or find_reading(self.ppm.folder, self.ppm.name).aggregate

    @property
    def scorer(self) -> ScorerSettings:
        """How the PPM is run, but for where its servers are."""
        batched = self.spec.batch_scores
        return ScorerSettings(scorer_for(self.ppm, self.spec.ppm_engine, batched=batched), batched)

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
        return {
            "benchmark": {
                "name": spec.benchmark,
                "problems": len(self.problems),
                "sha256": digest_problems(self.problems),
                "errata": corrected_ids(self.problems) if spec.errata else "off",
            },
            "policy": None if policy is None else _describe_policy(policy, spec.sampling),
            "ppm": None
            if ppm is None
            else {
                "name": ppm.name,
                "digest": ppm.digest,
                **describe_reading(ppm),
                **self.scorer.describe(),
            },
            "search": self._search,
            "engine": self.engine,
            **({"precision": spec.precision} if spec.precision else {}),
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


def digest_problems(problems: Sequence[Problem]) -> str:
    """Return what identifies these problems, in their order, and what they are graded by."""
    # As `config_digest({"rows": json.dumps([row_of(problem) for problem in problems])})`, without
    # three copies of a million problems.
    hasher = hashlib.sha256(b'{"rows":"[')
    for number, problem in enumerate(problems):
        row = (", " if number else "") + json.dumps(row_of(problem))
        hasher.update(json.dumps(row)[1:-1].encode())
    hasher.update(b']"}')
    return f"sha256:{hasher.hexdigest()}"


def row_of(problem: Problem) -> list[Any]:
    """Return what of a problem decides its record."""
    row: list[Any] = [problem.id, problem.question, problem.answer, *problem.alternatives]
    return row if problem.verifier is None else [*row, asdict(problem.verifier)]


def resolve(spec: RunSpec, problems: Sequence[Problem] | None = None) -> Resolved:
    """Look up every name of a specification and read its problems, unless they are given.

    Raises BenchError: an unknown name, absent data, a search without the PPM it needs, with a
    policy or a PPM that writes or reads another format, or with an engine that is not installed or
    does not tell what it goes by; or one that decides statements for other problems.
    """
    entry = find_search(spec.search)
    if spec.ppm_engine not in (AUTO, *SCORERS):
        raise UnknownNameError("PPM engine", spec.ppm_engine, (AUTO, *SCORERS))
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
        if isinstance(config, Deciding) and config.z3_seconds:
            require_z3(f"z3_seconds of the search {spec.search!r}")
        _require_statements(spec, problems)
    if not entry.asks_policy:
        _refuse_models(spec)
        return Resolved(spec, entry, config, problems, policy=None, ppm=None, engine=None)
    policy = _policy(spec, entry, config)
    engine = engine_for(policy, spec.engine)
    check_precision(engine, spec.precision)
    require_engine(engine)
    require_tokenizer(policy)
    if entry.needs_logprobs and not ENGINES[engine].tells_logprobs:
        telling = [name for name, each in ENGINES.items() if each.tells_logprobs]
        raise BenchError(
            f"the search {spec.search!r} goes by the probabilities of steps, which the engine "
            f"{engine!r} does not tell; choose one of {', '.join(telling)}"
        )
    ppm = _ppm(spec, entry, policy)
    resolved = Resolved(spec, entry, config, problems, policy, ppm, engine)
    if ppm is not None:
        require_scorer(resolved.scorer)
        require_tokenizer(ppm)
        SCORERS[resolved.scorer.engine].require(ppm)
    return resolved


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


def _policy(spec: RunSpec, entry: SearchEntry, config: SearchConfig) -> Checkpoint:
    """Return the policy, asked in a template of the search's format."""
    policy = find_policy(spec)
    if spec.template is not None:
        policy = policy.prompted(template(spec.template).name)
    elif policy.template == UNTRAINED and isinstance(config, CPL | PlanGreedy | PlanSampling):
        policy = policy.prompted(FEW_SHOT_PLANS[config.solutions].name)
    written = template(policy.template).format
    if written != entry.format and not entry.decides:
        fitting = [name for name, each in SEARCHES.items() if each.format == written]
        raise BenchError(
            f"the search {spec.search!r} reads {entry.format}, and in the template "
            f"{policy.template!r} the policy {policy.name!r} writes {written}; choose another "
            f"policy or --template, or a search of {written}: {', '.join(fitting)}"
        )
    return policy


def find_policy(spec: RunSpec) -> Checkpoint:
    """Return the policy that a specification names. Raises BenchError, as `find_checkpoint`."""
    if spec.engine != SERVER:
        return find_checkpoint(EMBEDDED if spec.policy is None else spec.policy, "policy")
    if spec.policy is None:
        raise BenchError(
            "--engine server needs --policy NAME: what the server calls the model, as it lists it "
            "under /v1/models"
        )
    return served_checkpoint(spec.policy)


@cache
def _tell_default(name: str) -> None:
    """Say which PPM is used; once, however many runs a sweep makes of it."""
    log.info("no --ppm given: using %s", name)


def _ppm(spec: RunSpec, entry: SearchEntry, policy: Checkpoint) -> Checkpoint | None:
    if not entry.uses_ppm:
        if spec.ppm is not None:
            raise BenchError(f"the search {spec.search!r} uses no PPM; leave --ppm out")
        return None
    if spec.ppm is not None:
        ppm = find_checkpoint(spec.ppm, "ppm")
        _require_fit(spec, entry, policy, ppm)
        return ppm
    found = _find_default(policy, entry.format)
    if found is not None:
        _tell_default(found.name)
        _require_fit(spec, entry, policy, found)
        return found
    if entry.needs_ppm:
        raise BenchError(
            f"the search {spec.search!r} needs a PPM that reads {entry.format}, and none is "
            f"published under {checkpoints_dir()}. Give one with --ppm FOLDER, or train one: "
            f"rstar-train evolve --recipe {_RECIPES[entry.format]} --rounds 1"
        )
    return None


_RECIPES: Mapping[Format, str] = {"steps": "smollm2-cpu", "plans": "cpl-smollm2"}
"""Recipes that train a PPM of each format."""


def _find_default(policy: Checkpoint, wanted: Format) -> Checkpoint | None:
    """Return the PPM that a policy goes with, else the newest published, of the wanted format."""
    own = default_ppm(policy)
    if own is None or _format_of(own) == wanted:
        return own
    for name in reversed(published_checkpoints("ppm")):
        ppm = find_checkpoint(name, "ppm")
        if _format_of(ppm) == wanted:
            return ppm
    return None


def _format_of(ppm: Checkpoint) -> Format:
    assert ppm.folder is not None, "a PPM has a folder"
    return find_reading(ppm.folder, ppm.name).format


def _require_fit(spec: RunSpec, entry: SearchEntry, policy: Checkpoint, ppm: Checkpoint) -> None:
    """Refuse a PPM of another format; and one of another model, where it is to be a copy of it."""
    read = _format_of(ppm)
    if read != entry.format:
        raise CheckpointError(
            f"the search {spec.search!r} searches {entry.format}, and the PPM {ppm.name!r} was "
            f"trained on {read}; give one that was trained on {entry.format}"
        )
    tokenizers = {tokenizer_digest(policy), tokenizer_digest(ppm)} - {None}
    if entry.format == "plans" and len(tokenizers) > 1:
        raise CheckpointError(
            f"the value model {ppm.name!r} has another tokenizer than the policy {policy.name!r}, "
            "of whose base it is to be a copy; give one that was trained from that base"
        )
