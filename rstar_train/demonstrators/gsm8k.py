"""The round-1 searcher of the `smollm2-gsm8k` recipe: human solutions as executed code steps.

GSM8K's training solutions carry calculator annotations: `48/2 = <<48/2=24>>24 clips`. A line of
such a solution becomes a step: its sentence is the comment, its annotations are assignments, and a
number that an earlier step computed becomes that step's variable. So a person's reasoning takes the
place of the paper's 236B policy. Mistakes are drawn as the rule-based demonstrator draws them, and
the search's reward decides what was right; the reference answer is not read here. Results that rest
on this say that people wrote the solutions.
"""

from __future__ import annotations

import ast
import random
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from bench.engines.base import Completion
from bench.errors import DataError, EngineError, MissingDataError, MissingExtraError
from bench.files.lines import decode, number_lines
from bench.problems import BENCHMARKS, mirror
from bench.types import Problem
from rstar_train.demonstrators.by_rule import propose_plan
from rstar_train.demonstrators.families import Plan, PlannedStep, misread_one

POOL = "gsm8k_train"
LEVELS = ((2, "1-2 calculations"), (4, "3-4 calculations"), (99, "5 or more calculations"))
"""The most calculations of each level, and its name."""
_ANNOTATION = re.compile(r"<<([^<>]*)=([^<>=]*)>>")
_RESULT = re.compile(r"\s*=\s*[^\w\s<]?\s*<<[^<>]*>>\s*-?[\d,.]*\d")
"""`= <<48/2=24>>24` in a sentence: the step's code works it out, the comment need not know it."""
_NUMBER = re.compile(r"(?<![\w.])(?:\d+\.?\d*|\.\d+)(?![\w.])")


@dataclass(frozen=True, slots=True)
class GSM8KDemonstrator:
    """Proposes the steps of the human solution, each right with probability 1 - `mistake_rate`."""

    solutions: Mapping[str, str]
    """By problem id, as published."""
    mistake_rate: float
    name: str = "GSM8K's human solutions, executed"

    @classmethod
    def read(cls, mistake_rate: float) -> GSM8KDemonstrator:
        """Read the solutions of GSM8K's training set. Raises MissingDataError, DataError."""
        return cls(solutions(), mistake_rate)

    def can_solve(self, problem: Problem) -> bool:
        """Whether the problem has a solution whose every calculation can be run."""
        return self._plan(problem) is not None

    async def propose(
        self,
        problem: Problem,
        partial: str,
        *,
        n: int,
        seed: int,
        stop: Sequence[str],
        greedy: bool = False,
    ) -> list[Completion]:
        """Return `n` candidate next steps. Raises EngineError for a problem without a plan."""
        plan = self._plan(problem)
        if plan is None:
            raise EngineError(f"GSM8K has no annotated solution of {problem.id!r} that can be run")
        rate = 0.0 if greedy else self.mistake_rate
        return propose_plan(plan, partial, n=n, seed=seed, mistake_rate=rate)

    def _plan(self, problem: Problem) -> Plan | None:
        solution = self.solutions.get(problem.id)
        return None if solution is None else plan_of(solution)


def plan_of(solution: str) -> Plan | None:
    """Return a solution as steps of code, or None where its calculations cannot be read.

    Lines without a calculation are put before the next step as further comment; what follows the
    last calculation is the answer, and is dropped.
    """
    steps: list[PlannedStep] = []
    known: list[tuple[float, str]] = []
    said: list[str] = []
    for line in solution.splitlines():
        if line.startswith("####"):
            break
        said.append(" ".join(_ANNOTATION.sub("", _RESULT.sub("", line)).split()))
        calculations = _ANNOTATION.findall(line)
        if not calculations:
            continue
        code = []
        for expression, _ in calculations:
            written = _with_variables(expression, known)
            value = _value(expression)
            if written is None or value is None:
                return None
            name = _name(len(known))
            code.append(f"{name} = {written}")
            known.append((value, name))
        comment = " ".join(part for part in said if part)
        steps.append(_step("\n".join(code), comment, [name for _, name in known]))
        said = []
    return Plan(tuple(steps), known[-1][1]) if steps else None


def with_levels(problems: Iterable[Problem]) -> list[Problem]:
    """Return problems of the training set with how many calculations their solutions take.

    GSM8K has no levels; coverage is shown, and a curriculum is chosen, by these. Raises what
    `solutions` raises.
    """
    known = solutions()

    def levelled(problem: Problem) -> Problem:
        count = len(_ANNOTATION.findall(known.get(problem.id, "")))
        level = next((name for most, name in LEVELS if 0 < count <= most), None)
        return replace(problem, level=level)

    return [levelled(problem) for problem in problems]


