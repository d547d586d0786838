"""What a server searches: its policy under several names, each of which says search and budget.

    P             the search that the server was started with, with its knobs
    mcts/P        another search, with its defaults
    mcts-64/P     64 of what that search counts: `SearchEntry.counts` says which knob it is

A request's knobs come from the name of its model and from `search` in its body. They are read by
the settings classes of the searches, as those of `rstar-bench run` are.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, replace
from functools import lru_cache
from typing import Any

from bench.engines.policy import SamplingSettings
from bench.errors import BenchError, UnknownNameError
from bench.evaluation.memory import demand_of, needs_pool
from bench.evaluation.spec import Resolved, RunSpec, resolve
from bench.knobs import Knob, knobs_of
from bench.search import SearchConfig
from bench.search.registry import SEARCHES, SearchEntry, configure, find_search
from bench.serving.errors import RequestError

_KEPT = 256
"""Combinations of knobs that are looked up once."""
_DIGITS = 12
"""Of a number in a model's name that is read; with more it is too large for any knob."""


class Catalogue:
    """The searches of one policy and one PPM."""

    def __init__(self, spec: RunSpec) -> None:
        """Look up what the server was started with. Raises BenchError, as `resolve`."""
        self.spec = spec
        if find_search(spec.search).decides:
            raise BenchError(_decides(spec.search))
        self.own: Resolved = resolve(spec, problems=())
        assert self.own.policy is not None, "a search that answers questions asks a policy"
        self.policy = self.own.policy.name
        self._look_up = lru_cache(_KEPT)(self._resolve)

    def read_model(self, name: str) -> tuple[str | None, dict[str, int]]:
        """Return the search and the knob that a model's name says, if any. Raises RequestError."""
        if name == self.policy:
            return None, {}
        said, slash, policy = name.partition("/")
        if not slash or policy != self.policy:
            raise _no_model(name, self.policy)
        if said in SEARCHES:
            return said, {}
        search, _, number = said.rpartition("-")
        if search not in SEARCHES or not (number.isascii() and number.isdecimal()):
            unknown = UnknownNameError("search", search or said, self.list_searches())
            raise RequestError(str(unknown), status=404, param="model", code="model_not_found")
        counted = SEARCHES[search].counts
        if counted is None:
            raise RequestError(
                f"the search {search!r} has no number of rollouts or samples; ask for the model "
                f"{search}/{self.policy}",
                param="model",
            )
        knob = SEARCHES[search].knobs[counted]
        value = int(number) if len(number) <= _DIGITS else 10**_DIGITS
        return search, {counted: read_knob(knob, value, f"model: {counted}")}

    def resolve(
        self,
        search: str | None,
        knobs: Mapping[str, Any],
        *,
        temperature: float | None,
        max_tokens: int,
    ) -> Resolved:
        """Return the search that a request asks for, with what it runs on.

        `knobs` come over those that the server was started with, where it is the same search.
        Raises RequestError: an unknown search or knob, a wrong value, a search that this server's
        policy, PPM or engine cannot run, or one that asks for more at once than there is room for.
        """
        name = search or self.spec.search
        try:
            entry = find_search(name)
            config = configure(name, {**self._given(name), **_read_knobs(entry, knobs)})
            sampling = self._sample_at(entry, name, temperature)
            found = self._look_up(name, config, sampling)
        except RequestError:
            raise
        except BenchError as error:
            raise RequestError(str(error), param="search") from error
        self._require_tokens(found, max_tokens)
        return found

    def list_searches(self) -> list[str]:
        """Return the names of the searches that this server can run."""
        able = []
        for name in SEARCHES:
            try:
                self.resolve(name, {}, temperature=None, max_tokens=1 << 62)
            except RequestError:
                continue
            able.append(name)
        return able

    def list_models(self) -> list[dict[str, Any]]:
        """Return the models as OpenAI lists them; `counts` says what a number in a name is."""
        names = {self.policy: self.spec.search}
        names.update({f"{search}/{self.policy}": search for search in self.list_searches()})
        return [describe_model(name, search) for name, search in names.items()]

    def _given(self, search: str) -> dict[str, Any]:
        """Return the knobs that the server was started with, where it is that search."""
        return asdict(self.own.search_config) if search == self.spec.search else {}

    def _sample_at(
        self, entry: SearchEntry, name: str, temperature: float | None
    ) -> SamplingSettings:
        if temperature is None or (entry.is_greedy and temperature == 0):
            return self.spec.sampling
        if entry.is_greedy:
            raise RequestError(
                f"temperature is {temperature:g}, and {name!r} takes the likeliest tokens; leave "
                f"it out, or ask for the model sample/{self.policy}",
                param="temperature",
            )
        if temperature == 0:
            raise RequestError(
                f"temperature is 0, and the search {name!r} is made of samples; leave it out, give "
                f"one above 0, or ask for the model greedy/{self.policy}",
                param="temperature",
            )
        knob = knobs_of(SamplingSettings)["temperature"]
        return replace(self.spec.sampling, temperature=read_knob(knob, temperature, "temperature"))

    def _resolve(self, name: str, config: SearchConfig, sampling: SamplingSettings) -> Resolved:
        """Look a search up, on the models that the server has loaded."""
        if SEARCHES[name].decides:
            raise BenchError(_decides(name))
        uses_ppm = SEARCHES[name].uses_ppm
        spec = replace(
            self.spec,
            search=name,
            config=config,
            sampling=sampling,
            ppm=self.spec.ppm if uses_ppm else None,
        )
        found = resolve(spec, problems=())
        if found.ppm is None or found.ppm == self.own.ppm:
            return found
        if found.entry.needs_ppm:
            raise BenchError(
                f"the search {name!r} needs a PPM, and this server was started with the search "
                f"{self.spec.search!r}, which has none; start it with another --search"
            )
        return replace(found, ppm=None)

    def _require_tokens(self, found: Resolved, max_tokens: int) -> None:
        demand = demand_of(found, 1)
        if demand.candidates * demand.new_tokens > max_tokens:
            raise RequestError(
                f"{demand.candidates} candidates at once of up to {demand.new_tokens} tokens may "
                f"be more than the {max_tokens} that a request here may generate; ask for fewer"
                + (" (at_once)" if found.entry.is_sampling else ""),
                param="search",
            )

    def require_room(self, found: Resolved, blocks: int | None) -> None:
        """Raise RequestError where a search asks for more at once than an engine's cache holds."""
        demand = demand_of(found, 1)
        if blocks is not None and needs_pool(demand) > blocks:
            raise RequestError(
                f"{demand.candidates} candidates at once of up to {demand.new_tokens} tokens do "
                "not fit the engine's cache; ask for fewer"
                + (" (at_once)" if found.entry.is_sampling else ""),
                param="search",
            )


