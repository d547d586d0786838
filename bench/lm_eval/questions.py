"""Which text of an lm-eval request is searched, and under which problem id.

The policies have a prompt format of their own, so few-shot examples and a task's instructions would
only stand in the way: searched is the document's question alone. But in some tasks the question is
not the problem (a passage, a body, options come with it), and searching it alone would score
guesses. So the column is taken only where every other column is known to be none of these; any
other document is searched by its whole prompt, as any model of lm-eval gets it. This is decided by
column names, hence alike for all documents of a task.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from lm_eval.api.instance import Instance

from bench.errors import BenchError
from bench.lm_eval.arguments import PROMPT
from bench.lm_eval.documents import is_document
from bench.problems.unlisted import name_question
from bench.types import Problem

_QUESTIONS = ("question", "problem")
_NO_PART_OF_IT = frozenset(
    (
        *("id", "idx", "index", "unique_id", "problem_id", "question_id", "doc_id"),
        *("answer", "answers", "answer_number", "final_answer", "target", "solution", "solutions"),
        *("rationale", "equation", "equation_solution", "gold", "label"),
        *("level", "type", "subject", "subfield", "domain", "difficulty", "year", "part", "url"),
        *("source", "split", "few_shot", "alternatives", "verifier", "erratum"),
    )
)
"""Columns that tell about a problem, or hold its answer, and add nothing to its text."""


def searched_column(document: Any) -> str:
    """Return the column that holds the whole problem, or `prompt` where none is known to."""
    if not isinstance(document, Mapping):
        return PROMPT
    columns = {str(name).lower(): name for name in document}
    found = [columns[name] for name in _QUESTIONS if name in columns]
    others = set(columns) - set(_QUESTIONS) - _NO_PART_OF_IT
    if len(found) != 1 or others or not isinstance(document[found[0]], str):
        return PROMPT
    return str(found[0])


def problem_of(request: Instance, column: str) -> Problem:
    """Return the text of a column, or of the prompt, as a problem; the answer stays behind.

    The id is the benchmark's own for our documents, so that a search equals that of `rstar-bench
    run` with the same seed; elsewhere it is made of the text, so that `--limit`, `--samples` and
    the order of documents change no search. Raises BenchError for a column that is not there.
    """
    document = request.doc
    if column == PROMPT:
        text = str(request.args[0])
    elif isinstance(document, Mapping) and isinstance(document.get(column), str):
        text = document[column]
    else:
        columns = sorted(map(str, document)) if isinstance(document, Mapping) else []
        raise BenchError(
            f"model_args: question={column} is no text column of task {request.task_name!r}; it "
            f"has {', '.join(columns) or 'no columns'}; question=prompt searches the whole prompt"
        )
    ours = is_document(document)
    identity = document["id"] if ours else name_question(text)
    return Problem(identity, text, "", str(request.task_name))
