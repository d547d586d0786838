"""How the official code reads steps and shows what programs print, case by case."""

from __future__ import annotations

import pytest

from bench.sandbox import Sandbox
from bench.search.official.executor import observe
from bench.search.official.steps import WholePrograms, _code, boxed_answer
from bench.search.tree import new_trace


@pytest.mark.parametrize(
    ("program", "shown"),
    [
        ("print(83)", "83"),
        ("print(3.14159265)", "3.1416"),
        ("x = 1 / 3\nx", "0.3333333333333333"),
        ("str(1 / 3)", "0.3333"),
        ("x = 2", ""),
        ("# only a remark", ""),
        ("", ""),
        # One printing statement that is not the last: what it printed is lost.
        ("print(7)\nx = 2", ""),
        ("print(7)\nx = 2\nx * 3", "6"),
        # Several: each with its label, and what follows the last one is not run.
        ("a = 4\nprint(a)\nprint(a + 1)", "a: 4\na + 1: 5"),
        ("print(1)\nprint(2)\n1 / 0", "1: 1\n2: 2"),
        ("for i in range(2):\n    print(i)\nprint(9)", "i: 0\n1\n9: 9"),
        ("print(1)\nif False:\n    print(2)", "1: 1\n2:"),
        # Only a print directly in a block counts as one.
        ("for i in range(2):\n    if i:\n        print(i)", "1"),
        ("1 / 0", "ZeroDivisionError: division by zero"),
        ("for in range(3):\n    pass", "SyntaxError: invalid syntax (<unknown>, line 1)"),
        ("```python\nprint(5)\n```", "5"),
        ("print('x' * 2000)", "x" * 512 + "..." + "x" * 511),
    ],
)
def test_what_the_official_executor_shows(program: str, shown: str) -> None:
    assert observe(program) == shown


@pytest.mark.parametrize(
    ("step", "answer"),
    [
        ("<answer>It is \\boxed{7}.<end_of_answer>", "7"),
        ("\\boxed{1} or \\boxed{\\frac{1}{2}}.", "\\frac{1}{2}"),
        ("\\boxed{1}.\nNo, \\boxed{2}.", "1"),
        ("\\boxed{\\text{Monday}}", "Monday"),
        ("\\boxed{3 \\text{and} 4}", "3  4"),
        ("\\boxed{}", ""),
        ("it is boxed", "it is boxed"),
    ],
)
def test_the_official_answer_of_a_step(step: str, answer: str) -> None:
    assert boxed_answer(step) == answer


def test_code_is_what_stands_between_the_tags_else_everything() -> None:
    assert _code("<code>\nx = 1\n<end_of_step>\ny = 2\n<end_of_code>\nprose") == (
        "# ========\nx = 1\n\ny = 2"
    )
    assert _code("\n\nx = 1\n<end_of_code>") == "x = 1\n<end_of_code>"


@pytest.mark.asyncio(loop_scope="package")
async def test_the_harness_runs_in_the_sandbox_as_it_does_outside(sandbox: Sandbox) -> None:
    trace = new_trace("p", "mcts", 0, "<code>")
    step = "\nprint(1 / 3)\nprint(__name__)\n<end_of_code>"
    execution = await WholePrograms(sandbox, max_depth=4).run(trace, trace.nodes[0], step)
    assert execution is not None
    assert execution.stdout == "1 / 3: 0.3333\n__name__: __main__"