def describe_model(name: str, search: str) -> dict[str, Any]:
    """Return a model as OpenAI lists it."""
    told = {"search": search, "counts": SEARCHES[search].counts}
    return {"id": name, "object": "model", "created": 0, "owned_by": "rstar-bench", "rstar": told}


def read_knob(knob: Knob, value: object, called: str) -> Any:
    """Return a knob's value. Raises RequestError: what was given, and what it must be."""
    try:
        return knob.read(value)
    except ValueError as error:
        param = called.partition(":")[0].partition(".")[0]
        raise RequestError(f"{called} is {value!r}; it must be {error}", param=param) from None


def _read_knobs(entry: SearchEntry, given: Mapping[str, Any]) -> dict[str, Any]:
    """Read the values of those knobs that the search has; `configure` refuses the others."""
    return {
        name: read_knob(entry.knobs[name], value, f"search.{name}")
        if name in entry.knobs
        else value
        for name, value in given.items()
    }


def _decides(search: str) -> str:
    return (
        f"the search {search!r} decides inequalities and answers no questions; that is what "
        "rstar-bench prove is for"
    )


def _no_model(name: str, policy: str) -> RequestError:
    return RequestError(
        f"the model {name!r} does not exist; this server has {policy!r}, and SEARCH/{policy} or "
        f"SEARCH-NUMBER/{policy} for another search and budget, e.g. 'mcts-16/{policy}'",
        status=404,
        param="model",
        code="model_not_found",
    )
