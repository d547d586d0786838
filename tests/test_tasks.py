"""That tasks/ fits the registry, and that plain lm-eval can load and score it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from bench.problems import BENCHMARKS, GROUPS, Role, load, mirror

TASKS = Path(__file__).resolve().parents[1] / "tasks"
EVALUATION = [name for name, entry in BENCHMARKS.items() if entry.role is Role.EVAL]
OUT_OF_DOMAIN = ("arc_challenge", "gpqa_diamond_zeroshot", "bbh", "mmlu_stem")


class Loader(yaml.SafeLoader):
    """Reads the YAML without importing what it names."""


Loader.add_constructor("!function", lambda loader, node: loader.construct_scalar(node))


def read(path: Path) -> dict[str, Any]:
    found: dict[str, Any] = yaml.load(path.read_text("utf-8"), Loader)
    return found


def test_a_folder_holds_yaml_and_a_readme_only() -> None:
    folders = sorted(path.name for path in TASKS.iterdir() if path.is_dir())
    assert folders == sorted([*EVALUATION, "groups", "humaneval"])
    for path in TASKS.glob("*/*"):
        assert path.suffix == ".yaml" or path.name == "README.md"


@pytest.mark.parametrize("name", EVALUATION)
def test_a_readme_says_what_the_registry_says(name: str) -> None:
    entry = BENCHMARKS[name]
    text = (TASKS / name / "README.md").read_text("utf-8")
    for fact in (entry.title, entry.licence, entry.origin, entry.rows_sha256, *entry.defects):
        assert fact in text
    assert f"Problems: {entry.rows}" in text
    assert "hub `" not in text if entry.hub is None else f"`{entry.hub.id}`" in text
    assert "## Protocol" in text
    assert "## Version" in text


@pytest.mark.parametrize("name", EVALUATION)
def test_a_task_names_its_benchmark_and_its_version(name: str) -> None:
    task = read(TASKS / name / f"rstar_{name}.yaml")
    assert (task["task"], task["dataset_kwargs"]) == (f"rstar_{name}", {"benchmark": name})
    assert task["metadata"]["version"] == 1.0
    assert read(TASKS / name / f"rstar_{name}_k8.yaml")["repeats"] == 8


def test_the_groups_are_the_papers_seven_and_all() -> None:
    groups = {path.stem: read(path)["task"] for path in (TASKS / "groups").iterdir()}
    assert groups == {
        **{f"rstar_{group}": [f"rstar_{name}" for name in of] for group, of in GROUPS.items()},
        "cpl_out_of_domain": [*OUT_OF_DOMAIN, "rstar_humaneval"],
    }


def test_the_group_out_of_domain_is_lm_evals_tasks_and_humaneval_in_our_sandbox() -> None:
    tasks = pytest.importorskip("lm_eval.tasks", reason="lm-eval is not installed")
    from datasets import Dataset
    from lm_eval.api.task import ConfigurableTask
    from lm_eval.tasks._yaml_loader import load_yaml

    installed = Path(tasks.__file__).parent
    folders = [str(installed / name) for name in ("arc", "gpqa", "bbh", "mmlu", "humaneval")]
    index = tasks.TaskManager(
        include_path=[*folders, str(TASKS)], include_defaults=False
    ).task_index
    assert {"cpl_out_of_domain", "rstar_humaneval", *OUT_OF_DOMAIN} <= set(index)
    theirs = load_yaml(index["humaneval"].yaml_path, resolve_func=False)
    config = load_yaml(index["rstar_humaneval"].yaml_path)
    for key in ("doc_to_text", "doc_to_target", "dataset_path", "num_fewshot", "repeats"):
        assert config[key] == theirs[key]
    assert config["generation_kwargs"] == theirs["generation_kwargs"]
    row = {"prompt": "def f():\n", "test": "", "entry_point": "f"}
    rows = {"test": Dataset.from_list([row])}
    task = ConfigurableTask(config={**config, "custom_dataset": lambda **_: rows})
    assert task.config.process_results.__module__ == "bench.lm_eval.humaneval"
    assert not task.config.unsafe_code
    assert task.doc_to_text(row) == "def f():\n"


def test_plain_lm_eval_scores_all_samples_of_a_task(monkeypatch: pytest.MonkeyPatch) -> None:
    evaluator = pytest.importorskip("lm_eval.evaluator", reason="lm-eval is not installed")
    if mirror.locate(BENCHMARKS["amc2023"]) is None:
        pytest.skip("no mirror: RSTAR_BENCH_DATA is not set and ../shared/data does not exist")
    from lm_eval.api.instance import Instance
    from lm_eval.api.model import LM
    from lm_eval.tasks import TaskManager

    golds = {problem.question: problem.answer for problem in load("amc2023", limit=2)}

    class Alternating(LM):  # type: ignore[misc]
        """Answers right and wrong in turn."""

        def generate_until(self, requests: list[Instance]) -> list[str]:
            answers = []
            for at, request in enumerate(requests):
                (gold,) = (g for q, g in golds.items() if request.args[0].startswith(q))
                answers.append(f"It is \\boxed{{{gold if at % 2 == 0 else 'nothing'}}}.")
            return answers

        def loglikelihood(self, requests: list[Instance]) -> Any:
            raise NotImplementedError

        def loglikelihood_rolling(self, requests: list[Instance]) -> Any:
            raise NotImplementedError

    found = evaluator.simple_evaluate(
        model=Alternating(),
        tasks=["rstar_amc2023_k8"],
        task_manager=TaskManager(include_path=str(TASKS), include_defaults=False),
        limit=2,
        bootstrap_iters=0,
    )
    metrics = found["results"]["rstar_amc2023_k8"]
    assert metrics["verdict,all"] == 0.5
    assert metrics["exact_match,all"] == 0.5
    assert metrics["pass@8,all"] == 1
    assert metrics["pass@2,all"] == pytest.approx(1 - (4 * 3) / (8 * 7))
    assert metrics["maj@8,all"] == 1
    (sample, _) = found["samples"]["rstar_amc2023_k8"]
    assert len(sample["resps"][0]) == 8
    assert sample["verdict"] == 0.5
