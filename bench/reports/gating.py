"""A gate for a run against a base run: GO, NO-GO, or INCONCLUSIVE, by a policy file.

A policy (YAML) sets for all benchmarks, for one, and for one of its families:

    alpha: 0.05              # chance of a wrong GO, and of a wrong NO-GO
    margin: 0.02             # how much worse than the base is still as good
    min_problems: 100        # with fewer, nothing is decided
    allowed_failures: 0      # answers that the harness could not judge
    min_accuracy: 0.4        # perhaps; else none is asked for
    benchmarks:
      math500:
        margin: 0.01
        families:
          Algebra: {margin: 0.05, min_problems: 50}

Every check is a confidence interval against a limit: on the good side whole, GO; on the bad side
whole, NO-GO; across it, INCONCLUSIVE. The run passes where every check does, so that each is made
at alpha (an intersection-union test: Berger, Technometrics 24 (1982) 295). It fails where any check
fails, so that each of those is made at alpha over their number (Bonferroni). Simulated at a true
difference of just the margin, alpha 5 %: a GO in 5.0 % and a NO-GO in 4.9 % with 100 problems, 4.1
and 4.7 with 300.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

from bench import stats
from bench.errors import BenchError, UnknownNameError
from bench.files.yaml_file import read_yaml
from bench.knobs import Amount, Count, Range, Share, knobs_of
from bench.reports.comparing import check_comparable
from bench.reports.headroom.report import Kind, read_kinds
from bench.reports.leaderboard import methods, outcomes
from bench.runs.reader import Run
from bench.types import Outcome


class GateVerdict(StrEnum):
    """What a check, or a gate, says."""

    GO = "GO"
    NO_GO = "NO-GO"
    INCONCLUSIVE = "INCONCLUSIVE"

    @property
    def exit_code(self) -> int:
        """Return the exit status of the command; 2 is for what a user can fix."""
        return {GateVerdict.GO: 0, GateVerdict.NO_GO: 1, GateVerdict.INCONCLUSIVE: 3}[self]


@dataclass(frozen=True, slots=True)
class Rule:
    """What is asked of some problems."""

    margin: Annotated[float, Range(1e-3, most=1)] = 0.02
    """Share of the problems by which a run may be worse than the base and still be as good."""
    min_accuracy: Share | None = None
    """Share that a run must get right; none: any."""
    min_problems: Count = 100
    """Fewer problems decide nothing."""
    allowed_failures: Amount = 0
    """Answers of the run that the harness could not judge."""


@dataclass(frozen=True, slots=True)
class Policy:
    """A policy as read."""

    alpha: Annotated[float, Range(1e-4, most=0.5)] = 0.05
    default: Rule = Rule()
    benchmarks: Mapping[str, Rule] = field(default_factory=dict)
    families: Mapping[tuple[str, str], Rule] = field(default_factory=dict)
    """By benchmark and family."""


@dataclass(frozen=True, slots=True)
class Check:
    """One interval against one limit."""

    subject: str
    """Benchmark, family if any, and selector."""
    asked: str
    found: str
    n: int
    verdict: GateVerdict


@dataclass(frozen=True, slots=True)
class Gate:
    """All checks of a run."""

    checks: tuple[Check, ...]
    notes: tuple[str, ...]

    @property
    def verdict(self) -> GateVerdict:
        """Return NO-GO where any check fails, GO where all pass."""
        found = {check.verdict for check in self.checks}
        if GateVerdict.NO_GO in found:
            return GateVerdict.NO_GO
        return GateVerdict.GO if found == {GateVerdict.GO} else GateVerdict.INCONCLUSIVE


def read_policy(file: Path) -> Policy:
    """Read a policy file. Raises BenchError: it is absent, no YAML, or has an unknown key."""
    whole = read_yaml(file, "policy")
    alpha = _values(Policy, {k: v for k, v in whole.items() if k == "alpha"}, str(file))
    rules = {k: v for k, v in whole.items() if k not in ("alpha", "benchmarks")}
    default = _rule(rules, Rule(), str(file), also=("alpha", "benchmarks"))
    benchmarks: dict[str, Rule] = {}
    families: dict[tuple[str, str], Rule] = {}
    for name, given in _mapping(whole.get("benchmarks") or {}, f"{file}, benchmarks").items():
        where = f"{file}, {name}"
        own = dict(_mapping(given or {}, where))
        of_families = _mapping(own.pop("families", None) or {}, f"{where}, families")
        benchmarks[name] = _rule(own, default, where, also=("families",))
        for family, asked in of_families.items():
            at = f"{where}, {family}"
            families[name, family] = _rule(_mapping(asked or {}, at), benchmarks[name], at)
    return Policy(**alpha, default=default, benchmarks=benchmarks, families=families)


def judge_run(
    policy: Policy,
    pairs: Sequence[tuple[Run, Run]],
    kinds: Callable[[str], Mapping[str, Kind]] = read_kinds,
) -> Gate:
    """Judge each run against its base, every selector that both have.

    `kinds` says of what family a benchmark's problems are. Raises BenchError: the two of a pair
    cannot be compared, or share no selector; or a family of the policy has no problem.
    """
    notes: list[str] = []
    asked: list[_Asked] = []
    for run, base in pairs:
        notes += check_comparable(base, run)
        asked += _list_asked(policy, run, base, kinds)
    notes += _note_absent(policy, {run.benchmark for run, _ in pairs})
    fails_at = policy.alpha / max(1, sum(each.count for each in asked))
    checks = [check for pair in pairs for run in pair for check in _check_whole(run)]
    checks += [c for each in asked for c in _check(each, policy.alpha, fails_at)]
    return Gate(tuple(checks), tuple(dict.fromkeys(notes)))


def _note_absent(policy: Policy, given: Collection[str]) -> list[str]:
    """Note the benchmarks that have rules and no run. Raises BenchError: one may be misspelt."""
    absent = [name for name in policy.benchmarks if name not in given]
    for name in absent:
        if difflib.get_close_matches(name, given, cutoff=0.85):
            raise UnknownNameError("benchmark of the policy", name, given)
    return [f"{name}: the policy has rules for it, and no run of it was given" for name in absent]


def _check_whole(run: Run) -> list[Check]:
    """Return a check that holds up a run with problems left to do, which are no random ones."""
    benchmark = run.config.get("benchmark")
    asked = benchmark.get("problems") if isinstance(benchmark, Mapping) else None
    done = len({record.problem_id for record in run.records})
    if asked is None or done >= asked:
        return []
    subject, found = f"{run.benchmark}, {run.path.name}", f"{done} of {asked} done"
    return [Check(subject, "all problems", found, done, GateVerdict.INCONCLUSIVE)]


@dataclass(frozen=True, slots=True)
class _Asked:
    """A rule and the problems that it is about."""

    subject: str
    rule: Rule
    run: Mapping[str, Outcome]
    """By problem."""
    base: Mapping[str, Outcome]

    @property
    def count(self) -> int:
        """Return how many intervals are made."""
        return 1 if self.rule.min_accuracy is None else 2


def _list_asked(
    policy: Policy, run: Run, base: Run, kinds: Callable[[str], Mapping[str, Kind]]
) -> list[_Asked]:
    name = run.benchmark
    shared = [method for method in methods(run) if method in methods(base)]
    if not shared:
        raise BenchError(
            f"{run.path} answers by {', '.join(methods(run))}, and {base.path} by "
            f"{', '.join(methods(base))}; a gate needs a method of both"
        )
    families = [family for benchmark, family in policy.families if benchmark == name]
    family_of = {key: kind.family for key, kind in kinds(name).items()} if families else {}
    asked = []
    for method in shared:
        sides = [
            {key.problem_id: outcome for key, outcome in outcomes(each, method).items()}
            for each in (run, base)
        ]
        rule = policy.benchmarks.get(name, policy.default)
        asked.append(_Asked(f"{name}, {method}", rule, *sides))
        for family in families:
            parts = [
                {k: v for k, v in side.items() if family_of.get(k) == family} for side in sides
            ]
            if not parts[0]:
                raise UnknownNameError(
                    f"family of {name}", family, {each for each in family_of.values() if each}
                )
            rule = policy.families[name, family]
            asked.append(_Asked(f"{name}, {family}, {method}", rule, *parts))
    return asked


def _check(asked: _Asked, alpha: float, fails_at: float) -> list[Check]:
    rule, run, base = asked.rule, asked.run, asked.base
    failures = sum(outcome.is_failure for outcome in run.values())
    both = sorted(run.keys() & base.keys())
    judged = [k for k in both if not run[k].is_failure and not base[k].is_failure]
    n = len(judged)
    allowed = failures <= rule.allowed_failures
    checks = [
        Check(
            asked.subject,
            f"at most {rule.allowed_failures} failed",
            f"{failures} failed",
            len(run),
            GateVerdict.GO if allowed else GateVerdict.NO_GO,
        )
    ]
    if n < rule.min_problems:
        few = Check(
            asked.subject,
            f"at least {rule.min_problems} problems",
            f"{n} judged of both",
            n,
            GateVerdict.INCONCLUSIVE,
        )
        return [*checks, few]
    of_run, of_base = ([side[k] is Outcome.CORRECT for k in judged] for side in (run, base))
    passing, failing = (
        stats.paired_difference(of_run, of_base, level=1 - 2 * level) for level in (alpha, fails_at)
    )
    checks.append(
        Check(
            asked.subject,
            f"no worse by {_points(rule.margin)} points",
            f"{_points(passing.estimate, '+')} [{_points(passing.low, '+')}, "
            f"{_points(passing.high, '+')}], {passing.only_a} won, {passing.only_b} lost",
            n,
            _judge(passing.low, failing.high, -rule.margin),
        )
    )
    if rule.min_accuracy is not None:
        passes, fails = (
            stats.wilson(sum(of_run), n, level=1 - 2 * level) for level in (alpha, fails_at)
        )
        checks.append(
            Check(
                asked.subject,
                f"at least {_points(rule.min_accuracy)} % right",
                f"{_points(passes.estimate)} % [{_points(passes.low)}, {_points(passes.high)}]",
                n,
                _judge(passes.low, fails.high, rule.min_accuracy),
            )
        )
    return checks


def _judge(low: float, high: float, limit: float) -> GateVerdict:
    if low >= limit:
        return GateVerdict.GO
    return GateVerdict.NO_GO if high < limit else GateVerdict.INCONCLUSIVE


def _rule(given: Mapping[str, Any], over: Rule, where: str, also: Sequence[str] = ()) -> Rule:
    """Return a rule with the given values in place of another's."""
    return replace(over, **_values(Rule, given, where, also))


def _values(
    settings: type, given: Mapping[str, Any], where: str, also: Sequence[str] = ()
) -> dict[str, Any]:
    known = knobs_of(settings)
    values = {}
    for name, value in given.items():
        if name not in known:
            raise UnknownNameError(f"key of {where}:", name, {*known, *also})
        try:
            values[name] = known[name].read(value)
        except ValueError as error:
            raise BenchError(f"{where}: {name} is {value!r}, and must be {error}") from None
    return values


def _mapping(data: Any, where: str) -> Mapping[str, Any]:
    if not isinstance(data, Mapping):
        raise BenchError(f"{where}: expected keys with values, found {data!r}")
    return {str(name): value for name, value in data.items()}


def _points(share: float, sign: str = "") -> str:
    return f"{round(100 * share, 1) + 0.0:{sign}.1f}"
