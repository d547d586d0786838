"""Options that commands share: numbers with a range, answer conventions, the sandbox level."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from bench.errors import BenchError, UnknownNameError
from bench.knobs import Count, Knob, Positive, Workers, knobs_of, make_knob

if TYPE_CHECKING:
    from bench.answers import Conventions
    from bench.checkpoints.checkpoint import Checkpoint, Kind
    from bench.cluster.settings import ClusterSettings
    from bench.engines.opening import ScorerSettings
    from bench.evaluation.spec import RunSpec
    from bench.sandbox import Level
    from bench.search import SearchConfig


def reader(knob: Knob) -> Callable[[str], Any]:
    """Return the argparse type of a knob, whose errors say what the value must be."""

    def read(text: str) -> Any:
        try:
            return knob.parse(text)
        except ValueError as error:
            raise argparse.ArgumentTypeError(f"{text!r} is wrong; it must be {error}") from None

    return read


@dataclass(frozen=True, slots=True)
class _Numbers:
    """Kinds of number that options take apart from any search."""

    count: Count = 1
    seconds: Positive = 1.0
    workers: Workers = 1


_KINDS = knobs_of(_Numbers)
positive_integer = reader(_KINDS["count"])
seconds = reader(_KINDS["seconds"])
workers = reader(_KINDS["workers"])


def positive_integers(text: str) -> tuple[int, ...]:
    """Read whole numbers of at least 1 with commas between, smallest first, each once."""
    return tuple(sorted({positive_integer(part) for part in text.split(",")}))


def positive_integers_or_none(text: str) -> tuple[int, ...]:
    """Read such numbers, or the word none."""
    return () if text == "none" else positive_integers(text)


def add_knobs(
    command: argparse.ArgumentParser, knobs: Iterable[Knob], *, notes: Mapping[str, str] = {}
) -> None:
    """Add an option for each knob; one that is not given is left out of the arguments.

    `notes` say, by name, what stands behind the knob's own words.
    """
    for knob in knobs:
        words = " ".join(knob.description.rstrip(".").split())
        if words[1:2].islower():  # a sentence, not an acronym
            words = words[0].lower() + words[1:]
        note = f"; for {notes[knob.name]}" if knob.name in notes else ""
        default = "" if knob.default is None else f" [{knob.default}]"
        action = command.add_argument(
            *(f"--{knob.name.replace('_', '-')}", *_ALIASES.get(knob.name, ())),
            dest=knob.name,
            type=reader(knob),
            default=argparse.SUPPRESS,
            metavar=f"{{{','.join(knob.choices)}}}" if knob.choices else _METAVARS[knob.kind],
            help=f"{words}{note}{default}".replace("%", "%%"),
        )
        if knob.choices or knob.name in _KNOWN:
            known = _KNOWN.get(knob.name, partial(tuple, knob.choices))
            suggest(action, known, files=knob.name == "ppm")


def suggest(
    action: argparse.Action,
    known: Callable[[], Iterable[str]],
    *,
    files: bool = False,
    several: bool = False,
) -> None:
    """Let a shell complete an option by what is known (`rstar-bench completion`).

    Where an argument may also be a file, files are suggested too; of `several` with commas, the
    last one is completed.
    """

    def complete(prefix: str = "", **_: object) -> list[str]:
        before, comma, last = prefix.rpartition(",") if several else ("", "", prefix)
        found = [f"{before}{comma}{each}" for each in known() if each.startswith(last)]
        if files:
            from argcomplete.completers import FilesCompleter

            found += FilesCompleter()(prefix)
        return found

    action.completer = complete  # type: ignore[attr-defined]


def _published(kind: Kind) -> list[str]:
    from bench.checkpoints.checkpoint import published_checkpoints

    return list(published_checkpoints(kind))


def _engines() -> list[str]:
    from bench.engines.opening import ENGINES

    return list(ENGINES)


def _scorer_engines() -> list[str]:
    from bench.engines.opening import AUTO, SCORERS

    return [AUTO, *SCORERS]


def _templates() -> list[str]:
    from bench.prompts import TEMPLATES

    return list(TEMPLATES)


_KNOWN: Mapping[str, Callable[[], Iterable[str]]] = {
    "engine": _engines,
    "ppm": partial(_published, "ppm"),
    "ppm_engine": _scorer_engines,
    "template": _templates,
}
"""What a shell suggests for knobs that take names."""


def _policies() -> list[str]:
    from bench.checkpoints.checkpoint import EMBEDDED

    return [EMBEDDED, *_published("policy")]


def suggest_benchmarks(action: argparse.Action) -> None:
    """Let a shell complete benchmarks and groups of them."""
    from bench.problems import GROUPS, names

    suggest(action, lambda: [*names(), *GROUPS], several=True)


_ALIASES: Mapping[str, tuple[str, ...]] = {"n": ("--epochs",)}
"""What users of other harnesses type for a knob."""
_METAVARS = {int: "N", float: "X", str: "NAME", bool: "BOOL"}


def given_knobs(arguments: argparse.Namespace, knobs: Iterable[str]) -> dict[str, Any]:
    """Return the knobs of these names that the user gave."""
    return {name: value for name, value in vars(arguments).items() if name in set(knobs)}


def add_run_options(
    command: argparse.ArgumentParser, *, without: Collection[str] = (), deciding: bool = True
) -> None:
    """Add the options of a command that searches, but for the knobs `without`.

    Unless `deciding`, those of searches that decide inequalities are left out.
    """
    from bench.evaluation.runner import CONCURRENCY, Concurrency
    from bench.evaluation.spec import RunSpec

    benchmark = command.add_argument(
        "--benchmark", required=True, help="e.g. math500, math:level-5; see `benchmarks`"
    )
    suggest_benchmarks(benchmark)
    command.add_argument(
        "--no-errata",
        dest="errata",
        action="store_false",
        help="grade by the published references, known errors included",
    )
    add_knobs(command, [knobs_of(RunSpec)["limit"]])
    add_search_options(command, without=without, deciding=deciding)
    at_a_time = make_knob("concurrency", Concurrency)
    assert at_a_time is not None
    command.add_argument(
        "--concurrency",
        type=reader(at_a_time),
        help="problems in flight; changes no result "
        f"[{CONCURRENCY}; without a policy, as many as there are cores]",
    )
    command.add_argument(
        "--dry-run", action="store_true", help="say what would be run, and run nothing"
    )
    add_convention(command)


def add_search_options(
    command: argparse.ArgumentParser, *, without: Collection[str] = (), deciding: bool = True
) -> None:
    """Add the options that say what is searched with: policy, PPM, engine, knobs, sandbox.

    `without` and `deciding` are as in `add_run_options`.
    """
    from bench.engines.policy import SamplingSettings
    from bench.evaluation.spec import RunSpec
    from bench.search.registry import all_knobs, searches_with

    policy = command.add_argument(
        *("--policy", "--model"),
        dest="policy",
        metavar="POLICY",
        help="smollm2, a published round such as smollm2-r1, a folder (of rstar-train, or any "
        "Hugging Face model), or a model of the hub: organisation/model[@revision] [smollm2, where "
        "the search asks a policy]",
    )
    suggest(policy, _policies, files=True)
    of_run = [knob for name, knob in knobs_of(RunSpec).items() if name in _MODELS]
    add_knobs(command, of_run)
    add_knobs(command, knobs_of(SamplingSettings).values())
    knobs = [knob for name, knob in all_knobs(deciding=deciding).items() if name not in without]
    notes = {knob.name: ", ".join(searches_with(knob.name)) for knob in knobs}
    add_knobs(command, knobs, notes=notes)
    command.add_argument(
        "--base-url",
        metavar="URL[,URL...]",
        help="servers that --engine server asks, e.g. http://localhost:8000/v1; changes no result "
        "[OPENAI_BASE_URL]",
    )
    add_scorer_options(command)
    add_level(command)


_MODELS = ("template", "ppm", "engine", "precision", "seed", "aggregate")
"""Fields of a specification that are options of what is searched with, under their own names."""
_RUN = (*_MODELS, "limit")
"""Those of a run."""


def read_spec(
    arguments: argparse.Namespace, search: str, config: SearchConfig | None = None
) -> RunSpec:
    """Return what the options say, for one search and its knobs. Raises BenchError."""
    from bench.engines.policy import SamplingSettings
    from bench.evaluation.spec import RunSpec

    _require_server(arguments)
    return RunSpec(
        arguments.benchmark,
        arguments.policy,
        search,
        config,
        errata=arguments.errata,
        sampling=SamplingSettings(**given_knobs(arguments, knobs_of(SamplingSettings))),
        conventions=parse_conventions(arguments.convention),
        batch_scores=arguments.batch_scores,
        **given_knobs(arguments, (*_RUN, _PPM_ENGINE)),
    )


def read_search(arguments: argparse.Namespace, benchmark: str) -> RunSpec:
    """Return what the options of `add_search_options` say of the search `arguments.search`.

    `benchmark` stands for where the questions come from. Raises BenchError: a knob that the search
    does not use, among others.
    """
    from bench.engines.policy import SamplingSettings
    from bench.evaluation.spec import RunSpec
    from bench.search.registry import all_knobs, configure

    _require_server(arguments)
    return RunSpec(
        benchmark,
        arguments.policy,
        arguments.search,
        configure(arguments.search, given_knobs(arguments, all_knobs(deciding=False))),
        sampling=SamplingSettings(**given_knobs(arguments, knobs_of(SamplingSettings))),
        batch_scores=arguments.batch_scores,
        **given_knobs(arguments, (*_MODELS, _PPM_ENGINE)),
    )


def _require_server(arguments: argparse.Namespace) -> None:
    """Refuse a server's URL that nobody would ask: the policy would run here."""
    from bench.engines.opening import AUTO, SERVER

    engine = vars(arguments).get("engine", AUTO)
    if getattr(arguments, "base_url", None) is not None and engine != SERVER:
        raise BenchError(
            f"--base-url says where --engine {SERVER} asks, and the engine is {engine!r}; add "
            f"--engine {SERVER}, or leave --base-url out"
        )


