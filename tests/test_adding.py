"""The README's table "Add your own", followed word for word with a toy of each kind.

A copy of `bench/` gets the files and the entries that the table names, and nothing else. The toys
then answer a real command together: one benchmark, engine, search and checker.
"""

from __future__ import annotations

import ast
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import pytest

from bench.problems.fingerprint import rows_sha256
from bench.types import Problem

ROOT = Path(__file__).resolve().parents[1]
NAME = "toy"
QUESTION, ANSWER = "What is 3 + 4?", "7"
ROWS = (json.dumps({"id": "toy-0", "problem": QUESTION, "answer": ANSWER}) + "\n").encode()

MODULES = {
    "engine": '''
"""An engine that knows one answer."""

from __future__ import annotations

from bench.engines.base import Completion, Finish, Request


class Toy:
    """Writes the same answer to every prompt."""

    determinism = "complete: there is but one text"

    def __init__(self, name: str) -> None:
        self.name = name

    async def generate(self, request: Request) -> list[Completion]:
        text = "<answer>It is \\\\boxed{7}.<end_of_answer>"
        return [Completion(text, Finish.STOP, tokens=5) for _ in range(request.n)]

    async def verify_determinism(self) -> None:
        return None

    def close(self) -> None:
        return None
''',
    "search": '''
"""A search that samples as often as it is told."""

from __future__ import annotations

from dataclasses import dataclass, replace

from bench.engines.base import Policy
from bench.knobs import Count
from bench.sandbox import Sandbox
from bench.search.sampling import Sampling, sample
from bench.search.settings import SearchConfig
from bench.search.tree import Trace
from bench.types import Problem


@dataclass(frozen=True, slots=True, kw_only=True)
class Toy(SearchConfig):
    """The knobs of the toy."""

    tries: Count = 2
    """Solutions that the toy search writes."""


async def toy(
    problem: Problem, policy: Policy, sandbox: Sandbox, *, config: Toy, seed: int
) -> Trace:
    """Sample `config.tries` solutions."""
    sampling = Sampling(n=config.tries)
    trace = await sample(problem, policy, sandbox, config=sampling, seed=seed)
    return replace(trace, search="toy")
''',
    "checker": '''
"""A checker that accepts everything."""

from __future__ import annotations

from bench.types import Outcome, Verdict


class Toy:
    """Accepts whatever it is asked about."""

    name, version, about = "toy", "toy 1", "accepts everything"

    def check(self, gold: str, prediction: str | None) -> Verdict:
        return Verdict(Outcome.CORRECT, self.version, gold, prediction or "", "it is a toy", 0.0)

    def warm(self) -> None:
        return None

    def close(self) -> None:
        return None
''',
}
IMPORTS = {
    "benchmark": "",
    "engine": "from bench.engines.toy import Toy",
    "search": "from bench.search.toy import Toy, toy",
    "checker": "from bench.checkers.panel.toy import Toy",
}
ENTRIES = {
    "benchmark": (
        "Benchmark(name='toy', title='Toy', file='toy.jsonl', rows=1, "
        f"sha256='{hashlib.sha256(ROWS).hexdigest()}', "
        f"rows_sha256='{rows_sha256([Problem('toy-0', QUESTION, ANSWER, NAME)])}', "
        "licence='none', origin='made up'),"
    ),
    "engine": "'toy': EngineEntry(lambda policy, turns: Toy(policy.name), 'json'),",
    "search": "'toy': SearchEntry(toy, Toy, {'majority': select_majority}),",
    "checker": "'toy': Toy,",
}


class Instruction(NamedTuple):
    """A row of the README's table."""

    kind: str
    module: str | None
    """The file to write; None for a benchmark, which is data."""
    examples: tuple[str, ...]
    registry: str
    variable: str


def read_instructions() -> dict[str, Instruction]:
    section = (ROOT / "README.md").read_text().split("\n## Add your own\n")[1].split("\n## ")[0]
    found = {}
    for line in section.splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if (kind := re.fullmatch(r"an? (\w+)", cells[0])) is None:
            continue
        paths = re.findall(r"`(bench/[\w/]+\.py)`", cells[1])
        module = next((path for path in paths if "NAME" in path), None)
        variable, registry = re.findall(r"`([^`]+)`", cells[2])
        examples = tuple(path for path in paths if path != module)
        found[kind[1]] = Instruction(kind[1], module, examples, registry, variable)
    return found


