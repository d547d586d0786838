"""Where a final answer is found, and what is said when there is none."""

from __future__ import annotations

import time
from typing import Literal

import pytest

from bench.answers import Conventions, Extracted, Where, check, final_answer
from bench.answers.responses.extraction import stated_answer
from bench.types import Outcome

FOUND = [
    (r"so \boxed{42}", "42", Where.BOX),
    ("so \\boxed{\frac{1}{2}}", r"\frac{1}{2}", Where.BOX),  # a form feed for the backslash
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
    [
        *[r"\boxed{", "{", "}", "answer is ", "answer is <", "$", "\\", r"\boxed ", "####", "<|a"],
        *[r"not \boxed{}", r"-\boxed{1 ", r"not \boxed{1}", r"\boxed{...", "not the answer is 1"],
        *["```python\n", "```\n", "```py\n\\boxed{1}\n```\n", r"\boxed{1} is ", r"\boxed{1    }%"],
    ],
)
def test_hostile_text_is_read_in_linear_time(unit: str) -> None:
    start = time.thread_time()
    final_answer(unit * 20_000)
    assert time.thread_time() - start < 1.0


BESIDE_A_BOX = [
    (r"So \boxed{5} % done", "5"),
    (r"$\boxed{x+1}$ % comment", "x+1"),
    (r"\boxed{x+1}% comment", "x+1"),
    (r"\boxed{5}%", "5%"),
    (r"\boxed{5} %.", "5%"),
    ("\\boxed{5} %\nThat is it.", "5%"),
    (r"\boxed{5} % of it", "5%"),
    (r"$\boxed{3,5}$%", "3,5%"),
    (r"$\boxed{5}\%$ in all", r"5\%"),
    (r"\boxed{p = 20}\%", r"p = 20\%"),
    (r"\boxed{28}$ pct", "28pct"),
    (r"x = -\boxed{2}", "-2"),
    (r"**x = -\boxed{2}**", "-2"),
    (r"It is -\boxed{2}.", "-2"),
    (r"so $-\boxed{\frac{1}{2}}$", r"-\frac{1}{2}"),
    ("\\[\n-\\boxed{2}\n\\]", "-2"),
    (r"$x = -\boxed{90}^\circ$", r"-90^\circ"),
    (r"$x = -\boxed{2}$ and $y = -\boxed{3}$", "-2, -3"),
    (r"3-\boxed{2}", "2"),
    (r"$x -\boxed{2}$", "2"),
    (r"$5$-\boxed{2}", "2"),
    (r"- \boxed{2}", "2"),
    (r"---\boxed{2}", "2"),
    (r"$x = -\boxed{-2}$", "-2"),
    (r"$y = -\boxed{2}x$", "2"),
    (r"$y = -\boxed{x+1}$", "x+1"),
    (r"$\frac{-\boxed{2}}{3}$", "2"),
]


@pytest.mark.parametrize(("text", "answer"), BESIDE_A_BOX)
def test_a_sign_counts_where_it_belongs_to_the_box(text: str, answer: str) -> None:
    assert final_answer(text).answer == answer


AFTER_A_BOX = [
    *[
        (said, said)
        for said in ("3", "-3", "x = 5", "x + 1", "f(2)", "sqrt(2)", "π", "1/2", "B", "No")
    ],
    *[("$x$", "x"), (r"\(y\)", "y"), (r"\text{False}", r"\text{False}"), ("(B) 12", "(B) 12")],
    *[
        (said, "7")
        for said in ("correct", "indeed 3", "as above", "verified", "above (see 3)", "it")
    ],
    *[(said, "7") for said in ("not 3", "never 3", "- as said - as before", "in the box")],
]


@pytest.mark.parametrize(("said", "answer"), AFTER_A_BOX)
def test_only_an_answer_replaces_what_is_boxed_before_it(said: str, answer: str) -> None:
    assert stated_answer(rf"So \boxed{{7}}. **The final answer is {said}.**").answer == answer
    doubted = stated_answer(rf"So \boxed{{7}}. I don't think the final answer is {said}.")
    assert doubted.answer == "7"


IN_CODE = [
    ("We get \\boxed{1}.\n```python\nprint(r'\\boxed{2}')\n```", "1"),
    ("We get \\boxed{1}.\n```python\nprint(r'\\boxed{2}')", "1"),
    ("I will write \\boxed{...}.\n```python\nprint(r'\\boxed{2}')\n```", "2"),
    ("We get \\boxed{1}.\n```\n\\boxed{2}\n```", "2"),
    ("We get \\boxed{1}.\n```output\n\\boxed{2}\n```", "2"),
    ("\\boxed{1}\n```python\nprint('The final answer is: ' + str(2))\n```", "1"),
]


