"""A step's text without its tags."""

from __future__ import annotations

import pytest

from bench.prompts.parts import Part, PartKind, first_kind, split_parts

CODE, TEXT, OUTPUT = PartKind.CODE, PartKind.TEXT, PartKind.OUTPUT
ANSWER, PLAN = PartKind.ANSWER, PartKind.PLAN


@pytest.mark.parametrize(
    ("text", "kind", "parts"),
    [
        ("\nx = 1\n<end_of_step>", CODE, [(CODE, "x = 1")]),
        ("\n<end_of_step>", CODE, []),
        ("  if x:\n    y\n<end_of_code>", CODE, [(CODE, "  if x:\n    y")]),
        (
            "print(2)<end_of_code>\n<output>2<end_of_output>\n",
            CODE,
            [(CODE, "print(2)"), (OUTPUT, "2")],
        ),
        (
            "print(1)<output>1<end_of_output>\nprint(2)",
            CODE,
            [(CODE, "print(1)"), (OUTPUT, "1"), (CODE, "print(2)")],
        ),
        ("<answer>It is \\boxed{2}.<end_of_answer>", CODE, [(ANSWER, "It is \\boxed{2}.")]),
        ("\n<step>Plan 1: Add.</step>", PLAN, [(PLAN, "Plan 1: Add.")]),
        ("\n</plan>\n<solution>\nIt is 3.\n</solution>", PLAN, [(TEXT, "It is 3.")]),
        ("</plan>\n<solution>\n<code>\nprint(3)\n</solution>", PLAN, [(CODE, "print(3)")]),
    ],
)
def test_a_step_is_split_at_its_tags(
    text: str, kind: PartKind, parts: list[tuple[PartKind, str]]
) -> None:
    assert split_parts(text, kind) == [Part(*part) for part in parts]


@pytest.mark.parametrize(("root", "kind"), [("<code>", CODE), ("<plan>", PLAN), ("x > 0", TEXT)])
def test_what_a_solution_begins_with_says_what_a_step_is(root: str, kind: PartKind) -> None:
    assert first_kind(root) is kind
