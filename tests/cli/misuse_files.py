"""The files that misuses are played with: runs, checkpoints, recipes and cases; most are bad."""

from __future__ import annotations

import gzip
import json
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import yaml

from bench.evaluation.spec import RunSpec, resolve
from bench.runs.header import make_header
from bench.runs.record import Record, Sample, Selected, Tokens
from bench.runs.writer import RunDir
from bench.search import Sampling
from bench.types import Outcome
from rstar_train.recipes.recipe import RECIPES

DEEP = "[" * 100_000
LATIN = b'{"id": "caf\xe9 \xff\xfe"}\n'
TEXTS: Mapping[str, str] = {
    "p.py": "print(1)\n",
    "crash.py": "raise ValueError('no')\n",
    "empty": "",
    "empty.yaml": "",
    "deep.json": DEEP,
    "deep.jsonl": f"{DEEP}\n",
    "deep.yaml": "[" * 5_000,
    "half.jsonl": '{"id": 1, "gold": "3\n',
    "list.json": "[1, 2]",
    "list.jsonl": "[1]\n",
    "object.json": "{}",
    "objects.jsonl": '{"id": {}, "gold": 3, "prediction": [], "statement": 5, "code": null}\n',
    "cases.jsonl": '{"id": 1, "gold": "3", "prediction": "3", "equal": true}\n',
    "statements.jsonl": '{"id": 1, "statement": "a^2 >= 0"}\n',
    "programs.jsonl": '{"id": 1, "code": "print(1)"}\n',
    "list.yaml": "- 1\n",
    "broken.yaml": "a: [1\n",
    "system.yaml": "system: alphago\n",
    "bombs.yaml": "a: &a [x, x]\nb: &b [*a, *a]\nc: &c [*b, *b]\n",
}
RIGHT = Sample("1", Outcome.CORRECT, None, (), 5, "equal")


def prepare(folder: Path) -> str:
    """Write all files into a folder; return the id of the prepared run's first problem."""
    folder.mkdir()
    for name, text in TEXTS.items():
        (folder / name).write_text(text)
    for name in ("latin.jsonl", "latin.yaml"):
        (folder / name).write_bytes(LATIN)
    (folder / "bad.jsonl.gz").write_bytes(gzip.compress(b'{"id": 1')[:-6])
    (folder / "dir").mkdir()
    (folder / "dir" / "thesis.tex").write_text("x")
    (folder / "dir.yaml").mkdir()
    (folder / "loop").symlink_to("loop")
    _write_mirror(folder / "mirror-cut")
    _write_checkpoints(folder)
    _write_recipes(folder)
    _write_figures(folder)
    return _write_runs(folder)


def _write_mirror(folder: Path) -> None:
    folder.mkdir()
    (folder / "math500.jsonl").write_text('{"problem": "1 + 1')
    (folder / "manifest.json").write_text(DEEP)


def _write_checkpoints(folder: Path) -> None:
    """Folders that pass for a policy or a PPM at a first look."""
    policy = {"kind": "policy", "parent": "smollm2", "name": "x"}
    ppm = {**policy, "kind": "ppm"}
    lineages = {
        "checkpoint-deep": DEEP,
        "checkpoint-cut": '{"kind": "pol',
        "checkpoint-other": json.dumps({**policy, "kind": "reward"}),
        "checkpoint-bare": json.dumps(policy),
        "checkpoint-orphan": json.dumps({**policy, "parent": "../nowhere"}),
        "ppm-deep": json.dumps(ppm),
        "ppm-template": json.dumps(ppm),
        "ppm-squash": json.dumps(ppm),
    }
    for name, text in lineages.items():
        (folder / name).mkdir()
        (folder / name / "lineage.json").write_text(text)
    (folder / "checkpoint-latin").mkdir()
    (folder / "checkpoint-latin" / "lineage.json").write_bytes(LATIN)
    for name in ("checkpoint-orphan", "ppm-deep", "ppm-template", "ppm-squash"):
        (folder / name / "adapter_model.safetensors").write_bytes(b"")
        (folder / name / "adapter_config.json").write_text("{}")
    (folder / "ppm-deep" / "reward.json").write_text(DEEP)
    (folder / "ppm-template" / "reward.json").write_text('{"template": "x", "template_digest": ""}')
    known = {"template": "official", "template_digest": "", "squash": "sigmoid"}
    (folder / "ppm-squash" / "reward.json").write_text(json.dumps(known))


