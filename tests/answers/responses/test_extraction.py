"""Where a final answer is found, and what is said when there is none."""

from __future__ import annotations

import time

import pytest

from bench.answers import Extracted, Where, final_answer
from bench.answers.responses.extraction import stated_answer

FOUND = [
    (r"so \boxed{42}", "42", Where.BOX),
    (r"\boxed{\frac{1}{2}} is it.", r"\frac{1}{2}", Where.BOX),
    (r"first \boxed{1}, then \boxed{ 2 }", "2", Where.BOX),
    (r"\fbox{9}", "9", Where.BOX),
    (r"\boxed {9}", "9", Where.BOX),
    (r"\boxed{\boxed{5}}", "5", Where.BOX),
    (r"\boxed{\text{yes} \{1, 2\}}", r"\text{yes} \{1, 2\}", Where.BOX),
    (r"\boxed{\left\{ \frac{1}{2} \right.}", r"\left\{ \frac{1}{2} \right.", Where.BOX),
    (
        r"\boxed{\begin{pmatrix}1\\{2}\end{pmatrix}}",
        r"\begin{pmatrix}1\\{2}\end{pmatrix}",
        Where.BOX,
    ),
    ("<output>6<end_of_output>\n<answer>It is \\boxed{6}<end_of_answer>", "6", Where.BOX),
    (r"The answer is 3. Wait: \boxed{4}", "4", Where.BOX),
    (r"the result is $\boxed 7$.", "7", Where.BARE_BOX),
    ("16 - 7 = 9\n#### 1,234", "1,234", Where.HASHES),
    ("The answer is 42.", "42", Where.WORDS),
    ("The answer is 3.5. I hope so.", "3.5", Where.WORDS),
    (r"The final answer is: $\frac{1}{2}$. I hope it is correct.", r"\frac{1}{2}", Where.WORDS),
    (r"Answer: \(x = 3\)", "x = 3", Where.WORDS),
    ("**Answer:** 12", "12", Where.WORDS),
    ("The answer is 1.\nNo, the answer is 2.", "2", Where.WORDS),
    ("<answer>The answer is 8<end_of_answer>", "8", Where.WORDS),
]


@pytest.mark.parametrize(("text", "answer", "where"), FOUND)
def test_the_last_answer_is_found_and_its_mark_named(text: str, answer: str, where: Where) -> None:
    extraction = final_answer(text)
    assert (extraction.answer, extraction.where) == (answer, where)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "no text"),
        (" \n", "no text"),
        ("I do not know", "no box"),
        (r"so \boxed{\frac{1}{2}", "not closed"),
        (r"so \boxed{}", "empty"),
        (r"so \boxed{1} or rather \boxed{ }", "empty"),
        ("print(answer)", "no box"),
    ],
)
def test_a_text_without_an_answer_has_a_reason(text: str, reason: str) -> None:
    extraction = final_answer(text)
    assert extraction.answer is None
    assert extraction.where is Where.NOWHERE
    assert reason in extraction.reason


def test_a_box_cut_off_after_a_whole_one_is_mentioned() -> None:
    assert final_answer(r"\boxed{1} and \boxed{2") == Extracted(
        "1", Where.BOX, "a later box is not closed"
    )


@pytest.mark.parametrize(
    "unit",
    [r"\boxed{", "{", "}", "answer is ", "answer is <", "$", "\\", r"\boxed ", "####", "<|a"],
)
def test_hostile_text_is_read_in_linear_time(unit: str) -> None:
    start = time.perf_counter()
    final_answer(unit * 20_000)
    assert time.perf_counter() - start < 1.0


STATED = [
    (r"\frac{1}{2}", r"\frac{1}{2}", Where.WHOLE),
    (r"so \boxed{-2} \quad \text{and} \quad \boxed{1}", "-2, 1", Where.BOX),
    (r"\boxed{5} is wrong, it is \boxed{6}", "6", Where.BOX),
    (r"I get \boxed{255}. Final Answer: The final answer is $300$.", "300", Where.WORDS),
    (r"The rate is $\boxed{28}\%$.", r"28\%", Where.BOX),
    ("<|begin_of_box|>A<|end_of_box|>", "A", Where.TAG),
    ("The answer is not A, it is B", "B", Where.WORDS),
    ("```python\nprint(7)\n```\n```output\n7\n```", "7", Where.OUTPUT),
    (r"We find that the value is $x = 3$.", "x = 3", Where.FORMULA),
    ("Therefore there are 12 of them in all. I hope it is correct.", "12", Where.LINE),
    ("There are **858** of them, we conclude.", "858", Where.BOLD),
    ("First, compute the sum of them.\n42", "42", Where.LINE),
    ("因此，他一共有 99 颗弹珠。", "99", Where.NUMBER),
    ("La respuesta correcta es 18.", "18", Where.LINE),
]


@pytest.mark.parametrize(("text", "answer", "where"), STATED)
def test_an_answer_given_in_passing_is_found(text: str, answer: str, where: Where) -> None:
    extraction = stated_answer(text)
    assert (extraction.answer, extraction.where) == (answer, where)


def test_nothing_is_looked_for_in_a_program() -> None:
    program = "x = open('file 7','w'); print('the result is', 1)"
    assert stated_answer(program) == Extracted(program, Where.WHOLE, "a program, not an answer")
