"""Searches by name: the function, its settings, and the selectors that choose its answer.

A new search is a module with a settings class and a function, and one entry here. The options of
`rstar-bench`, the arguments of the lm-eval model, the recipes and the reports read this registry.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache, partial
from typing import Any, Protocol

from bench.engines.base import Policy, StepScorer
from bench.errors import BenchError, UnknownNameError
from bench.knobs import Knob, Use, knobs_of
from bench.plugins import Registry
from bench.prompts import Format
from bench.sandbox import Sandbox
from bench.search.abmcts import ABMCTS, ab_mcts
from bench.search.beam import Beam, Lookahead, lookahead, step_beam
from bench.search.branching import Branching, branch
from bench.search.consistency import Consistency, sample_until_sure
from bench.search.dvts import DVTS, dvts
from bench.search.efficient import efficient_beam, efficient_mcts
from bench.search.inequalities import (
    Closers,
    Decide,
    Deciding,
    Provers,
    decide_by_closers,
    search_by_deciding,
)
from bench.search.lips import ABLATIONS, Lips, decide_by_lips, lips_policy
from bench.search.mcts import MCTS, mcts
from bench.search.official.beam import official_beam
from bench.search.official.mcts import official_mcts
from bench.search.particles import Particles, particle_filter
from bench.search.plans import (
    CPL,
    CPLSolution,
    PlanGreedy,
    PlanSampling,
    plan_greedy,
    plan_mcts,
    plan_sample,
    solution_mcts,
)
from bench.search.rebase import Rebase, rebase
from bench.search.sampling import Greedy, Sampling, greedy, sample
from bench.search.selection import (
    Finished,
    Selector,
    select_best,
    select_first,
    select_likely,
    select_majority,
    select_probable,
    select_top_majority,
    select_weighted,
)
from bench.search.settings import SearchConfig
from bench.search.tree import Trace
from bench.types import Problem

SearchFunction = Callable[..., Awaitable[Trace]]
"""`search(problem, policy, sandbox, *, config, seed)`, and `scorer` where it goes by a PPM; or,
where it asks no policy, `search(problem, *, provers, config, seed)`."""


class SeededSearch(Protocol):
    """A search that takes its run seed with each problem."""

    def __call__(self, problem: Problem, *, seed: int) -> Awaitable[Trace]:
        """Search one problem."""
        ...


class ScoredSelector(Protocol):
    """A selector that goes by step scores; `aggregate` names how they become one number."""

    def __call__(self, samples: Sequence[Finished], aggregate: str = ...) -> int | None:
        """Return the index of the chosen trajectory."""
        ...


@dataclass(frozen=True, slots=True)
class SearchEntry:
    """What a search's name stands for."""

    function: SearchFunction
    config: type[SearchConfig]
    selectors: Mapping[str, Selector] = field(default_factory=dict)
    by_score: Mapping[str, ScoredSelector] = field(default_factory=dict)
    """Selectors that need a PPM, and go by its scores."""
    by_rules: Mapping[str, SearchFunction] = field(default_factory=dict)
    """The functions of other rules than the paper's, where the settings have a knob `rules`."""
    asks_policy: bool = True
    """Whether it needs a model; one that does not runs no programs either."""
    decides: bool = False
    """Whether it decides inequalities, and nothing else."""
    format: Format = "steps"
    """What the policy writes for it, and the PPM reads."""
    needs_logprobs: bool = False
    """Whether it goes by the policy's probabilities."""
    ends_each: bool = True
    """Whether each of what `counts` counts leaves one rollout on the clock; an iteration of CPL
    leaves none, or several."""

    @property
    def knobs(self) -> Mapping[str, Knob]:
        """The knobs of the search by name."""
        return knobs_of(self.config)  # type: ignore[arg-type]  # a dataclass is hashable

    @property
    def counts(self) -> str | None:
        """The knob that counts rollouts, iterations, samples or subtrees, and names a run."""
        both = {Use.BUDGET, Use.LABEL}
        return next((name for name, knob in self.knobs.items() if both <= knob.uses), None)

    @property
    def prefix_knob(self) -> str | None:
        """The knob by whose number a run may be cut, so that it is the smaller search."""
        return self.counts if self.ends_each else None

    @property
    def uses_ppm(self) -> bool:
        """Whether a PPM changes what is searched or chosen."""
        return bool(self.by_score)

    @property
    def is_sampling(self) -> bool:
        """Whether its trajectories are independent samples, whatever chooses among them."""
        return self.function in (sample, plan_sample)

    @property
    def is_greedy(self) -> bool:
        """Whether it takes the likeliest token each time, at no temperature."""
        return self.function in (greedy, plan_greedy)

    @property
    def is_ordered_late(self) -> bool:
        """Whether its parts grow side by side, so that its clock is in order only at its end."""
        return self.is_sampling or self.function is dvts

    @property
    def needs_ppm(self) -> bool:
        """Whether nothing can be chosen without a PPM."""
        return not self.selectors

    def choose_by(self, aggregate: str | None) -> dict[str, Selector]:
        """Return the selectors by name; those that go by scores where an aggregate is given."""
        chosen = dict(self.selectors)
        if aggregate is not None:
            for name, selector in self.by_score.items():
                chosen[name] = partial(selector, aggregate=aggregate)
        return chosen

    def bind(
        self, config: SearchConfig, policy: Policy, sandbox: Sandbox, scorer: StepScorer | None
    ) -> SeededSearch:
        """Return the search with its settings and its parts, ready for problems."""
        assert self.asks_policy
        function = self.by_rules.get(getattr(config, "rules", ""), self.function)
        parts: dict[str, Any] = {"policy": policy, "sandbox": sandbox, "config": config}
        if self.uses_ppm:
            parts["scorer"] = scorer
        return partial(function, **parts)

    def bind_provers(self, config: SearchConfig, provers: Provers) -> SeededSearch:
        """Return a search that asks no policy, ready for problems."""
        assert not self.asks_policy
        return partial(self.function, config=config, provers=provers)


