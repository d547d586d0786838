"""Attacks on the prover and on its checker, and what became of them.

False statements are given to the prover as a user would give them, and once more with all switched
off that could tell it by numbers that they are false. Certificates of true statements are checked
with another statement in them, a false one, and with something in the proof changed. A breach is a
certificate of a false statement that the checker accepts; there is to be none. Every outcome is a
line of a log, from which an attack goes on after a kill.
"""

from __future__ import annotations

import json
import math
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from random import Random
from types import ModuleType
from typing import Any

from bench.answers.processes import Lost, Processes, result_of
from bench.errors import DataError
from bench.files.atomic import append
from bench.files.lines import cut_half_line, encode, scan
from bench.inequalities.attacks.falsehoods import Falsehood, make_falsehoods
from bench.inequalities.attacks.mutations import mutate
from bench.inequalities.budget import Budget
from bench.inequalities.checker import ProofError, check_proof
from bench.inequalities.deciding import decide_statement
from bench.inequalities.proving.prover import prove
from bench.inequalities.statements import Statement, from_json, to_json
from bench.stats.intervals import wilson

Row = dict[str, Any]

EACH = 8
"""Mutants of a certificate, where there are certificates enough."""
MEMORY = 4 << 30
"""Bytes that a process of the prover may take."""
LATEST = 60.0
"""Seconds by the wall clock, beyond ten times those of the CPU, after which one is killed."""
CHECKING = 900.0
"""The same for all mutants of a certificate together."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What is attacked, how often, and with which random numbers."""

    sources: Mapping[str, Statement]
    """Statements that are taken to be true, by name."""
    false: int
    """False statements for the prover."""
    unguarded: int
    """Those of them that it also gets with its guards switched off."""
    mutants: int
    """Certificates with something wrong, for the checker."""
    seconds: float
    """CPU time for each statement."""
    seed: int

    def describe(self) -> Row:
        """Return what has to be the same where a log goes on."""
        return {
            "part": "plan",
            "id": "",
            "sources": {name: to_json(each) for name, each in self.sources.items()},
            **{key: getattr(self, key) for key in ("false", "unguarded", "mutants")},
            **{"seconds": self.seconds, "seed": self.seed},
        }


class Log:
    """The outcomes so far, by part and id: a file that grows by a line for each."""

    def __init__(self, file: Path, plan: Plan) -> None:
        """Read what is there. Raises DataError where another plan wrote it."""
        self._file = file
        self.rows: dict[str, dict[str, Row]] = {}
        cut_half_line(file)
        for line in scan(file, _read_row).lines:
            if line.value is None:
                raise DataError(f"{file}, line {line.number}: {line.fault}; delete the file")
            self._keep(line.value)
        described = plan.describe()
        if self.of("plan").setdefault("", described) != described:
            raise DataError(
                f"{file} holds an attack with other statements, numbers or seed; choose another "
                "--out, or delete it"
            )
        if not file.exists():
            self.write(described)

    def of(self, part: str) -> dict[str, Row]:
        """Return the outcomes of a part by id, in the order in which they came."""
        return self.rows.setdefault(part, {})

    def write(self, row: Row) -> None:
        """Add an outcome."""
        append(self._file, encode(row))
        self._keep(row)

    def _keep(self, row: Row) -> None:
        self.of(row["part"])[row["id"]] = row


def _read_row(data: Any) -> Row:
    if not (isinstance(data, dict) and {"part", "id"} <= data.keys()):
        raise ValueError("expected an object with part and id")
    return data


def attack(plan: Plan, log: Log, jobs: int, report: Callable[[str, int, int], None]) -> None:
    """Do what a plan says and is not yet in the log.

    `report` is told a part's name, how many outcomes it has and how many it will have. The prover
    and the checker run in processes of their own, which are killed where they do not end.
    """
    processes = Processes(jobs, MEMORY, _warm)

    def ask(part: str, tasks: Sequence[Task], total: int, timeout: float) -> None:
        waiting = [task for task in tasks if task[0] not in log.of(part)]
        for row in _ask(processes, waiting, timeout):
            log.write({"part": part, **row})
            report(part, len(log.of(part)), total)

    try:
        _make(plan, log, report)
        late = LATEST + 10 * plan.seconds
        false = [(each["id"], each["statement"], plan.seconds) for each in log.of("false").values()]
        ask("guarded", [(name, _decide, rest) for name, *rest in false], len(false), late)
        drawn = Random(f"{plan.seed}/unguarded").sample(false, min(plan.unguarded, len(false)))
        ask("unguarded", [(name, _prove, rest) for name, *rest in drawn], len(drawn), late)
        wanted = math.ceil(plan.mutants / EACH)
        for batch in _list_batches(plan, log, wanted):
            tasks = [(v, _decide, [to_json(plan.sources[v]), plan.seconds]) for v in batch]
            ask("original", tasks, len(log.of("original")) + len(tasks), late)
        tasks = _list_attacks(plan, log, wanted)
        ask("mutants", tasks, len(tasks), CHECKING)
    finally:
        processes.close()


