"""The YAML file of a sweep: lists of what is varied, and their combinations as specifications.

    benchmark:
      - {name: embedded-dial, limit: 100}
      - {name: gsm8k, limit: 50}
    policy: smollm2-dial-r3
    temperature: [0.7, 1.0]
    seed: [0, 1]
    search:
      - greedy
      - {name: sample, n: [2, 4, 8]}
      - {name: mcts, rollouts: 8, candidates: 4}

A key is a field of a run (`limit`, `seed`, `ppm`, `aggregate`, `engine`, `template`, `errata`), a
setting of sampling (`temperature`, ...) or a knob of a search, and its value one value or a list.
At the top a key holds for all, beside the `name` of a benchmark, a policy or a search for that
alone, where it takes the place of the one at the top; a search's knob at the top is one that every
search has. What a search does not heed (a greedy one samples nothing, and most ask no PPM) does not
multiply it. `rate_from` names run directories, or folders of them, by which `--dry-run` reckons.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from itertools import product
from pathlib import Path
from typing import Any

from bench.engines.policy import SamplingSettings
from bench.errors import BenchError, UnknownNameError, find_close
from bench.evaluation.spec import RunSpec
from bench.files.yaml_file import read_yaml
from bench.knobs import Knob, knobs_of
from bench.search.registry import all_knobs, configure, find_search

_NAMED = ("benchmark", "policy", "search")
_RUN = {name: knob for name, knob in knobs_of(RunSpec).items() if name not in _NAMED}
_SAMPLING = knobs_of(SamplingSettings)
_RATES = "rate_from"
_OF_PPM = ("ppm", "aggregate", "ppm_engine", "batch_scores")
"""What a search without a PPM does not heed."""
_OF_MODELS = (*_OF_PPM, "template", "engine", "precision")
"""What a search that asks no policy does not heed."""


@dataclass(frozen=True, slots=True)
class Combination:
    """One specification of a sweep."""

    name: str
    """Says what it is, of values that are no defaults; the number of problems may grow."""
    spec: RunSpec
    varied: Mapping[str, str]
    """The keys that have several values in the file, with those of this one."""


@dataclass(frozen=True, slots=True)
class SweepFile:
    """A file as read."""

    combinations: tuple[Combination, ...]
    rates: tuple[Path, ...]
    """Folders of runs whose speed is known."""


def read_sweep(file: Path) -> SweepFile:
    """Read a sweep file.

    Raises BenchError: it is absent, no YAML, or names what there is not; a search has no such knob.
    """
    data = read_yaml(file, "sweep")
    known = {*_NAMED, *_RUN, *_SAMPLING, *all_knobs(), _RATES}
    named = {key: _entries(data.pop(key, None), key, file) for key in _NAMED}
    for key in ("benchmark", "search"):
        if named[key] == [{"name": None}]:
            raise BenchError(f"{file}: the key {key} is missing; give a name, or a list of names")
    rates = [Path(each) for each in _listed(data.pop(_RATES, []))]
    kept: dict[str, tuple[RunSpec, dict[str, Any]]] = {}
    for parts in product(*named.values()):
        for given in _combine(data, dict(zip(_NAMED, parts, strict=True)), known, file):
            spec = _make_spec(given, file)
            other, _ = kept.setdefault(_name(spec), (spec, given))
            if other != spec:
                raise BenchError(
                    f"{file}: two cells would have the run directory {_name(spec)}; of two numbers "
                    "of problems list one, and of two folders of one name one"
                )
    several = _find_varied([given for _, given in kept.values()])
    combinations = [
        Combination(name, spec, {key: str(given[key]) for key in several if key in given})
        for name, (spec, given) in kept.items()
    ]
    return SweepFile(tuple(combinations), tuple(rates))


def _combine(
    shared: Mapping[str, Any], parts: Mapping[str, dict[str, Any]], known: set[str], file: Path
) -> list[dict[str, Any]]:
    """Return every combination of the values that hold for a benchmark, a policy and a search."""
    own = {key: part["name"] for key, part in parts.items()}
    values = dict(shared)
    for part in parts.values():
        values |= {key: value for key, value in part.items() if key != "name"}
    _check_keys(values, own["search"], known, file)
    _drop_unheeded(values, own, kept=parts["search"])
    lists = [_listed(value) for value in values.values()]
    return [own | dict(zip(values, each, strict=True)) for each in product(*lists)]


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _entries(value: Any, key: str, file: Path) -> list[dict[str, Any]]:
    """Return the mappings of a list of names and mappings; a name alone is one."""
    found = []
    for each in _listed(value):
        entry = dict(each) if isinstance(each, dict) else {"name": each}
        name = entry.get("name")
        if not isinstance(name, str) and (isinstance(each, dict) or value is not None):
            raise BenchError(
                f"{file}: {key} is {each!r}, and must be a name, or a mapping with a name: "
                "{name: ..., KEY: VALUE}"
            )
        found.append(entry)
    if not found:
        raise BenchError(f"{file}: {key} is an empty list; name at least one")
    return found


def _check_keys(values: Mapping[str, Any], search: str, known: set[str], file: Path) -> None:
    """Refuse a key that nothing has, one that the search has not, and an empty list."""
    knobs = find_search(search).knobs
    for name, value in values.items():
        if name in _RUN or name in _SAMPLING or name in knobs:
            if value == []:
                raise BenchError(f"{file}: {name} is an empty list; give at least one value")
            continue
        if name not in known or name in (*_NAMED, _RATES):
            raise UnknownNameError(f"key of {file}:", name, known - {*_NAMED, _RATES})
        close = find_close(name, knobs)
        meant = f"; did you mean {' or '.join(close)}? If not," if close else ";"
        raise BenchError(
            f"{file}: the search {search!r} has no knob {name!r}{meant} give it beside the "
            f"searches that have it, as in search: [{{name: ..., {name}: ...}}]"
        )


def _drop_unheeded(values: dict[str, Any], own: dict[str, Any], *, kept: Mapping[str, Any]) -> None:
    """Take away what holds for others as well, and means nothing to this search.

    A PPM beside the search itself is kept, to be refused as that of any run is.
    """
    entry = find_search(own["search"])
    dropped: list[str] = []
    if not entry.uses_ppm:
        dropped += [name for name in _OF_PPM if name not in kept]
    if own["search"] in ("greedy", "plan_greedy"):
        dropped.append("temperature")
        if "seed" in values:
            values["seed"] = _listed(values["seed"])[0]
    if not entry.asks_policy:
        dropped += [*(name for name in _OF_MODELS if name not in kept), *_SAMPLING]
        own["policy"] = None
    for name in dropped:
        values.pop(name, None)


def _make_spec(given: Mapping[str, Any], file: Path) -> RunSpec:
    search = given["search"]
    knobs = find_search(search).knobs
    parts: dict[str, dict[str, Any]] = {"run": {}, "sampling": {}, "search": {}}
    for name, value in given.items():
        for part, known in (("run", _RUN), ("sampling", _SAMPLING), ("search", knobs)):
            if name in known and name not in _NAMED:
                parts[part][name] = _read(known[name], value, file)
    return RunSpec(
        given["benchmark"],
        given["policy"],
        search,
        configure(search, parts["search"]),
        sampling=SamplingSettings(**parts["sampling"]),
        **parts["run"],
    )


def _read(knob: Knob, value: Any, file: Path) -> Any:
    try:
        return knob.read(value)
    except ValueError as error:
        raise BenchError(f"{file}: {knob.name} is {value!r}, and must be {error}") from None


def _name(spec: RunSpec) -> str:
    """Return the name of a specification's run directory."""
    entry = find_search(spec.search)
    default = RunSpec(spec.benchmark, spec.policy, spec.search)
    told = [spec.benchmark, *filter(None, [spec.policy]), spec.search]
    for settings, usual in (
        (spec.config, entry.config()),
        (spec.sampling, SamplingSettings()),
        (spec, default),
    ):
        for field in fields(settings):  # type: ignore[arg-type]  # all are dataclasses
            value = getattr(settings, field.name)
            is_knob = (field.name in _RUN and field.name != "limit") or settings is not spec
            if is_knob and (value != getattr(usual, field.name) or field.name == entry.counts):
                told.append(f"{field.name}={_shorten(value)}")
    return "-".join(re.sub(r"[^\w.,=+-]+", "_", _shorten(each)).strip("_") for each in told)


def _shorten(value: object) -> str:
    """Return a value as text, of a folder its name: where it lies is of this machine."""
    return Path(value).resolve().name if isinstance(value, str) and "/" in value else str(value)


def _find_varied(given: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return the keys of which there are several values, or that some combinations lack."""
    keys = dict.fromkeys(key for each in given for key in each)
    return [key for key in keys if len({str(each.get(key)) for each in given}) > 1]
