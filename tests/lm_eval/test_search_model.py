"""The model `rstar` in lm-eval: a scripted policy, the real search, lm-eval's own evaluator."""

from __future__ import annotations

import pickle
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("lm_eval", reason="lm-eval is not installed")

import lm_eval
from lm_eval.tasks import TaskManager
from sqlitedict import SqliteDict

from bench.answers import final_answer
from bench.engines.base import Completion, Finish
from bench.errors import BenchError, EngineError, UnknownNameError
from bench.evaluation.harness import Harness, Started
from bench.evaluation.spec import Resolved, RunSpec
from bench.lm_eval import RStarLM, search_model, searches
from bench.lm_eval.scoring import keep_all, process_results
from bench.lm_eval.tracker import lift_searches
from bench.lm_eval.unfinished import Unfinished
from bench.problems import load
from bench.sandbox import Sandbox, SandboxConfig
from bench.search import Sampling, sample
from bench.types import Outcome, Problem

QUESTIONS = ("1+1", "2+2", "3+3")
BROKEN, CUT = "break", "go on and on"


def boxed(answer: str) -> str:
    return f"<answer>It is \\boxed{{{answer}}}.<end_of_answer>"


@dataclass
class Calculator:
    """Answers sums; fails, or never ends, where the question says so."""

    name: str = "calculator"
    asked: list[tuple[Problem, int]] = field(default_factory=list)
    broken: bool = True

    async def propose(
        self,
        problem: Problem,
        partial: str,
        *,
        n: int,
        seed: int,
        stop: Sequence[str],
        greedy: bool = False,
    ) -> list[Completion]:
        self.asked.append((problem, seed))
        if problem.question == BROKEN and self.broken:
            raise EngineError("out of memory")
        if problem.question == CUT:
            return [Completion("So", Finish.LENGTH, tokens=1)] * n
        answer = "0" if problem.question == BROKEN else str(eval(problem.question))
        return [Completion(boxed(answer), Finish.STOP, tokens=5, prompt_tokens=3)] * n