Task = tuple[str, Callable[..., Row], list[Any]]
"""An id, a function and its arguments; the function returns the rest of a row."""


def _ask(processes: Processes, tasks: Iterable[Task], timeout: float) -> Iterator[Row]:
    """Yield a row for each task, as they are done."""
    from concurrent.futures import as_completed

    futures = {
        processes.submit(function, *arguments, timeout=timeout): name
        for name, function, arguments in tasks
    }
    for future in as_completed(futures):
        try:
            answer = result_of(future)
        except Lost as error:
            answer = {"verdict": "lost", "said": str(error), "seconds": 0.0}
        yield {"id": futures[future], **answer}


def _warm() -> None:
    """Do nothing: to find this function, a process has loaded what it needs."""


def _make(plan: Plan, log: Log, report: Callable[[str, int, int], None]) -> None:
    """Complete the false statements."""
    made = [_read_falsehood(row) for row in log.of("false").values()]
    for each in make_falsehoods(plan.sources, plan.false, plan.seed, made):
        row = {
            "id": f"{each.attempt} {each.kind} {each.source}",
            "statement": to_json(each.statement),
            "kind": each.kind,
            "source": each.source,
            "point": {name: str(x) for name, x in each.point.items()},
            "claim": each.claim,
            "attempt": each.attempt,
        }
        log.write({"part": "false", **row})
        report("false", len(log.of("false")), plan.false)


def _read_falsehood(row: Row) -> Falsehood:
    point = {name: Fraction(x) for name, x in row["point"].items()}
    rest = {key: row[key] for key in ("kind", "source", "claim", "attempt")}
    return Falsehood(statement=from_json(row["statement"]), point=point, **rest)


def _list_batches(plan: Plan, log: Log, wanted: int) -> Iterator[list[str]]:
    """Yield names of statements to be proved until so many are, or there are no more.

    The order is that of the seed, and which are proved does not depend on what ends first.
    """
    names, start = _order_sources(plan), 0
    while start < len(names):
        missing = wanted - sum(_is_proved(log, name) for name in names[:start])
        if missing <= 0:
            return
        yield names[start : start + missing]
        start += missing


def _list_attacks(plan: Plan, log: Log, most: int) -> list[Task]:
    """Return a task for each certificate that is attacked, with its share of the mutants."""
    proved = [name for name in _order_sources(plan) if _is_proved(log, name)][:most]
    certificates = [log.of("original")[name]["certificate"] for name in proved]
    tasks: list[Task] = []
    for i, name in enumerate(proved):
        count = len(range(i, plan.mutants, len(proved)))
        others = certificates[(i + 1) % len(proved)]["proofs"] if len(proved) > 1 else []
        tasks.append((name, attack_certificate, [name, certificates[i], others, count, plan.seed]))
    return tasks


def _order_sources(plan: Plan) -> list[str]:
    return Random(f"{plan.seed}/original").sample(list(plan.sources), len(plan.sources))


def _is_proved(log: Log, name: str) -> bool:
    return bool(log.of("original").get(name, {}).get("verdict") == "proved")


# In the processes


def _decide(data: Any, seconds: float) -> Row:
    """Return a row of what the prover says as a user meets it."""
    started = time.process_time()
    try:
        decision = decide_statement(from_json(data), seconds)
    except Exception as error:  # a crash is one of the outcomes that are counted
        return _row("crashed", started, said=repr(error))
    if decision.certificate is not None:
        return _row("proved", started, certificate=dict(decision.certificate))
    return _row(decision.verdict, started, said=decision.refused)


def _prove(data: Any, seconds: float) -> Row:
    """Return a row of what the prover says if no numbers tell it that a statement is false."""
    started = time.process_time()
    try:
        with without_guards():
            certificate = prove(from_json(data), Budget(seconds))
    except Exception as error:  # a crash is one of the outcomes that are counted
        return _row("crashed", started, said=repr(error))
    if certificate is None:
        return _row("open", started)
    certificate = json.loads(json.dumps(certificate))
    verdict, said = _check(certificate)
    return _row("proved" if verdict == "accepted" else "refused", started, certificate, said)


@contextmanager
def without_guards() -> Iterator[None]:
    """Let the prover find no point at which a goal of its own is negative, and rule out no bound.

    Without them it gives most false goals up before a proof is looked for at all.
    """
    from bench.inequalities.proving import radicals

    guards: list[tuple[ModuleType, str, Any]] = [(radicals, "SLACK", -math.inf)]
    for name, module in sys.modules.items():
        if name.startswith("bench.inequalities.") and hasattr(module, "find_negative_point"):
            guards.append((module, "find_negative_point", lambda *_: None))
    before = [getattr(module, name) for module, name, _ in guards]
    try:
        for module, name, off in guards:
            setattr(module, name, off)
        yield
    finally:
        for (module, name, _), value in zip(guards, before, strict=True):
            setattr(module, name, value)


def _row(verdict: str, started: float, certificate: Any = None, said: str = "") -> Row:
    row = {"verdict": verdict, "said": said, "seconds": round(time.process_time() - started, 2)}
    return row if certificate is None else {**row, "certificate": certificate}