_PPM_ENGINE = "ppm_engine"


def add_scorer_options(command: argparse.ArgumentParser) -> None:
    """Add what says how a PPM is run."""
    from bench.evaluation.spec import RunSpec

    add_knobs(command, [knobs_of(RunSpec)[_PPM_ENGINE]])
    command.add_argument(
        "--ppm-url",
        metavar="URL[,URL...]",
        help="servers that --ppm-engine server asks, e.g. http://localhost:8001; changes no result "
        "[RSTAR_BENCH_PPM_URL]",
    )
    command.add_argument(
        "--batch-scores",
        action="store_true",
        help="make passes of the PPM for several searches as one, on transformers; scores then "
        "depend, in their last digits, on what is searched beside them",
    )


def read_scorer(arguments: argparse.Namespace, ppm: Checkpoint) -> ScorerSettings:
    """Return how a PPM is to be run."""
    from bench.engines.opening import AUTO, ScorerSettings, scorer_for

    batched: bool = arguments.batch_scores
    engine = scorer_for(ppm, vars(arguments).get(_PPM_ENGINE, AUTO), batched=batched)
    return ScorerSettings(engine, batched, urls=arguments.ppm_url)


def add_cluster_options(command: argparse.ArgumentParser) -> None:
    """Add `--ray` and what belongs to it."""
    from bench.cluster.settings import LOCAL, ClusterSettings

    command.add_argument(
        "--ray",
        nargs="?",
        const=LOCAL,
        metavar="ADDRESS",
        help="let actors of a Ray cluster solve the problems: one started on this machine, or that "
        "at HOST:PORT, or `auto` on one of its nodes; changes no result",
    )
    knobs = knobs_of(ClusterSettings)
    add_knobs(command, [knob for name, knob in knobs.items() if name != "address"])


