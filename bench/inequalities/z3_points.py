"""Points at which a statement is false, of nlsat, z3's decision procedure for polynomials.

It runs in a process of its own, which a timer of CPU time ends and whose memory is bounded: z3's
own timeout is a wall clock. A point of its counts where it is verified exactly, as every other.
That there is none is z3's word, which no certificate shows.
"""

from __future__ import annotations

import json
import math
import resource
import signal
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from bench.errors import EngineError
from bench.inequalities.counterexamples import Counterexample, refute_near
from bench.inequalities.packages import require_z3
from bench.inequalities.polynomials import Polynomial, terms_of, variables_of
from bench.inequalities.quotients import NoPolynomial, Quotients
from bench.inequalities.statements import Statement, add, negate

MEMORY = 2 << 30
"""Bytes that the process may take."""
WAIT = 50.0
"""Multiple of its CPU time, by the wall clock, after which the machine gives it none."""
DIGITS = 30
"""Decimal places to which an irrational coordinate is known."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What became of asking z3."""

    counterexample: Counterexample | None
    said: str
    """What z3 found out, in words; a proof of nothing."""
    seconds: float
    """CPU time of its process."""


NOT_ASKED = Answer(None, "", 0.0)


def ask_z3(statement: Statement, seconds: float) -> Answer:
    """Look for a counterexample in so many CPU seconds, those of loading z3 not among them.

    Raises MissingExtraError: z3 is not installed.
    """
    require_z3("asking z3 for a counterexample")
    try:
        script = write_script(statement)
    except NoPolynomial:
        return Answer(None, "z3 was not asked: it knows polynomials and roots of low degree", 0.0)
    before = _children_seconds()
    found, said = _run(script, seconds), "z3 came to no end in its time and memory"
    spent = _children_seconds() - before
    if found["answer"] == "unsat":
        said = "z3 says that there is no counterexample, without a certificate"
    if found["answer"] == "sat":
        values = found["point"]
        point = {v: Fraction(values.get(f"x{i}", 0)) for i, v in enumerate(statement.variables)}
        counterexample = refute_near(statement, point)
        if counterexample is not None:
            return Answer(counterexample, "z3 gave a counterexample", spent)
        said = "z3 says that there is a counterexample, but no rational one was found near it"
    return Answer(None, said, spent)


def write_script(statement: Statement) -> str:
    """Return in SMT-LIB's language that the assumptions hold and a claim does not.

    Raises NoPolynomial: it cannot be said in polynomials.
    """
    relations = statement.assumptions + statement.claims
    sides = {relation: add(relation[1], negate(relation[2])) for relation in relations}
    quotients = Quotients(statement.variables, sides.values())
    read = {relation: quotients.read(side) for relation, side in sides.items()}
    lines = [f"(declare-const x{i} Real)" for i in range(quotients.size)]
    lines += [f"(assert (= {_write(p)} 0))" for p in quotients.equations]
    lines += [f"(assert (>= {_write(root)} 0))" for root in quotients.roots.values()]
    lines += [f"(assert (distinct {_write(b)} 0))" for _, b in read.values() if variables_of(b)]
    lines += [f"(assert {_write_relation(a[0], *read[a])})" for a in statement.assumptions]
    violated = (f"(not {_write_relation(claim[0], *read[claim])})" for claim in statement.claims)
    lines.append(f"(assert (or {' '.join(violated)} false))")
    return "\n".join(lines)


def _write_relation(op: str, top: Polynomial, bottom: Polynomial) -> str:
    """Return a relation of a quotient and 0; its denominator is said elsewhere not to be 0."""
    product = f"(* {_write(top)} {_write(bottom)})"
    return f"(distinct {product} 0)" if op == "!=" else f"({op} {product} 0)"


def _write(p: Polynomial) -> str:
    """Return a positive multiple of a polynomial, with whole coefficients."""
    terms = terms_of(p)
    times = math.lcm(*(c.denominator for c in terms.values()))
    written = ["0"]
    for exponents, c in terms.items():
        whole = int(c * times)
        factors = [str(whole) if whole >= 0 else f"(- {-whole})", "1"]
        factors += [f"x{i}" for i, k in enumerate(exponents) for _ in range(k)]
        written.append(f"(* {' '.join(factors)})")
    return f"(+ {' '.join(written)} 0)"


def _children_seconds() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _run(script: str, seconds: float) -> Mapping[str, Any]:
    """Return the answer to a script: sat with a point, unsat, or unknown."""
    question = json.dumps({"script": script, "seconds": seconds})
    command = [sys.executable, "-m", __spec__.name]
    try:
        done = subprocess.run(
            command, input=question, capture_output=True, text=True, timeout=WAIT * (seconds + 1)
        )
    except subprocess.TimeoutExpired as error:  # not z3's fault, and nothing it said
        raise EngineError(
            f"z3 got less than {seconds:g} s of a core in {WAIT * (seconds + 1):.0f} s"
        ) from error
    if done.returncode < 0:  # ended by the timer, or for its memory
        return {"answer": "unknown"}
    if done.returncode:
        raise RuntimeError(f"the process that asks z3 failed: {done.stderr.strip()[-300:]}")
    answer: Mapping[str, Any] = json.loads(done.stdout)
    return answer


# In the process


def _answer(question: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return what z3 says, unless this process is ended before."""
    hard = resource.getrlimit(resource.RLIMIT_AS)[1]
    most = MEMORY if hard == resource.RLIM_INFINITY else min(MEMORY, hard)
    resource.setrlimit(resource.RLIMIT_AS, (most, most))
    import z3

    signal.setitimer(signal.ITIMER_PROF, question["seconds"])
    solver = z3.Tactic("qfnra-nlsat").solver()
    solver.from_string(question["script"])
    try:
        answer = str(solver.check())
    except (MemoryError, z3.Z3Exception):  # of which one is that of no memory
        answer = "unknown"
    if answer != "sat":
        return {"answer": answer}
    model = solver.model()
    values = {str(each): model[each] for each in model.decls() if not each.arity()}
    rational = {v: x.approx(DIGITS) if z3.is_algebraic_value(x) else x for v, x in values.items()}
    return {"answer": answer, "point": {v: str(x.as_fraction()) for v, x in rational.items()}}


if __name__ == "__main__":
    print(json.dumps(_answer(json.load(sys.stdin))))