def solutions() -> dict[str, str]:
    """Return GSM8K's training solutions by problem id, from the mirror, else from the hub.

    Raises MissingDataError, MissingExtraError, DataError.
    """
    benchmark = BENCHMARKS[POOL]
    path = mirror.locate(benchmark)
    if path is not None:
        return _of_mirror(path)
    hub = benchmark.hub
    assert hub is not None, "GSM8K is on the hub"
    try:
        import datasets
    except ImportError as error:
        raise MissingExtraError("reading GSM8K from the hub", "datasets", "cpu") from error
    try:
        rows = datasets.load_dataset(hub.id, hub.configs[0], split=hub.split)
    except (OSError, ValueError) as error:
        raise MissingDataError(
            f"cannot read GSM8K's solutions from {hub.id!r} ({error}); set {mirror.VARIABLE} to a "
            f"directory that holds {benchmark.file!r}"
        ) from error
    return {f"{hub.key_prefix}{at}": str(row[hub.answer]) for at, row in enumerate(rows)}


def _of_mirror(path: Path) -> dict[str, str]:
    found = {}
    for number, line in number_lines(path.read_bytes()):
        row = decode(line)
        if not isinstance(row.get("solution"), str):
            raise DataError(
                f"{path}, line {number}: no 'solution', which the demonstrator writes its steps "
                "from; restore the file"
            )
        found[str(row["id"])] = row["solution"]
    return found


def _name(index: int) -> str:
    """Return the variable of calculation `index`: a to z, then a1, b1 and so on."""
    letter = "abcdefghijklmnopqrstuvwxyz"[index % 26]
    return letter if index < 26 else f"{letter}{index // 26}"


def _with_variables(expression: str, known: Sequence[tuple[float, str]]) -> str | None:
    """Return an annotation's left side as Python, earlier results by name; None if it is none."""
    latest = {value: name for value, name in known}

    def named(match: re.Match[str]) -> str:
        value = float(match[0])
        # Small whole numbers are mostly counts and rates of the question, not earlier results.
        if value in latest and not (value < 3 and value.is_integer()):
            return latest[value]
        return match[0].lstrip("0") or "0" if match[0].isdigit() else match[0]

    written = _NUMBER.sub(named, expression.strip())
    spaced = re.sub(r"\s*([-+*/]+)\s*", r" \1 ", written).strip()
    try:
        ast.parse(spaced, mode="eval")
    except SyntaxError:
        return None
    return spaced


def _value(expression: str) -> float | None:
    """Return the value of an annotation's left side; None where it is no plain arithmetic."""
    try:
        tree = ast.parse(_NUMBER.sub(lambda m: repr(float(m[0])), expression.strip()), mode="eval")
        return _evaluated(tree.body)
    except (SyntaxError, ValueError, ZeroDivisionError):
        return None


def _evaluated(node: ast.expr) -> float:
    if isinstance(node, ast.Constant) and isinstance(node.value, float):
        return node.value
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub | ast.UAdd):
        inner = _evaluated(node.operand)
        return -inner if isinstance(node.op, ast.USub) else inner
    if isinstance(node, ast.BinOp):
        left, right = _evaluated(node.left), _evaluated(node.right)
        match node.op:
            case ast.Add():
                return left + right
            case ast.Sub():
                return left - right
            case ast.Mult():
                return left * right
            case ast.Div():
                return left / right
    raise ValueError(f"{ast.dump(node)} is no plain arithmetic")


def _step(code: str, comment: str, names: Sequence[str]) -> PlannedStep:
    def mistakes(rng: random.Random) -> list[str]:
        head, _, last = code.rpartition("\n")
        name, _, expression = last.partition(" = ")
        before = f"{head}\n" if head else ""
        drawn = [misread_one(code, rng), misread_one(code, rng), f"{before}{name} = valu"]
        found = [at for at, char in enumerate(expression) if char in "+-*/"]
        if found:
            at = rng.choice(found)
            other = rng.choice([op for op in "+-*/" if op != expression[at]])
            drawn += [f"{before}{name} = {expression[:at]}{other}{expression[at + 1 :]}"] * 2
        earlier = [each for each in names if each != name]
        if earlier:
            drawn.append(f"{before}{name} = {rng.choice(earlier)}")
        return drawn

    return PlannedStep(code, (comment,), mistakes)