def _prover(name: str, decide: Decide, config: type[Deciding]) -> SearchEntry:
    """Return the entry of a search that decides statements."""
    function = partial(search_by_deciding, name=name, decide=decide)
    return SearchEntry(function, config, {name: select_first}, asks_policy=False, decides=True)


def _clash(part: SearchEntry, others: Mapping[str, SearchEntry]) -> str | None:
    """Say which knob of a package's search has another default in a search that is there."""
    for name, knob in part.knobs.items():
        for other, entry in others.items():
            held = entry.knobs.get(name)
            if held is not None and (held.kind, held.default) != (knob.kind, knob.default):
                return (
                    f"has a knob {name} that is {knob.default} unless told otherwise, and in "
                    f"{other!r} it is {held.default}; one option cannot be both, so call it "
                    "something else"
                )
    return None


SEARCHES: Registry[SearchEntry] = Registry(
    "searches",
    SearchEntry,
    {
        "greedy": SearchEntry(greedy, Greedy, {"greedy": select_first}),
        "sample": SearchEntry(
            sample,
            Sampling,
            {"majority": select_majority},
            {"best_of_n": select_best, "weighted": select_weighted},
        ),
        "majority": SearchEntry(sample, Sampling, {"majority": select_majority}),
        "best_of_n": SearchEntry(sample, Sampling, by_score={"best_of_n": select_best}),
        "weighted": SearchEntry(sample, Sampling, by_score={"weighted": select_weighted}),
        "beam": SearchEntry(
            step_beam,
            Beam,
            by_score={"beam": select_best},
            by_rules={"official": official_beam, "efficient": efficient_beam},
        ),
        "lookahead": SearchEntry(lookahead, Lookahead, by_score={"lookahead": select_best}),
        "dvts": SearchEntry(dvts, DVTS, by_score={"dvts": select_best}),
        "mcts": SearchEntry(
            mcts,
            MCTS,
            by_score={
                "mcts": select_best,
                "mcts_top_k": select_top_majority,
                "mcts_weighted": select_weighted,
                "mcts_likely": select_likely,
            },
            by_rules={"official": official_mcts, "efficient": efficient_mcts},
        ),
        "abmcts": SearchEntry(
            ab_mcts,
            ABMCTS,
            by_score={
                "abmcts": select_best,
                "abmcts_weighted": select_weighted,
                "abmcts_likely": select_likely,
            },
        ),
        "rebase": SearchEntry(
            rebase, Rebase, by_score={"rebase": select_weighted, "rebase_best": select_best}
        ),
        "particles": SearchEntry(
            particle_filter,
            Particles,
            by_score={"particles": select_best, "particles_weighted": select_weighted},
        ),
        "consistency": SearchEntry(
            sample_until_sure, Consistency, {"consistency": select_majority}
        ),
        "branch": SearchEntry(
            branch,
            Branching,
            {"branch": select_probable, "branch_majority": select_majority},
            needs_logprobs=True,
        ),
        "plan_greedy": SearchEntry(
            plan_greedy, PlanGreedy, {"plan_greedy": select_first}, format="plans"
        ),
        "plan_sample": SearchEntry(
            plan_sample,
            PlanSampling,
            {"plan_majority": select_majority},
            {"plan_best_of_n": select_best, "plan_weighted": select_weighted},
            format="plans",
        ),
        "cpl": SearchEntry(
            plan_mcts,
            CPL,
            by_score={
                "cpl": select_best,
                "cpl_weighted": select_weighted,
                "cpl_likely": select_likely,
            },
            format="plans",
            needs_logprobs=True,
            ends_each=False,
        ),
        "cpl_solution": SearchEntry(
            solution_mcts,
            CPLSolution,
            by_score={
                "cpl_solution": select_best,
                "cpl_solution_weighted": select_weighted,
                "cpl_solution_likely": select_likely,
            },
            needs_logprobs=True,
            ends_each=False,
        ),
        "closers": _prover("closers", decide_by_closers, Closers),
        **{name: _prover(name, partial(decide_by_lips, name=name), Lips) for name in ABLATIONS},
        "lips_policy": SearchEntry(lips_policy, Lips, {"lips_policy": select_first}, decides=True),
    },
    unfit=_clash,
)
"""`sample` answers by majority and, given a PPM, by best-of-N and weighted vote; `mcts` by the
paper's final rule, by the official scripts', a vote among the best valued, and by two votes of all:
weighted by the PPM, and by the policy's probability as well; `cpl` by the best value and by those
two votes, as does `abmcts`. `rebase` answers by the weighted vote and `particles` by the best
value, as their papers do. `consistency` and `branch` ask no PPM. `closers` and `lips` prove
inequalities."""


