"""`rstar-bench lm-eval`: what is added to lm-eval's own command line, and what errors cost."""

from __future__ import annotations

from pathlib import Path

import pytest

pytest.importorskip("lm_eval", reason="lm-eval is not installed")

import bench.cli
from bench.cli.lm_eval import completed
from bench.errors import BenchError

TASKS = str(Path(__file__).parents[1] / "tasks")


def test_our_tasks_are_there_unless_the_user_names_a_place() -> None:
    assert completed(["ls", "tasks"]) == ["ls", "tasks", "--include_path", TASKS]
    given = ["run", "--include_path", "mine", "--tasks", "my_task"]
    assert completed(given) == given


@pytest.mark.parametrize(
    ("output", "kept"), [("out", "out/searches"), ("out/results.json", "out/searches")]
)
def test_a_search_resumes_from_where_its_results_go(output: str, kept: str) -> None:
    given = ["run", "--model", "rstar", "--tasks", "gsm8k", "--output_path", output]
    assert completed(given)[-2:] == ["--use_cache", kept]


@pytest.mark.parametrize(
    "given",
    [
        ["run", "-M", "hf", "--tasks", "gsm8k", "-o", "out"],
        ["run", "-M", "rstar", "--tasks", "gsm8k"],
        ["run", "-M", "rstar", "--tasks", "gsm8k", "-o", "out", "-c", "elsewhere"],
    ],
)
def test_nothing_else_is_kept_anywhere(given: list[str]) -> None:
    assert "out/searches" not in completed(given)


def test_an_option_without_its_value_is_one_sentence() -> None:
    with pytest.raises(BenchError, match="lm-eval: argument --model/-M: expected one argument"):
        completed(["run", "--model"])


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (
            ("--model", "rstar", "--tasks", "rstar_mth500"),
            "unknown task 'rstar_mth500'; did you mean 'rstar_math500'",
        ),
        (
            ("--model", "rstr", "--tasks", "rstar_gsm8k", "--limit", "1"),
            "unknown lm-eval model 'rstr'; did you mean 'rstar'",
        ),
        (
            ("--model", "rstar", "--model_args", "rolouts=8", "--tasks", "rstar_gsm8k"),
            "unknown argument of the model rstar 'rolouts'; did you mean 'rollouts'",
        ),
        (("--model", "rstar"), "lm-eval: Need to specify task to evaluate."),
    ],
)
def test_a_mistake_costs_a_sentence(
    arguments: tuple[str, ...], sentence: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert bench.cli.main(["lm-eval", "run", *arguments]) == 2
    error = capsys.readouterr().err
    assert "Traceback" not in error
    assert error.splitlines()[-1].startswith(f"rstar-bench: {sentence}")
