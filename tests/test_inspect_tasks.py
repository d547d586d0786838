"""Our tasks in inspect: found by name, and judged by our checker."""

from __future__ import annotations

from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
inspect_ai = pytest.importorskip("inspect_ai", reason="no inspect: pip install inspect-ai")


@pytest.mark.slow
@pytest.mark.parametrize("place", ["bench/", f"{ROOT / 'bench' / 'inspect_tasks.py'}@"])
def test_a_task_is_found_by_its_name_and_judged_by_our_checker(
    place: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from inspect_ai.model import ModelOutput, ModelUsage, get_model

    from bench.problems import load

    try:
        problems = load("gsm8k", limit=3)
    except Exception as error:  # neither a mirror nor the hub
        pytest.skip(str(error))
    monkeypatch.chdir(tmp_path)
    said = [f"It is \\boxed{{{problems[0].answer}.0}}.", "It is \\boxed{123454321}.", ""]
    outputs = [ModelOutput.from_content("mockllm/model", text) for text in said]
    for output in outputs:  # else inspect fetches a tokenizer to count with
        output.usage = ModelUsage(input_tokens=1, output_tokens=1, total_tokens=2)
    model = get_model("mockllm/model", custom_outputs=outputs)
    (log,) = inspect_ai.eval(
        f"{place}gsm8k",
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