def find_search(name: str, kind: str = "search") -> SearchEntry:
    """Return a search by name; `kind` is what the name is called. Raises UnknownNameError."""
    if name not in SEARCHES:
        raise UnknownNameError(kind, name, SEARCHES)
    return SEARCHES[name]


def configure(search: str, given: Mapping[str, Any]) -> SearchConfig:
    """Return a search's settings from knobs by name, of the right types; the rest are defaults.

    Raises UnknownNameError; BenchError: the search has no such knob.
    """
    entry = find_search(search)
    for name in given:
        if name not in entry.knobs:
            raise BenchError(
                f"the search {search!r} does not use {name}; it uses "
                f"{', '.join(entry.knobs) or 'no knob'}"
            )
    return entry.config(**given)


@cache
def all_knobs(*, deciding: bool = True) -> Mapping[str, Knob]:
    """Return the knobs of all searches by name; one that several have is the same in each.

    Without `deciding`, those of searches that answer questions alone.
    """
    found: dict[str, Knob] = {}
    for entry in SEARCHES.values():
        if entry.decides and not deciding:
            continue
        for name, knob in entry.knobs.items():
            other = found.setdefault(name, knob)
            if (knob.kind, knob.default) != (other.kind, other.default):
                raise BenchError(
                    f"the knob {name} has two defaults: {knob.default} and {other.default}; one of "
                    "the searches must call its own otherwise"
                )
    return found


def searches_with(knob: str) -> list[str]:
    """Return the names of the searches that have a knob."""
    return [name for name, entry in SEARCHES.items() if knob in entry.knobs]


def knobs_for(use: Use) -> list[str]:
    """Return the names of the knobs of a use."""
    return [name for name, knob in all_knobs().items() if use in knob.uses]