def _check(certificate: Mapping[str, Any]) -> tuple[str, str]:
    try:
        check_proof(certificate)
    except ProofError as error:
        return "refused", str(error)
    except Exception as error:  # the checker has to answer whatever it is given
        return "crashed", repr(error)
    return "accepted", ""


def attack_certificate(
    name: str, certificate: Row, others: Sequence[Any], count: int, seed: int
) -> Row:
    """Return a row of what the checker says of so many mutants of a certificate.

    Of four, two are the proof as it is, of a false statement; one is a proof with something
    changed, of a false statement; and one is such a proof of the true statement. `others` are
    proofs of other claims. Kept in full are those that matter: accepted ones of a false statement,
    and those that the checker crashed on.
    """
    started = time.process_time()
    true = certificate["statement"]
    wanted = max(1, math.ceil(3 * count / 4))
    falsehoods = list(make_falsehoods({name: from_json(true)}, wanted, seed))
    mutants: list[Row] = []
    for i in range(count):
        random = Random(f"{seed}/{name}/{i}")
        at = i - i // 4
        falsehood = falsehoods[at] if i % 4 < 3 and at < len(falsehoods) else None
        statement = true if falsehood is None else to_json(falsehood.statement)
        mutant = {**certificate, "statement": statement}
        kind, place = "proof kept", falsehood.kind if falsehood else ""
        if i % 4 > 1 or falsehood is None:
            changed = mutate(mutant, others, random)
            if changed is None:
                continue
            mutant, kind, place = dict(changed.certificate), changed.kind, changed.place
        verdict, said = _check(mutant)
        row: Row = {"kind": kind, "place": place, "false": falsehood is not None}
        row |= {"verdict": verdict}
        if verdict == "crashed" or (falsehood is not None and verdict == "accepted"):
            row |= {"said": said, "certificate": mutant}
            if falsehood is not None:
                row |= {"point": {v: str(x) for v, x in falsehood.point.items()}}
        mutants.append(row)
    return {**_row("done", started), "mutants": mutants}


# Figures


def summarise(plan: Plan, log: Log) -> Row:
    """Return the figures of an attack, as plain data."""
    false = log.of("false")
    guarded, unguarded = ({n: log.of(p).get(n) for n in false} for p in ("guarded", "unguarded"))
    mutants = [row for each in log.of("mutants").values() for row in each.get("mutants", ())]
    kinds = sorted({row["kind"] for row in mutants})
    return {
        "sources": len(plan.sources),
        "seconds": plan.seconds,
        "seed": plan.seed,
        "false": _summarise_verdicts(guarded, false),
        "unguarded": _summarise_verdicts(unguarded, false),
        "originals": dict(Counter(row["verdict"] for row in log.of("original").values())),
        "mutants": {
            "certificates": len(log.of("mutants")),
            "false statement": _count_mutants([row for row in mutants if row["false"]]),
            "true statement": _count_mutants([row for row in mutants if not row["false"]]),
            "kinds": {kind: _count_mutants(_of_kind(mutants, kind)) for kind in kinds},
        },
        "breaches": list_breaches(log),
        "cpu_seconds": {
            part: round(sum(row["seconds"] for row in log.of(part).values()), 1)
            for part in ("guarded", "unguarded", "original", "mutants")
        },
    }


def _of_kind(rows: Iterable[Row], kind: str) -> list[Row]:
    return [row for row in rows if row["kind"] == kind]


def _count_mutants(rows: Sequence[Row]) -> Row:
    counts = Counter(row["verdict"] for row in rows)
    return {"tried": len(rows), **{v: counts[v] for v in ("accepted", "refused", "crashed")}}


def _summarise_verdicts(rows: Mapping[str, Row | None], false: Mapping[str, Row]) -> Row:
    """Return how many false statements got which verdict, in all and by kind."""
    done = {name: row for name, row in rows.items() if row is not None}
    verdicts = ("proved", "refuted", "open", "refused", "crashed", "lost")
    counts = Counter(row["verdict"] for row in done.values())
    kinds = sorted({each["kind"] for each in false.values()})
    found: Row = {"statements": len(done), **{v: counts[v] for v in verdicts}}
    if done:
        interval = wilson(counts["refuted"], len(done))
        found["refuted share"] = [interval.estimate, interval.low, interval.high]
    found["not decided"] = [n for n, row in done.items() if row["verdict"] not in verdicts[:2]]
    found["kinds"] = {
        kind: dict(Counter(row["verdict"] for n, row in done.items() if false[n]["kind"] == kind))
        for kind in kinds
    }
    return found


def list_breaches(log: Log) -> list[Row]:
    """Return the certificates of false statements that were accepted, each with its point."""
    false = log.of("false")
    breaches = [
        {"part": part, "id": name, "point": false[name]["point"], "certificate": row["certificate"]}
        for part in ("guarded", "unguarded")
        for name, row in log.of(part).items()
        if row["verdict"] == "proved"
    ]
    for name, each in log.of("mutants").items():
        for row in each.get("mutants", ()):
            if row["false"] and row["verdict"] == "accepted":
                breaches.append({"part": "mutants", "id": name, **row})
    return breaches