@pytest.fixture(autouse=True)
def quick_results(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave out what lm-eval asks of pip and compilers for its results file: seconds a call."""
    monkeypatch.setattr("lm_eval.evaluator.add_env_info", lambda results: None)


@pytest.fixture
def calculator(monkeypatch: pytest.MonkeyPatch) -> Calculator:
    """The policy of every model that the test makes."""
    policy = Calculator()

    class Scripted(Harness):
        async def start(self, resolved: Resolved) -> Started:
            config = Sampling(n=resolved.search_config.n)
            sandbox = Sandbox(SandboxConfig())  # not started: the calculator writes no code
            search = partial(sample, policy=policy, sandbox=sandbox, config=config)
            return Started(search, {"engine": {"name": "scripted"}})

    monkeypatch.setattr(searches, "Harness", Scripted)
    return policy


@pytest.fixture
def model(calculator: Calculator) -> Iterator[RStarLM]:
    with RStarLM(search="majority", n=2) as model:
        yield model


def our_document(question: str) -> dict[str, Any]:
    gold = str(eval(question)) if question in QUESTIONS else "0"
    return {
        "id": f"sum-{question}",
        "question": question,
        "answer": gold,
        "alternatives": ["none"],
        "level": "",
        "subject": "",
        "erratum": "",
    }


def a_task(documents: Sequence[Mapping[str, Any]], **others: Any) -> dict[str, Any]:
    from datasets import Dataset

    return {
        "task": "sums",
        "custom_dataset": lambda **options: {"test": Dataset.from_list(list(documents))},
        "output_type": "generate_until",
        "test_split": "test",
        "doc_to_text": "{{question}}\nAnswer:",
        "doc_to_target": "{{answer}}",
        "num_fewshot": 0,
        "generation_kwargs": {"until": ["."], "do_sample": False},
        **others,
    }


def ours(*questions: str, repeats: int = 1) -> dict[str, Any]:
    """A task whose documents and metrics are those of tasks/."""
    return a_task(
        [our_document(question) for question in questions],
        repeats=repeats,
        process_results=process_results,
        filter_list=[{"name": "all", "filter": [{"function": "custom", "filter_fn": keep_all}]}],
        metric_list=[
            {"metric": name, "aggregation": "mean", "higher_is_better": True}
            for name in ("verdict", "exact_match", "truncated", "failed")
        ],
    )


def theirs(*questions: str) -> dict[str, Any]:
    """A task as lm-eval has them: a regular expression, and exact match."""
    pattern = {"function": "regex", "regex_pattern": r"boxed\{(.*?)\}"}
    return a_task(
        [{"question": q, "answer": our_document(q)["answer"]} for q in questions],
        filter_list=[{"name": "boxed", "filter": [pattern, {"function": "take_first"}]}],
        metric_list=[{"metric": "exact_match", "aggregation": "mean", "higher_is_better": True}],
    )


def evaluate(model: Any, task: dict[str, Any], **options: Any) -> dict[str, Any]:
    found: dict[str, Any] = lm_eval.simple_evaluate(
        model=model,
        tasks=[task],
        task_manager=TaskManager(include_defaults=False),
        bootstrap_iters=0,
        **options,
    )
    return found


def test_the_sample_log_has_seeds_tokens_and_paths_beside_lm_evals_keys(model: RStarLM) -> None:
    found = evaluate(model, ours(*QUESTIONS))
    assert found["results"]["sums"]["verdict,all"] == 1
    (first, *_) = found["samples"]["sums"]
    prompt, generation, notes = first["arguments"][0]
    assert (prompt, generation["until"]) == ("1+1\nAnswer:", ["."])
    assert notes == {
        "rstar": [
            {
                "seed": 0,
                "problem": "sum-1+1",
                "searched": "question",
                "executions": 0,
                "tokens": {
                    "policy_prompt": 6,
                    "policy_generated": 10,
                    "ppm": 0,
                    "policy_cached": 0,
                },
                "nodes": 3,
                "paths": ["0.0", "0.1"],
                "chosen": "0.0",
                "outcome": "answered",
                "reason": "",
            }
        ]
    }
    assert "\\boxed{2}" in first["resps"][0][0]
    assert {"doc_id", "doc", "target", "filtered_resps", "prompt_hash"} <= set(first)


def test_the_written_sample_has_the_searches_under_a_key_of_their_own(model: RStarLM) -> None:
    (sample,) = evaluate(model, ours("1+1"))["samples"]["sums"]
    written = lift_searches(sample)
    assert written["arguments"] == [sample["arguments"][0][:2]]
    assert [search["seed"] for search in written["rstar"]] == [0]
    assert set(written) == {*sample, "rstar"}
    assert (
        lift_searches(written | {"rstar": 0})["rstar"] == 0
    )  # of another model: nothing is touched


def test_the_search_sees_the_question_and_never_the_answer(
    model: RStarLM, calculator: Calculator
) -> None:
    evaluate(model, theirs("2+2"))
    ((problem, _),) = calculator.asked
    assert (problem.question, problem.answer) == ("2+2", "")


def test_a_task_of_lm_evals_own_is_scored_by_its_own_metric(model: RStarLM) -> None:
    found = evaluate(model, theirs(*QUESTIONS))
    assert found["results"]["sums"]["exact_match,boxed"] == 1


def test_each_repeat_is_searched_under_a_seed_of_its_own(model: RStarLM) -> None:
    found = evaluate(model, ours("1+1", "2+2", repeats=3))
    for each in found["samples"]["sums"]:
        notes = each["arguments"][0][2]["rstar"]
        assert [note["seed"] for note in notes] == [0, 1, 2]
        assert len(each["resps"][0]) == 3
        assert each["pass@2"] == each["maj@3"] == 1


def test_a_limit_changes_no_search(model: RStarLM, calculator: Calculator) -> None:
    evaluate(model, theirs(*QUESTIONS))
    whole = {problem.question: (problem.id, seed) for problem, seed in calculator.asked}
    calculator.asked.clear()
    with RStarLM(search="majority", n=2) as another:
        evaluate(another, theirs(*QUESTIONS[::-1]), limit=1)
    ((problem, seed),) = calculator.asked
    assert whole[problem.question] == (problem.id, seed)


def test_a_failed_search_is_no_wrong_answer_in_our_tasks(model: RStarLM) -> None:
    found = evaluate(model, ours("1+1", BROKEN))
    metrics = found["results"]["sums"]
    assert (metrics["verdict,all"], metrics["exact_match,all"]) == (1, 1)
    assert (metrics["failed,all"], metrics["truncated,all"]) == (0.5, 0)
    (_, failed) = found["samples"]["sums"]
    (note,) = failed["arguments"][0][2]["rstar"]
    assert (note["outcome"], note["chosen"]) == ("engine_error", None)
    assert note["reason"] == "EngineError: out of memory"
    searches = found["config"]["rstar"]["searches"]
    assert searches == {"answered": 1, "engine_error": 1}


def test_a_truncated_search_says_so(model: RStarLM) -> None:
    found = evaluate(model, ours(CUT, "1+1"))
    metrics = found["results"]["sums"]
    assert (metrics["verdict,all"], metrics["truncated,all"]) == (0.5, 0.5)
    (note,) = found["samples"]["sums"][0]["arguments"][0][2]["rstar"]
    assert (note["outcome"], note["paths"]) == ("truncated", [])
    assert "token limit" in note["reason"]


def test_a_task_that_would_score_a_failure_as_wrong_stops(model: RStarLM) -> None:
    with pytest.raises(EngineError, match=r"1 of 2 searches failed .*'sums'.*--use_cache PATH"):
        evaluate(model, theirs("1+1", BROKEN))


def test_a_failure_is_scored_as_it_is_on_request(calculator: Calculator) -> None:
    with RStarLM(search="majority", n=2, on_failure="empty") as model:
        found = evaluate(model, theirs("1+1", BROKEN))
    assert found["results"]["sums"]["exact_match,boxed"] == 0.5
    assert found["config"]["rstar"]["searches"]["engine_error"] == 1


def test_a_repeated_evaluation_searches_only_what_failed(
    calculator: Calculator, tmp_path: Path
) -> None:
    cache = str(tmp_path / "searches")
    with RStarLM(search="majority", n=2) as model, pytest.raises(EngineError):
        evaluate(model, theirs(*QUESTIONS, BROKEN), use_cache=cache)
    calculator.broken = False
    for again in ([BROKEN], []):
        calculator.asked.clear()
        with RStarLM(search="majority", n=2) as model:
            found = evaluate(model, theirs(*QUESTIONS, BROKEN), use_cache=cache)
        assert [problem.question for problem, _ in calculator.asked] == again
        assert found["results"]["sums"]["exact_match,boxed"] == 1
        (note,) = found["samples"]["sums"][0]["arguments"][0][2]["rstar"]
        assert note["paths"] == ["0.0", "0.1"]
    with RStarLM(search="majority", n=3) as other:
        evaluate(other, theirs("1+1"), use_cache=cache)
    assert len(calculator.asked) == 1  # another budget is another search


def test_a_cache_of_another_model_is_refused(model: RStarLM, tmp_path: Path) -> None:
    cache = str(tmp_path / "cache")
    with SqliteDict(f"{cache}_rank0.db", autocommit=True) as answers:
        answers["0123456789abcdef"] = "of a model that lm-eval ran before"
    with pytest.raises(BenchError, match="holds 1 answers of another model"):
        evaluate(model, theirs("1+1"), use_cache=cache)


def test_two_tasks_with_one_problem_search_it_once(model: RStarLM, calculator: Calculator) -> None:
    lm_eval.simple_evaluate(
        model=model,
        tasks=[ours("1+1"), {**ours("1+1", "2+2"), "task": "more_sums"}],
        task_manager=TaskManager(include_defaults=False),
        bootstrap_iters=0,
    )
    assert sorted(problem.question for problem, _ in calculator.asked) == ["1+1", "2+2"]


def test_likelihoods_are_refused_with_the_task_that_asks(model: RStarLM) -> None:
    task = a_task([{"question": "1+1", "answer": "2"}], output_type="loglikelihood")
    del task["generation_kwargs"]
    with pytest.raises(BenchError, match="task 'sums' asks for likelihoods, which a search does"):
        evaluate(model, task)


def test_the_model_is_known_to_lm_eval_by_name(calculator: Calculator) -> None:
    found = evaluate("rstar", theirs("1+1"), model_args="search=majority,n=2,seed=5")
    assert found["results"]["sums"]["exact_match,boxed"] == 1
    about = found["config"]["rstar"]
    assert about["search"] == {"name": "majority", "n": 2}
    assert (about["seed"], about["selector"], about["question"]) == (5, "majority", "auto")
    assert about["engine"] == {"name": "scripted"}
    search_model.close_all()


async def test_it_works_inside_a_running_loop(model: RStarLM) -> None:
    assert evaluate(model, theirs("1+1"))["results"]["sums"]["exact_match,boxed"] == 1


def test_a_closed_model_can_be_asked_again(model: RStarLM) -> None:
    evaluate(model, theirs("1+1"))
    model.close()
    model.close()
    assert evaluate(model, theirs("2+2"))["results"]["sums"]["exact_match,boxed"] == 1


def test_an_unknown_selector_lists_those_of_the_search() -> None:
    with pytest.raises(UnknownNameError, match=r"selector of 'majority' 'best'.*Known: majority"):
        RStarLM(search="majority", selector="best")


def test_what_lm_eval_gives_to_every_model_is_no_mistake(calculator: Calculator) -> None:
    RStarLM.create_from_arg_obj({"search": "greedy"}, {"batch_size": 1, "device": "cpu"}).close()


def test_an_unfinished_text_survives_lm_evals_cache() -> None:
    copy = pickle.loads(pickle.dumps(Unfinished(Outcome.TRUNCATED, "why")))
    assert (copy, copy.outcome, copy.reason) == ("", Outcome.TRUNCATED, "why")


@pytest.mark.slow
async def test_a_search_equals_that_of_a_run_with_the_same_seed(tmp_path: Path) -> None:
    """The real model: what `rstar-bench run` records is what lm-eval is given."""
    (problem,) = load("embedded-grade-school", limit=1)
    spec = RunSpec("embedded-grade-school", "smollm2-r4", "majority", Sampling(n=2), limit=1)
    async with Harness() as harness:
        (record,) = (await harness.run(spec, tmp_path / "run")).records
    document = {**our_document("1+1"), "id": problem.id, "question": problem.question}
    task = {**ours("1+1"), **a_task([document])}
    with RStarLM(policy="smollm2-r4", search="majority", n=2) as model:
        (sample,) = evaluate(model, task)["samples"]["sums"]
    (note,) = sample["arguments"][0][2]["rstar"]
    assert note["tokens"]["policy_generated"] == record.tokens.policy_generated > 0
    assert note["tokens"]["policy_prompt"] == record.tokens.policy_prompt
    assert final_answer(sample["resps"][0][0]).answer == record.selected["majority"].answer