def _write_recipes(folder: Path) -> None:
    shipped: dict[str, Any] = yaml.safe_load((RECIPES / "smollm2-cpu.yaml").read_text())
    small = {"name": "embedded-grade-school", "families": ["chain_sum"], "problems": 4}
    shipped["pool"] = {"sources": [small], "held_out": 1}

    def late(section: str, **changes: Any) -> Callable[[dict[str, Any]], None]:
        """Change what the last round overrides."""

        def change(recipe: dict[str, Any]) -> None:
            last = recipe["rounds"][-1]
            last[section] = {**last.get(section, {}), **changes}

        return change

    missing = [{"search": "greedy", "problems": 2}, {"search": "mtcs", "problems": 2}]
    changed: Mapping[str, Callable[[dict[str, Any]], Any]] = {
        "unknown-key": lambda recipe: recipe.update(sede=1),
        "wrong-type": lambda recipe: recipe["search"].update(rollouts="eight"),
        "huge-seed": lambda recipe: recipe.update(seed=10**23),
        "nan": lambda recipe: recipe["sft"].update(learning_rate=float("nan")),
        "no-rounds": lambda recipe: recipe.update(rounds=[]),
        "late-search": late("evaluation", runs=missing),
        "late-policy": late("search", policy="smollm9"),
        "late-engine": late("search", engine="openvine"),
        "late-level": late("search", levels=["Level 9"]),
        "late-benchmark": late("evaluation", benchmark="math50"),
    }
    for name, change in changed.items():
        recipe = json.loads(json.dumps(shipped))
        change(recipe)
        (folder / f"{name}.yaml").write_text(yaml.safe_dump(recipe))


def _write_figures(folder: Path) -> None:
    texts = {"broken": '{"sch', "deep": DEEP, "list": "[]", "empty": "{}"}
    for name, text in texts.items():
        round_ = folder / f"figures-{name}" / "round-1"
        round_.mkdir(parents=True)
        (round_ / "figures.json").write_text(text)


def _write_runs(folder: Path) -> str:
    greedy = RunSpec("embedded-grade-school", "smollm2", "greedy", limit=2)
    first = _write_run(folder / "run", greedy, 1)
    sampled = RunSpec("embedded-grade-school", "smollm2", "sample", Sampling(n=8), limit=2)
    _write_run(folder / "sampled", sampled, 8)
    heads = {
        "broken": b'{"sch',
        "edited": (folder / "run" / "run.json").read_bytes().replace(b'"seed": 0', b'"seed": 5'),
        "deep": DEEP.encode(),
        "new": b'{"schema": 99, "config": {}, "config_digest": ""}',
        "latin": LATIN,
        "list": b"[]",
        "null": bytes(4096),
    }
    for name, data in heads.items():
        _copy(folder, name)
        (folder / f"run-{name}" / "run.json").write_bytes(data)
    _copy(folder, "nojson")
    (folder / "run-nojson" / "run.json").unlink()
    for name in ("half", "garbage", "deep-line", "records-dir", "shard"):
        _copy(folder, name)
    whole = (folder / "run" / "records.jsonl").read_bytes()
    (folder / "run-half" / "records.jsonl").write_bytes(whole[:-9])
    (folder / "run-garbage" / "records.jsonl").write_bytes(b"\x00\xff\n" + whole)
    (folder / "run-deep-line" / "records.jsonl").write_text(f"{DEEP}\n")
    (folder / "run-records-dir" / "records.jsonl").unlink()
    (folder / "run-records-dir" / "records.jsonl").mkdir()
    for shard in (folder / "run-shard" / "trees").iterdir():
        shard.write_bytes(shard.read_bytes()[:-9])
    return first


def _copy(folder: Path, name: str) -> None:
    shutil.copytree(folder / "run", folder / f"run-{name}")


def _write_run(path: Path, spec: RunSpec, samples: int) -> str:
    """Write a finished run of a specification; nothing of it was generated."""
    resolved = resolve(spec)
    with RunDir.open(path, make_header(resolved.config)) as run:
        for index, problem in enumerate(resolved.problems):
            record = Record(
                problem_id=problem.id,
                seed=0,
                benchmark=problem.benchmark,
                gold=problem.answer,
                search=spec.search,
                samples=(RIGHT,) * samples,
                selected={name: Selected("1", Outcome.CORRECT, 0) for name in resolved.selectors},
                tokens=Tokens(5, 5, 0),
                executions=1,
            )
            run.append(record, {}, {"total": 1.0}, index)
    return resolved.problems[0].id
