"""The page of one search that nobody gave a reference for."""

from __future__ import annotations

import gzip
import json
import re
from base64 import b64decode
from typing import Any

import pytest

from bench.page.asked import NOT_JUDGED, AskedSearch, render_search
from bench.runs.reader import load_run
from bench.search import NodeKind, Trace, list_finished
from bench.search.clock import cut_to_rollouts
from bench.search.registry import find_search
from bench.speed.page import make_run
from bench.types import Problem

SELECTORS = find_search("mcts").choose_by("last")


@pytest.fixture(scope="module")
def trace(tmp_path_factory: pytest.TempPathFactory) -> Trace:
    run = load_run(make_run(tmp_path_factory.mktemp("runs") / "made", problems=1, nodes=60))
    return Trace.from_json(next(run.trees()).tree)


def read(trace: Trace) -> tuple[dict[str, Any], dict[str, Any]]:
    """What the page says of a search, and what it opens to."""
    problem = Problem("text-1", "What is 1 + 2?", "", "served")
    page = render_search(AskedSearch(problem, trace, SELECTORS, "p", "q")).decode()
    found = re.findall(r'<script type="([a-z/]+)" id="[a-z]+(?:-0)?">(.*?)</script>', page, re.S)
    (_, data), (_, detail), *_ = found
    return json.loads(data), json.loads(gzip.decompress(b64decode(detail)))


def test_answers_are_shown_and_none_is_judged(trace: Trace) -> None:
    data, detail = read(trace)
    runs = data["runs"]
    (problem,), (column,) = runs["problems"], runs["columns"]
    assert (problem["question"], problem["gold"], problem["judged"]) == (
        "What is 1 + 2?",
        "",
        False,
    )
    assert runs["table"] is None
    finished = list_finished(trace)
    for method, (answer, outcome, sample) in problem["answers"][0]["chosen"].items():
        choice = SELECTORS[method](finished)
        assert choice is not None and answer == finished[choice].answer
        assert trace.rollouts[sample] == trace.finished[choice]
        assert outcome == NOT_JUDGED
    assert list(problem["answers"][0]["chosen"]) == column["methods"]
    (opened,) = detail["columns"]
    ends = [trace.nodes[index].kind is NodeKind.ANSWER for index in trace.rollouts]
    assert [sample[1] == NOT_JUDGED for sample in opened["samples"]] == ends
    assert opened["tree"]["texts"] == [node.text for node in trace.nodes]
    # The slider ends with what was chosen in the end.
    for method, choices in opened["tree"]["choices"].items():
        assert choices[-1] == [len(trace.rollouts), problem["answers"][0]["chosen"][method][2]]


def test_a_search_that_was_cut_before_its_first_end_has_a_page(trace: Trace) -> None:
    data, detail = read(cut_to_rollouts(trace, 0))
    (problem,) = data["runs"]["problems"]
    assert problem["answers"][0]["chosen"]["mcts"] == [None, "truncated", None]
    assert len(detail["columns"][0]["tree"]["texts"]) == 1
