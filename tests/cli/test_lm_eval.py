"""`rstar-bench lm-eval`: what is added to lm-eval's own command line, and what errors cost."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("lm_eval", reason="lm-eval is not installed")

from lm_eval.api.registry import model_registry

import bench.lm_eval
from bench.cli import _parser
from bench.cli.lm_eval import complete, explain, parse
from bench.errors import BenchError

TASKS = str(Path(__file__).parents[2] / "tasks")


def test_our_tasks_are_there_unless_the_user_names_a_place() -> None:
    assert complete(["ls", "tasks"]) == ["ls", "tasks", "--include_path", TASKS]
    assert complete(["--help"]) == ["--help"]
    given = ["run", "--include_path", "mine", "--tasks", "my_task"]
    assert complete(given) == given


@pytest.mark.parametrize(
    ("output", "kept"), [("out", "out/searches"), ("out/results.json", "out/searches")]
)
def test_a_search_resumes_from_where_its_results_go(output: str, kept: str) -> None:
    given = ["run", "--model", "rstar", "--tasks", "gsm8k", "--output_path", output]
    assert complete(given)[-2:] == ["--use_cache", kept]


@pytest.mark.parametrize(
    "given",
    [
        ["run", "-M", "hf", "--tasks", "gsm8k", "-o", "out"],
        ["run", "-M", "rstar", "--tasks", "gsm8k"],
        ["run", "-M", "rstar", "--tasks", "gsm8k", "-o", "out", "-c", "elsewhere"],
    ],
)
def test_nothing_else_is_kept_anywhere(given: list[str]) -> None:
    assert "out/searches" not in complete(given)


@pytest.mark.parametrize("rest", [["--help"], ["run", "-M", "rstar"], ["--model", "hf", "-t", "x"]])
def test_every_word_after_the_verb_is_lm_evals(rest: list[str]) -> None:
    assert _parser().parse_args(["lm-eval", *rest]).rest == rest


def test_an_option_without_its_value_is_one_sentence() -> None:
    with pytest.raises(BenchError, match="lm-eval: argument --model/-M: expected one argument"):
        complete(["run", "--model"])


@pytest.mark.parametrize(
    ("error", "sentence"),
    [
        (
            "Attempted to load model 'rstr', but no model for this name found! Supported ...",
            "unknown lm-eval model 'rstr'; did you mean 'rstar'",
        ),
        ("Need to specify task to evaluate.", "lm-eval: Need to specify task to evaluate."),
    ],
)
def test_a_mistake_that_lm_eval_finds_is_one_sentence(error: str, sentence: str) -> None:
    assert bench.lm_eval.RStarLM is not None  # known to lm-eval from now on
    explained = explain(ValueError(error), parse(["run", "--model", "rstr"]))
    assert str(explained).startswith(sentence)


def test_an_error_that_is_nobodys_mistake_keeps_its_traceback() -> None:
    assert explain(ValueError("mismatched shapes"), parse(["run"])) is None


def test_lm_evals_own_models_stay_known_beside_ours() -> None:
    assert bench.lm_eval.RStarLM is not None
    assert {"rstar", "hf", "vllm", "dummy"} <= set(model_registry.keys())


@pytest.mark.slow
@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("--tasks", "rstar_mth500"), "unknown task 'rstar_mth500'; did you mean 'rstar_math500'"),
        (
            ("--model_args", "rolouts=8", "--tasks", "rstar_gsm8k"),
            "unknown argument of the model rstar 'rolouts'; did you mean 'rollouts'",
        ),
    ],
)
def test_a_mistake_on_the_command_line_costs_a_sentence(
    arguments: tuple[str, ...], sentence: str
) -> None:
    command = [sys.executable, "-m", "bench.cli", "lm-eval", "run", "--model", "rstar", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300)
    assert done.returncode == 2
    assert "Traceback" not in done.stderr
    assert done.stderr.splitlines()[-1].startswith(f"rstar-bench: {sentence}")