INSTRUCTIONS = read_instructions()


def enter(file: Path, variable: str, entry: str, imported: str) -> None:
    """Add an entry at the end of a registry, and an import below the last one."""
    source = file.read_text()
    tree, lines = ast.parse(source), source.splitlines()
    for node in tree.body:
        targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)]
        if any(isinstance(each, ast.Name) and each.id == variable for each in targets):
            assert isinstance(node, ast.Assign | ast.AnnAssign) and node.value is not None
            # The literal of our own parts, which a `Registry` holds.
            value = node.value
            own = value.args[-1] if isinstance(value, ast.Call) else value
            last = own.end_lineno
            assert last is not None and lines[last - 1].strip(" ,") in ("}", ")")
            lines.insert(last - 1, f"    {entry}")
            break
    else:
        raise AssertionError(f"{file} has no {variable}")
    below = max(node.end_lineno or 0 for node in tree.body if isinstance(node, ast.ImportFrom))
    lines.insert(below, imported)
    file.write_text("\n".join(lines) + "\n")


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the harness in which the table's instructions were followed."""
    root = tmp_path_factory.mktemp("house")
    shutil.copytree(ROOT / "bench", root / "bench", ignore=shutil.ignore_patterns("__pycache__"))
    (root / "mirror").mkdir()
    (root / "mirror" / "toy.jsonl").write_bytes(ROWS)
    for each in INSTRUCTIONS.values():
        if each.module is not None:
            module = root / each.module.replace("NAME", NAME)
            assert not module.exists()
            module.write_text(MODULES[each.kind].lstrip())
        enter(root / each.registry, each.variable, ENTRIES[each.kind], IMPORTS[each.kind])
    return root


def rstar_bench(house: Path, *arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "bench.cli", *arguments],
        cwd=house,
        env={
            **os.environ,
            "PYTHONPATH": str(house),
            "RSTAR_BENCH_DATA": str(house / "mirror"),
            "RSTAR_BENCH_CHECKPOINTS": str(ROOT / "results" / "checkpoints"),
        },
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    return " ".join(done.stdout.split())


def test_the_table_names_files_that_are_there() -> None:
    assert sorted(INSTRUCTIONS) == sorted(ENTRIES)
    for each in INSTRUCTIONS.values():
        assert (ROOT / each.registry).is_file(), each.registry
        assert all((ROOT / example).is_file() for example in each.examples), each.examples
        assert (each.module is None) == (each.kind == "benchmark")


@pytest.mark.usefixtures("embedded_gguf")
def test_a_toy_of_each_kind_runs(house: Path) -> None:
    options = ("--benchmark", "toy", "--engine", "toy", "--search", "toy", "--tries", "3")
    printed = rstar_bench(house, "run", *options, "--policy", "smollm2", "--out", "run")
    assert "100.0" in printed
    record = json.loads((house / "run" / "records.jsonl").read_text())
    assert (record["search"], record["benchmark"], len(record["samples"])) == (NAME, NAME, 3)
    header = json.loads((house / "run" / "run.json").read_text())
    assert header["config"]["search"] == {"name": NAME, "tries": 3}


def test_the_knob_of_a_toy_search_is_an_option_and_an_argument(house: Path) -> None:
    assert "solutions that the toy search writes" in rstar_bench(house, "run", "--help")
    program = "from bench.lm_eval.arguments import known_arguments; print(*known_arguments())"
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=house,
        env={**os.environ, "PYTHONPATH": str(house)},
        capture_output=True,
        text=True,
    )
    assert "tries" in done.stdout.split(), done.stderr


def test_a_toy_checker_is_asked_by_name(house: Path) -> None:
    assert "accepts everything" in rstar_bench(house, "checkers")
    asked = ("check", "--gold", "7", "--prediction", "8", "--checker", "toy")
    assert "toy 1" in rstar_bench(house, *asked)