@pytest.mark.parametrize(("text", "answer"), IN_CODE)
def test_a_program_states_no_answer_where_there_is_another(text: str, answer: str) -> None:
    assert stated_answer(text).answer == answer


STATED = [
    (r"\frac{1}{2}", r"\frac{1}{2}", Where.WHOLE),
    (r"so \boxed{-2} \quad \text{and} \quad \boxed{1}", "-2, 1", Where.BOX),
    (r"\boxed{5} is wrong, it is \boxed{6}", "6", Where.BOX),
    (r"I get \boxed{255}. Final Answer: The final answer is $300$.", "300", Where.WORDS),
    (r"The rate is $\boxed{28}\%$.", r"28\%", Where.BOX),
    ("<|begin_of_box|>A<|end_of_box|>", "A", Where.TAG),
    ("The answer is not A, it is B", "B", Where.WORDS),
    ("La respuesta correcta es 18.", "18", Where.WORDS),
    ('{"steps": "6 * 3", "answer": 18}', "18", Where.KEY),
    ('"answer": "\\frac{1}{2}",\n}', r"\frac{1}{2}", Where.KEY),
    ('{"answer": {"x": 1, "y": 2}}', "x = 1, y = 2", Where.KEY),
    ("```python\nprint(7)\n```\n```output\n7\n```", "7", Where.OUTPUT),
    ("First, compute the sum of them.\n42", "42", Where.SET_OFF),
    ("So the roots of it are as follows:\n- x = 2\n- x = 5", "x = 2, x = 5", Where.SET_OFF),
    ("We add them all up, which gives\n\\[\nS = 12.\n\\]", "S = 12", Where.SET_OFF),
    ("There are **858** of them, we conclude.", "858", Where.BOLD),
    (r"We find that the value is $x = 3$.", "$x = 3$", Where.SENTENCE),
    ("Therefore there are 12 of them in all. I hope it is correct.", "12", Where.SENTENCE),
    ("因此，他一共有 99 颗弹珠。", "99", Where.SENTENCE),
    ("The matrix has eigenvalues 2 and 3", "2 and 3", Where.SENTENCE),
    ("The sum is expected to approach zero.", "0", Where.SENTENCE),
    ("The integral of 2x is x^2 + C, where C is a constant.", "x^2 + C", Where.SENTENCE),
    ("So it will be Monday, no later.", None, Where.WHOLE),
    ("Each of them needs at least 101 coins.", "101 coins", Where.SENTENCE),
    ("no mark, just 503 here", "503", Where.NUMBER),
    ("We now look at it. Recall that 7 is prime, and 5 too.", None, Where.WHOLE),
]


@pytest.mark.parametrize(("text", "answer", "where"), STATED)
def test_an_answer_given_in_passing_is_found(text: str, answer: str | None, where: Where) -> None:
    extraction = stated_answer(text)
    assert (extraction.answer, extraction.where) == (answer or text, where)


IN_ORDER = [
    (r"The answer is 2. \boxed{1}", "1", Where.BOX),
    ("<answer>1</answer> So the answer is 2.", "1", Where.TAG),
    ("#### 2. Conclusion\nWe add.\nThe answer is 1.", "1", Where.WORDS),
    ("The answer is 1.\n#### 2", "1", Where.WORDS),
    ('{"answer": 2}\n#### 1', "1", Where.HASHES),
    ('{"answer": 1}\n```output\n2\n```', "1", Where.KEY),
    ("```output\n1\n```\nSo it is, all in all, **2**.", "1", Where.OUTPUT),
    ("It is **2** or so, all in all:\n\\[ x = 1 \\]", "x = 1", Where.SET_OFF),
    ("There are **1** of them, since 2 is less than 3.", "1", Where.BOLD),
    ("Put $x = 2$ in. The value of it is 1.", "1", Where.SENTENCE),
]


@pytest.mark.parametrize(("text", "answer", "where"), IN_ORDER)
def test_marks_are_believed_in_the_order_of_their_names(
    text: str, answer: str, where: Where
) -> None:
    extraction = stated_answer(text)
    assert (extraction.answer, extraction.where) == (answer, where)


def test_the_order_of_the_marks_is_that_of_the_table() -> None:
    members = list(Where)
    places = [members.index(where) for _, _, where in IN_ORDER]
    assert places == sorted(places)