def read_cluster(arguments: argparse.Namespace) -> ClusterSettings | None:
    """Return what is asked of a cluster; None without `--ray`. Raises BenchError."""
    from bench.cluster.settings import ClusterSettings

    given = given_knobs(arguments, knobs_of(ClusterSettings))
    if arguments.ray is None:
        if given:
            name = next(iter(given)).replace("_", "-")
            raise BenchError(f"--{name} says how a Ray cluster is used; give --ray with it")
        return None
    return ClusterSettings(arguments.ray, **given)


def add_convention(parser: argparse.ArgumentParser) -> None:
    """Add the option to a command."""
    parser.add_argument(
        "--convention",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="of answer checking, e.g. percent=false or tolerance=1e-4; may be repeated",
    )


def parse_conventions(given: Sequence[str]) -> Conventions:
    """Read `NAME=VALUE`s over the defaults. Raises BenchError."""
    from bench.answers import Conventions

    known = knobs_of(Conventions)
    values: dict[str, Any] = {}
    for each in given:
        name, _, text = each.partition("=")
        if name not in known:
            raise UnknownNameError("convention", name, known)
        try:
            values[name] = known[name].parse(text)
        except ValueError as error:
            raise BenchError(f"--convention {each}: the value must be {error}") from None
    return Conventions(**values)


def add_level(command: argparse.ArgumentParser) -> None:
    """Add `--sandbox` to a command that runs programs."""
    command.add_argument(
        "--sandbox",
        metavar="LEVEL",
        help="isolation: full, no-namespaces, seccomp or process [the stronger of the first two]",
    )


def sandbox_level(arguments: argparse.Namespace) -> Level | None:
    """Return the level that the user named, there or in the environment. Raises BenchError."""
    from bench.sandbox.levels import find_level, read_level

    return find_level(arguments.sandbox) if arguments.sandbox else read_level()
