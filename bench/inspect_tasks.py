"""Our benchmarks and our checker for inspect: `inspect eval bench/math500 --model MODEL`.

Inspect finds them by the entry point `bench` of the group `inspect_ai`, which is called as the
package is, since that is what inspect goes by. In a checkout it is asked for the file:
`inspect eval bench/inspect_tasks.py@math500`. Nothing else here imports this module. There is a
task for each evaluation set of the registry, and for each part of the embedded pool that has
references. A response is read and judged as in a run: by the
references, errata included, or by the problem's verifier. What could not be judged is left
unscored, so that inspect counts it neither as right nor as wrong.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from inspect_ai import Task, task
from inspect_ai.dataset import MemoryDataset, Sample
from inspect_ai.scorer import Score, Scorer, Target, accuracy, scorer, stderr
from inspect_ai.solver import TaskState, generate, prompt_template

from bench.answers import final_answer
from bench.exports.inspect_log import VALUES
from bench.problems import BENCHMARKS, Role, load
from bench.problems.generated import PROOF, embedded_names
from bench.runs.grading import judge, reason_of
from bench.types import Problem

PROMPT = """\
{prompt}

Solve the problem step by step, and put the final answer in \\boxed{{}}."""


@scorer(metrics=[accuracy(), stderr()])  # type: ignore[untyped-decorator]
def checker() -> Scorer:
    """Judge a response as `rstar-bench run` judges an answer."""

    async def score(state: TaskState, target: Target) -> Score:
        problem: Problem = state.metadata["problem"]
        answer = final_answer(state.output.completion).answer
        verdict = await judge(problem, answer)
        about = {"outcome": str(verdict.outcome)}
        if verdict.outcome.is_failure:
            return Score.unscored(explanation=reason_of(verdict), metadata=about)
        return Score(
            value=VALUES[verdict.outcome],
            answer=answer,
            explanation=reason_of(verdict),
            metadata=about,
        )

    return score


def _declare(name: str) -> Callable[..., Any]:
    """Declare the task of a benchmark."""

    def make(limit: int | None = None, errata: bool = True) -> Task:
        problems = load(name, limit=limit, errata=errata)
        samples = [
            Sample(
                input=problem.question,
                target=problem.answer,
                id=problem.id,
                metadata={"problem": problem},
            )
            for problem in problems
        ]
        return Task(
            dataset=MemoryDataset(samples, name=name),
            solver=[prompt_template(PROMPT), generate()],
            scorer=checker(),
        )

    title = BENCHMARKS[name].title if name in BENCHMARKS else name
    make.__doc__ = f"{title}; `-T limit=N` asks the first so many problems."
    declared: Callable[..., Any] = task(make, name=name)
    return declared


_SETS = [name for name, each in BENCHMARKS.items() if each.role is Role.EVAL]
_POOLS = [name for name in embedded_names() if name.removeprefix("embedded-") not in PROOF]
TASKS = {name: _declare(name) for name in (*_SETS, *_POOLS)}
