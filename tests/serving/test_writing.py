"""A solution as a person reads it: no tags, its answer in the last box."""

from __future__ import annotations

import pytest

pytest.importorskip("starlette", reason="rstar-bench[serve] is not installed")

from bench.search import NodeKind, Trace  # noqa: E402
from bench.search.tree import new_trace  # noqa: E402
from bench.serving.writing import cut_at_stops, write_solution  # noqa: E402


def chain(start: str, answer: str, *steps: str) -> Trace:
    trace = new_trace("p", "greedy", 0, start)
    node = trace.nodes[0]
    for step in steps:
        node = trace.add(node, 0, step, NodeKind.STEP, 1)
    node.kind, node.answer = NodeKind.ANSWER, answer
    return trace


def test_steps_are_one_program_and_the_box_ends_it() -> None:
    trace = chain(
        "<code>",
        "75",
        "\n# Step 1: Count\njars = 14 * 6\n<end_of_step>",
        "\nprint(jars - 9)\n<end_of_code>\n<output>75<end_of_output>\n",
        "<answer>The answer is \\boxed{75}.<end_of_answer>",
    )
    pieces = write_solution(trace, 3)
    assert len(pieces) == 3
    assert "".join(pieces) == (
        "```python\n# Step 1: Count\njars = 14 * 6\nprint(jars - 9)\n```\n\n"
        "Output: 75\n\nThe answer is \\boxed{75}."
    )


def test_an_output_on_the_way_and_one_of_several_lines_are_shown() -> None:
    trace = chain(
        "<code>",
        "2",
        "\nprint(1)\n<output>1<end_of_output>\n",
        "\nprint(2)\n<end_of_code>\n<output>1\n2<end_of_output>\n",
        "<answer>\\boxed{2}<end_of_answer>",
    )
    assert "".join(write_solution(trace, 3)) == (
        "```python\nprint(1)\n```\n\nOutput: 1\n\n```python\nprint(2)\n```\n\n"
        "Output:\n```text\n1\n2\n```\n\n\\boxed{2}"
    )


@pytest.mark.parametrize(
    "said", ["<answer>It is 4.<end_of_answer>", "<answer>\\boxed{4} or \\boxed{5}<end_of_answer>"]
)
def test_an_answer_that_is_not_in_the_last_box_gets_one(said: str) -> None:
    text = "".join(write_solution(chain("<code>", "4", said), 1))
    assert text.endswith("\n\nThe answer is \\boxed{4}.")


def test_a_plan_is_told_before_its_solution() -> None:
    trace = chain(
        "<plan>",
        "3",
        "\n<step>Plan 1: Add them.</step>",
        "\n</plan>\n<solution>\n1 + 2 = 3. The final answer is \\boxed{3}.\n</solution>",
    )
    assert "".join(write_solution(trace, 2)) == (
        "Plan 1: Add them.\n\n1 + 2 = 3. The final answer is \\boxed{3}."
    )


def test_a_text_ends_before_the_first_stop_string() -> None:
    pieces = ["abc", "def", "ghi"]
    assert cut_at_stops(pieces, ()) == pieces
    assert cut_at_stops(pieces, ("x", "cd")) == ["ab"]
    assert cut_at_stops(pieces, ("g", "h")) == ["abc", "def"]
    assert cut_at_stops(pieces, ("a",)) == []
