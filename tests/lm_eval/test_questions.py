from __future__ import annotations

from typing import Any

import pytest

pytest.importorskip("lm_eval", reason="lm-eval is not installed")

from lm_eval.api.instance import Instance

from bench.errors import BenchError
from bench.lm_eval.questions import problem_of, searched_column

OURS = {
    "id": "math500-3",
    "question": "What is 2 + 2?",
    "answer": "4",
    "alternatives": [],
    "level": "",
    "subject": "",
    "erratum": "",
}


def request(document: Any, prompt: str = "Q: What is 2 + 2?\nA:", at: int = 0) -> Instance:
    return Instance("generate_until", document, (prompt, {}), 0, ("a_task", at, 1))


@pytest.mark.parametrize(
    ("columns", "searched"),
    [
        (("question", "answer"), "question"),  # gsm8k
        (("problem", "level", "type", "solution", "answer", "few_shot"), "problem"),  # minerva
        (("ID", "Problem", "Solution", "Answer"), "Problem"),  # aime24
        (tuple(OURS), "question"),
        (("body", "question", "answer"), "prompt"),  # asdiv: the numbers are in the body
        (("passage", "question", "answers"), "prompt"),
        (("question", "choices", "answer"), "prompt"),
        (("Question", "Incorrect Answer 1", "answer"), "prompt"),
        (("Problem", "options", "answer"), "prompt"),
        (("question", "problem"), "prompt"),
        (("text",), "prompt"),
    ],
)
def test_a_question_is_searched_alone_only_where_nothing_else_belongs_to_it(
    columns: tuple[str, ...], searched: str
) -> None:
    assert searched_column(dict.fromkeys(columns, "x")) == searched


def test_a_document_that_is_no_table_row_is_searched_by_its_prompt() -> None:
    assert searched_column("a text") == "prompt"
    assert searched_column({"question": ["turn one", "turn two"]}) == "prompt"


def test_the_search_does_not_see_the_answer() -> None:
    problem = problem_of(request(OURS), "question")
    assert (problem.question, problem.answer, problem.alternatives) == ("What is 2 + 2?", "", ())


def test_our_documents_keep_the_id_that_seeds_are_made_of() -> None:
    assert problem_of(request(OURS), "question").id == "math500-3"


def test_other_ids_do_not_depend_on_the_place_of_a_document() -> None:
    document = {"question": "What is 2 + 2?", "answer": "4"}
    first, later = (problem_of(request(document, at=at), "question").id for at in (0, 7))
    assert first == later
    assert first != problem_of(request(document), "prompt").id


def test_the_prompt_is_searched_as_lm_eval_wrote_it() -> None:
    assert problem_of(request({"text": "x"}, "Say x."), "prompt").question == "Say x."


def test_a_column_that_is_not_there_lists_those_that_are() -> None:
    with pytest.raises(BenchError, match=r"question=body is no text column of task 'a_task'; it"):
        problem_of(request({"question": "x", "answer": "4"}), "body")