LANGUAGES = [
    "Die Antwort lautet: 7",
    "La réponse est 7.",
    "La respuesta final es: 7",
    "La risposta è 7.",
    "A resposta é 7.",
    "Jawabannya adalah 7.",
    "Jibu ni 7.",
    "Câu trả lời là 7.",
    "Đáp án: 7",
    "Правильный ответ: 7",
    "答えは 7",
    "정답은 7",
    "الجواب هو 7",
    "उत्तर: 7",
    "উত্তর হল 7",
    "คำตอบคือ 7",
    "【答案】7<eoa>",
    "故答案为：7。",
    "答：7",
]


@pytest.mark.parametrize("text", LANGUAGES)
def test_the_answer_is_said_in_many_languages(text: str) -> None:
    assert final_answer(f"3 + 4 = 8 - 1\n{text}") == Extracted("7", Where.WORDS, "there is no box")


@pytest.mark.parametrize(
    "text",
    [
        "## Result\n#### 2. Adding up\nWe get nothing new.",
        "#### Step 3",
        "#### Case 2: let us see\nThen 5 is odd.",
        "##### 7",
        "#### 42\nBut then 43 follows.",
    ],
)
def test_a_heading_is_no_answer(text: str) -> None:
    assert final_answer(text).answer is None


GUESSED_WRONGLY = [
    ("2", r"It is $2^{2020} - 2$." + "\n\n(2) Now, to find the minimum of $f_{"),
    ("3", "The antiderivative then has -4x^3 - 8x^2 + C in it, as we have seen before."),
    ("6", "f(6) value after solving the equations"),
    ("0", r"The equilibrium \( x(t) = 0 \) is stable."),
    ("2", "Reject if sum(X_i^2) > (t_0 / 2) * chi_{2n}^2"),
    ("3", "The coefficient of the x^3 term of it is found from the values of a and b."),
    ("5", "Let us first see what happens in case 5"),
    ("4", "7 stuffed goats and 4 toy helicopters"),
    ("1", "1 and all the odd primes"),
    ("0.05", "No difference is seen at the 0.05 level."),
    ("3", "What fraction of 2 feet is 3 inches? Express your answer as a common fraction."),
    ("30", "A pack has 15 pieces. How many packs of gum does he need to last him 30 days?"),
    ("1", "Find an equation of the tangent line to $f(x) = x^2$ at $x = 1$."),
    ("7", "Convert the equation to polar coordinates: $y = 7$"),
    ("6", "Given that XY = 6, compute AT."),
    ("8", "We put x = 8 into the second equation, and then"),
]


@pytest.mark.parametrize(("gold", "text"), GUESSED_WRONGLY)
def test_no_answer_is_taken_from_prose_that_states_none(gold: str, text: str) -> None:
    for guess in ("accept", "refuse", "report"):
        assert not check(gold, text, Conventions(guess=guess)).correct


PROSE = "We add up. Some 12 of them we know of. They were hard to find."


@pytest.mark.parametrize(
    ("guess", "outcome"),
    [
        ("accept", Outcome.CORRECT),
        ("refuse", Outcome.NO_ANSWER),
        ("report", Outcome.GUESSED),
    ],
)
def test_a_guess_counts_as_its_convention_says_and_the_verdict_knows_better(
    guess: Literal["accept", "refuse", "report"], outcome: Outcome
) -> None:
    verdict = check("12", PROSE, Conventions(guess=guess))
    assert (verdict.outcome, verdict.guess) == (outcome, Outcome.CORRECT)
    assert "guess" in verdict.reason
    assert check("13", PROSE, Conventions(guess=guess)).guess is Outcome.WRONG


def test_an_answer_in_a_few_words_is_judged_though_it_is_a_guess() -> None:
    verdict = check("503", "no mark, just 503 here")
    assert (verdict.outcome, verdict.guess) == (Outcome.CORRECT, Outcome.CORRECT)
    refused = check("503", "no mark, just 503 here", Conventions(guess="refuse"))
    assert refused.outcome is Outcome.NO_ANSWER
    assert check("503", "It is 503.").guess is None


def test_nothing_is_looked_for_in_a_program() -> None:
    program = "x = open('file 7','w'); print('the result is', 1)"
    assert stated_answer(program) == Extracted(program, Where.WHOLE, "a program, not an answer")


@pytest.mark.parametrize(
    "unit", ["a. ", "is 5 ", "$x$ ", "\n1 ", "- 2\n", '"answer": ', "where C is ", "因此"]
)
def test_a_long_text_without_marks_is_read_in_linear_time(unit: str) -> None:
    start = time.thread_time()
    stated_answer(unit * 20_000)
    assert time.thread_time() - start < 1.0
