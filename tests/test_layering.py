"""The import arrows of the design, as data, and that every import in the tree follows them."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]

# Lowest row first. A module may import from the rows below its own, and from its own room; not from
# its neighbours in the row. A part of a room may have a row of its own, above the rest of it.
ROWS = (
    ("bench",),  # the package itself: its version, and the way to its door
    ("bench.types", "bench.errors", "bench.knobs", "bench.machine", "bench.variables"),
    ("bench.files", "bench.terminal", "bench.plugins"),
    ("bench.inequalities",),
    (
        "bench.problems",
        "bench.answers",
        "bench.sandbox",
        "bench.prompts",
        "bench.stats",
        "bench.console",
    ),
    ("bench.checkpoints", "bench.inequalities.lips", "bench.inequalities.attacks.soundness"),
    ("bench.engines",),
    ("bench.search",),
    ("bench.runs",),
    ("bench.reports", "bench.checkers"),
    ("bench.evaluation", "bench.page", "bench.exports"),
    ("bench.cluster",),
    ("bench.lm_eval", "bench.speed", "bench.prm_bench", "bench.serving", "bench.python"),
    ("bench.inspect_tasks",),
    ("bench.cli",),
    ("rstar_train",),  # the package itself
    ("rstar_train.figures",),
    ("rstar_train.cpl_figures",),
    ("rstar_train.recipes", "rstar_train.demonstrators"),
    ("rstar_train.search", "rstar_train.training", "rstar_train.publishing"),
    ("rstar_train.rows",),
    ("rstar_train.policy", "rstar_train.value", "rstar_train.official"),
    ("rstar_train.rounds",),
    ("rstar_train.cli", "rstar_train.fit", "rstar_train.speed"),
)

ROOTS = ("bench", "rstar_train")
DOOR = "bench", "bench.python"
"""Who may import upwards, and what: `from bench import run`, and only when it is asked for."""

# Packages that cost seconds or gigabytes, and who may import them: inside functions only.
ANY_ENGINE = ("bench.checkpoints", "bench.engines", "rstar_train")
HEAVY = {
    "torch": ANY_ENGINE,
    "transformers": ANY_ENGINE,
    "vllm": ANY_ENGINE,
    "openvino": ANY_ENGINE,
    "openvino_genai": ANY_ENGINE,
    "openvino_tokenizers": ANY_ENGINE,
    "datasets": ("bench.problems.hub", "bench.lm_eval", "rstar_train"),
    "accelerate": ("rstar_train",),
    "matplotlib": ("bench.reports.figure",),
    "peft": ANY_ENGINE,
    "ray": ("bench.cluster",),
    "trl": ("rstar_train",),
}

TYPES_ONLY = ("TYPE_CHECKING", "typing.TYPE_CHECKING")

# What must start in a moment, and what it must not load on the way.
QUICK = ("bench", "bench.problems", "bench.cli", "rstar_train.cli")
SLOW_TO_LOAD = (
    *("torch", "transformers", "datasets", "pandas", "scipy", "sympy", "reasoning_gym"),
    "matplotlib",
)


@dataclass(frozen=True)
class Import:
    """One imported module, and whether importing the importer runs it."""

    importer: str
    imported: str
    line: int
    lazy: bool

    def __str__(self) -> str:
        return f"{self.importer}, line {self.line}, imports {self.imported}"


def module_name(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {
    module_name(path): path
    for package in ("bench", "rstar_train")
    for path in sorted((ROOT / package).rglob("*.py"))
}


def is_within(module: str, package: str) -> bool:
    return module == package or module.startswith(package + ".")


def row_of(module: str, *, exactly: bool = False) -> tuple[int, str] | None:
    """The row of a module, and the narrowest entry that puts it there."""
    found = None
    for number, row in enumerate(ROWS):
        for entry in row:
            # The root packages cover themselves alone: a new room needs a row of its own.
            below = entry not in ROOTS and not exactly and is_within(module, entry)
            if (module == entry or below) and (found is None or len(entry) > len(found[1])):
                found = number, entry
    return found


def imports_of(importer: str, tree: ast.AST) -> list[Import]:
    return list(_visit(importer, tree, lazy=False))


def _visit(importer: str, node: ast.AST, *, lazy: bool) -> Iterator[Import]:
    if isinstance(node, ast.Import):
        for alias in node.names:
            yield Import(importer, alias.name, node.lineno, lazy)
    elif isinstance(node, ast.ImportFrom):
        assert node.level == 0, (
            f"{importer}, line {node.lineno}: imports are absolute in this project"
        )
        for alias in node.names:
            submodule = f"{node.module}.{alias.name}"
            is_module = submodule in MODULES or row_of(submodule, exactly=True) is not None
            imported = submodule if is_module else str(node.module)
            yield Import(importer, imported, node.lineno, lazy)
    deferred = isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
    unrun: list[ast.stmt] = []
    if isinstance(node, ast.If) and ast.unparse(node.test) in TYPES_ONLY:
        unrun = node.body
    for child in ast.iter_child_nodes(node):
        yield from _visit(importer, child, lazy=lazy or deferred or child in unrun)


def arrow_breaks(imports: list[Import]) -> list[str]:
    broken = []
    for each in imports:
        if each.imported.split(".")[0] not in ("bench", "rstar_train"):
            continue
        if (each.importer, each.imported) == DOOR and each.lazy:
            continue
        source, target = row_of(each.importer), row_of(each.imported)
        if source is None or target is None:
            broken.append(f"{each}: no row names it; give it one, as the design has it")
        elif source[1] != target[1] and target[0] >= source[0]:
            broken.append(f"{each}: {target[1]} is not below {source[1]}")
    return broken


def heavy_breaks(imports: list[Import]) -> list[str]:
    broken = []
    for each in imports:
        owners = HEAVY.get(each.imported.split(".")[0])
        if owners is None:
            continue
        if not any(is_within(each.importer, owner) for owner in owners):
            broken.append(f"{each}: only {' and '.join(owners)} may")
        elif not each.lazy:
            broken.append(f"{each} when it is loaded: move it into the function that needs it")
    return broken


ALL_IMPORTS = [
    each
    for name, path in MODULES.items()
    for each in imports_of(name, ast.parse(path.read_text(encoding="utf-8"), filename=str(path)))
]


def test_every_module_has_a_row() -> None:
    assert [name for name in MODULES if row_of(name) is None] == []


def test_imports_go_one_way() -> None:
    assert arrow_breaks(ALL_IMPORTS) == []


def test_heavy_packages_are_imported_lazily_and_by_their_owners_only() -> None:
    assert heavy_breaks(ALL_IMPORTS) == []


@pytest.mark.parametrize(
    ("importer", "source"),
    [
        ("bench.types", "from bench.errors import BenchError"),
        ("bench", "from bench.python import run"),
        ("bench", "def f():\n    from bench.python.session import Session"),
        ("bench.problems.mirror", "from bench.answers import check"),
        ("bench.search.mcts", "def f():\n    from bench.evaluation.runner import run"),
        ("bench.evaluation.runner", "import rstar_train.rounds.evolve"),
        ("bench.stats", "from bench.reports import leaderboard"),
        ("bench.novelty", "import bench.types"),
        ("bench.inequalities.proving.prover", "from bench.inequalities.lips import search"),
        ("bench.inequalities.proving.prover", "from bench.answers import check"),
        ("rstar_train.recipes.recipe", "from rstar_train.value.ppm import train_ppm"),
        ("rstar_train.policy.sft", "from rstar_train.value.ppm import train_ppm"),
        (
            "rstar_train.publishing.plots",
            "if TYPE_CHECKING:\n    from rstar_train.value import ppm",
        ),
        ("rstar_train.rounds.evolve", "from rstar_train.cli import main"),
    ],
)
def test_an_upward_import_is_found(importer: str, source: str) -> None:
    assert len(arrow_breaks(imports_of(importer, ast.parse(source)))) == 1


@pytest.mark.parametrize(
    ("importer", "source"),
    [
        ("bench.search.mcts", "def f():\n    import torch"),
        ("bench.engines.hf", "import torch"),
        ("bench.engines.hf", "class Engine:\n    from transformers import AutoModel"),
        ("bench.problems", "def f():\n    from datasets import load_dataset"),
        ("rstar_train.policy.sft", "from trl import SFTTrainer"),
    ],
)
def test_a_heavy_import_in_the_wrong_place_is_found(importer: str, source: str) -> None:
    assert len(heavy_breaks(imports_of(importer, ast.parse(source)))) == 1


@pytest.mark.parametrize(
    ("importer", "source"),
    [
        ("bench.engines.hf", "def load():\n    import torch"),
        ("bench.engines.hf", "if TYPE_CHECKING:\n    import torch"),
        ("bench.problems.hub", "def read():\n    import datasets"),
        ("rstar_train.policy.sft", "from bench.search import mcts\ndef train():\n    import trl"),
        ("bench.inequalities.lips.search", "from bench.inequalities.proving.prover import prove"),
        ("bench.answers.verifiers", "def f():\n    from bench.inequalities import checker"),
    ],
)
def test_a_lawful_import_passes(importer: str, source: str) -> None:
    imports = imports_of(importer, ast.parse(source))
    assert arrow_breaks(imports) + heavy_breaks(imports) == []


@pytest.mark.parametrize("module", QUICK)
def test_importing_loads_nothing_slow(module: str) -> None:
    program = (
        f"import sys, {module}; print(*[n for n in {SLOW_TO_LOAD!r} if n in sys.modules], sep=',')"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == ""
