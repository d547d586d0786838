"""Our tasks in inspect: found by name, and judged by our checker."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
inspect_ai = pytest.importorskip("inspect_ai", reason="no inspect: pip install inspect-ai")


@pytest.mark.slow
def test_an_installed_package_has_its_tasks_by_name(tmp_path: Path) -> None:
    program = (
        "import inspect_ai, bench; print(bench.__file__);"
        "inspect_ai.eval('bench/embedded-grade-school', model='mockllm/model', limit=1,"
        " task_args={'limit': 2}, display='none', log_dir='logs')"
    )
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        timeout=300,
    )
    if not done.stdout.startswith(sys.prefix):
        pytest.skip("the package is a checkout, of which inspect knows no name")
    assert done.returncode == 0, done.stderr
    assert len([*(tmp_path / "logs").iterdir()]) == 1


@pytest.mark.slow
def test_a_problem_with_a_verifier_is_judged_by_the_answer_of_the_response(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from inspect_ai.model import ModelOutput, ModelUsage, get_model

    monkeypatch.chdir(tmp_path)
    said = "We have 2 + 5 + 2 = 9. So the answer is \\boxed{(6-(2-5))}."
    output = ModelOutput.from_content("mockllm/model", said)
    output.usage = ModelUsage(input_tokens=1, output_tokens=1, total_tokens=2)
    (log,) = inspect_ai.eval(
        f"{ROOT / 'bench' / 'inspect_tasks.py'}@embedded-countdown",
        model=get_model("mockllm/model", custom_outputs=[output]),
        task_args={"limit": 1},
        log_dir=str(tmp_path),
        display="none",
    )
    (sample,) = log.samples
    assert sample.scores["checker"].metadata["outcome"] in ("correct", "wrong")  # it was read


@pytest.mark.slow
def test_a_task_of_a_file_is_judged_by_our_checker(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from inspect_ai.model import ModelOutput, ModelUsage, get_model

    from bench.problems import load

    problems = load("embedded-grade-school", limit=3)
    monkeypatch.chdir(tmp_path)
    said = [f"It is \\boxed{{{problems[0].answer}.0}}.", "It is \\boxed{123454321}.", ""]
    outputs = [ModelOutput.from_content("mockllm/model", text) for text in said]
    for output in outputs:  # else inspect fetches a tokenizer to count with
        output.usage = ModelUsage(input_tokens=1, output_tokens=1, total_tokens=2)
    model = get_model("mockllm/model", custom_outputs=outputs)
    (log,) = inspect_ai.eval(
        f"{ROOT / 'bench' / 'inspect_tasks.py'}@embedded-grade-school",
        model=model,
        task_args={"limit": 3},
        max_samples=1,
        log_dir=str(tmp_path),
        display="none",
    )
    assert log.status == "success", log.error
    scores = {each.id: each.scores["checker"] for each in log.samples}
    assert [scores[problem.id].value for problem in problems] == ["C", "I", "N"]
    assert scores[problems[2].id].metadata["outcome"] == "no_answer"
    assert log.results.scores[0].metrics["accuracy"].value == pytest.approx(1 / 3)
