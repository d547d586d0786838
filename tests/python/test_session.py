"""`search`, `run` and `compare` as a program calls them: on the real small model, and by hand."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

import bench.search
from bench import compare, run, search
from bench.errors import BenchError, UnknownNameError
from bench.evaluation.spec import RunSpec
from bench.python import Results, Session, check, load
from bench.python.session import read_options
from bench.search import MCTS

ROOT = Path(__file__).resolve().parents[2]
QUESTION = "What is 6 * 7?"


@pytest.fixture(scope="module")
def session(embedded_gguf: Path) -> Iterator[Session]:
    pytest.importorskip("openvino_genai", reason="no engine: pip install 'rstar-bench[cpu]'")
    with Session() as opened:
        yield opened


@pytest.fixture(scope="module")
def results(session: Session, tmp_path_factory: pytest.TempPathFactory) -> list[Results]:
    folder = tmp_path_factory.mktemp("runs")
    common = {"policy": "smollm2", "limit": 2, "progress": False, "step_tokens": 16}
    return [
        session.run("embedded-grade-school", method="greedy", out=folder / "greedy", **common),
        session.run("embedded-grade-school", method="majority", n=2, out=folder / "two", **common),
    ]


# What is asked for.


def test_options_are_those_of_the_run_of_sampling_and_of_the_search() -> None:
    given = {"rollouts": 3, "seed": 5, "temperature": 0.5, "engine": "transformers"}
    spec = read_options("math500", "smollm2", "mcts", given)
    assert spec.config == MCTS(rollouts=3)
    assert (spec.seed, spec.sampling.temperature, spec.engine) == (5, 0.5, "transformers")
    assert isinstance(spec, RunSpec)


@pytest.mark.parametrize(
    ("method", "options", "said"),
    [
        ("mcts", {"rolouts": 3}, "'rolouts'; did you mean 'rollouts'"),
        ("mcts", {"beam_width": 3}, "unknown option of the search 'mcts': 'beam_width'"),
        ("mcts", {"rollouts": 0}, "rollouts=0: it must be at least 1"),
        ("mcts", {"rollouts": "many"}, "rollouts='many': it must be a whole number"),
        ("mcst", {}, "unknown method 'mcst'; did you mean 'mcts'"),
    ],
)
def test_what_is_not_known_or_not_of_its_type_is_refused(
    method: str, options: dict[str, object], said: str
) -> None:
    with pytest.raises(BenchError) as error:
        read_options("math500", "smollm2", method, options)
    assert said in str(error.value)


def test_an_empty_question_and_a_statement_search_are_refused() -> None:
    with Session() as session:
        with pytest.raises(BenchError, match="the question is empty"):
            session.search(" ")
        with pytest.raises(BenchError, match="decides inequalities; `rstar-bench prove`"):
            session.search("a + b >= c", method="closers")


def test_a_closed_session_says_so() -> None:
    session = Session()
    session.close()
    session.close()
    with pytest.raises(BenchError, match="the session was closed"):
        session.search(QUESTION, policy="smollm2", method="greedy")


def test_the_package_of_searches_can_be_called_and_is_still_a_package() -> None:
    assert search is bench.search
    assert search.MCTS is MCTS
    assert callable(search)
    assert callable(run) and callable(compare)
    with pytest.raises(AttributeError, match="has no attribute 'serch'"):
        getattr(bench, "serch")  # noqa: B009


def test_an_answer_is_checked_without_a_session() -> None:
    assert check("1/2", "\\frac{2}{4}").correct


# On the real model.


def test_one_question_is_answered_with_its_tree(session: Session, tmp_path: Path) -> None:
    options = {"policy": "smollm2-r4", "method": "mcts", "rollouts": 2, "candidates": 2}
    found = session.search(QUESTION, **options)
    assert found.tokens > 0 and found.ppm_tokens > 0
    assert (found.answer is None) == bool(found.reason)
    assert str(found) == (found.answer or f"no answer: {found.reason}")
    text = str(found.tree)
    assert text.startswith("smollm2-r4, mcts")
    assert len(text.splitlines()) == len(found.tree.trace.nodes)
    if found.answer is not None:
        assert "* 0." in text and found.answer in found.solution
    page = found.tree.save(tmp_path / "tree.html")
    assert page.read_bytes().startswith(b"<!doctype html>")
    assert found._repr_html_().count("<iframe") == 1
    again = session.search(QUESTION, **options)
    assert again.tree.trace == found.tree.trace


def test_a_call_works_inside_a_running_loop_and_from_other_threads(session: Session) -> None:
    async def inside() -> str:
        return str(session.search(QUESTION, policy="smollm2", method="greedy"))

    first = asyncio.run(inside())
    answers: list[str] = []
    threads = [
        threading.Thread(
            target=lambda: answers.append(
                str(session.search(QUESTION, policy="smollm2", method="greedy"))
            )
        )
        for _ in range(3)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers == [first] * 3


def test_a_run_has_its_tables_reports_and_trees(results: list[Results]) -> None:
    greedy, two = results
    frame = two.to_pandas()
    assert list(frame["selector"]) == ["majority"] * 2
    assert {"answer", "outcome", "policy_generated_tokens", "question"} <= set(frame.columns)
    assert greedy.accuracy["greedy"].n == 2
    assert "majority" in two.report() and max(map(len, two.report().splitlines())) <= 80
    assert "<table>" in two._repr_html_()
    assert two.page().name == "page.html"
    problem = two.run.records[0].problem_id
    assert str(two.tree(problem)).startswith("smollm2, ")
    with pytest.raises(UnknownNameError, match="unknown problem in"):
        two.tree("nobody")
    assert load(two.path).report() == two.report()


def test_runs_are_compared_with_the_first(results: list[Results]) -> None:
    greedy, two = results
    found = compare([greedy, two.path], pairs=["majority:greedy"])
    frame = found.to_pandas()
    assert list(frame["method"]) == ["majority"] and list(frame["n"]) == [2]
    assert "majority" in str(found) and "<table>" in found._repr_html_()
    with pytest.raises(BenchError, match="at least two runs, the base first"):
        compare([greedy])
    with pytest.raises(BenchError, match="tokens is 0; give how many"):
        compare([greedy, two], tokens=0)


def test_a_run_without_a_folder_is_found_again(
    session: Session, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bench.python.session.cache_dir", lambda: tmp_path)
    asked = {"policy": "smollm2", "method": "greedy", "limit": 1, "progress": False}
    first = session.run("embedded-grade-school", **asked)
    written = (first.path / "records.jsonl").stat().st_mtime_ns
    again = session.run("embedded-grade-school", **asked)
    assert again.path == first.path and first.path.is_relative_to(tmp_path / "runs")
    assert (again.path / "records.jsonl").stat().st_mtime_ns == written


def test_a_program_that_asks_and_ends_leaves_nothing_running(embedded_gguf: Path) -> None:
    pytest.importorskip("openvino_genai", reason="no engine: pip install 'rstar-bench[cpu]'")
    program = (
        "from bench import search\\n"
        "print(search('What is 6 * 7?', policy='smollm2', method='greedy'))"
    ).replace("\\n", "\n")
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip()
    assert "Traceback" not in done.stderr and "Exception" not in done.stderr
