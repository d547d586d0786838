"""The notebooks under `bench/examples/`: every cell runs, inside a loop as in a notebook."""

from __future__ import annotations

import ast
import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from bench.files.cache import cache_dir

EXAMPLES = sorted((Path(__file__).resolve().parents[2] / "bench" / "examples").glob("*.ipynb"))


def read_cells(notebook: Path) -> list[str]:
    cells = json.loads(notebook.read_text(encoding="utf-8"))["cells"]
    return ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "code"]


def run_cell(source: str, names: dict[str, Any]) -> Any:
    """Run a cell; return the value of its last line, where that is an expression."""
    tree = ast.parse(source)
    last = tree.body.pop() if isinstance(tree.body[-1], ast.Expr) else None
    exec(compile(tree, "cell", "exec"), names)
    if isinstance(last, ast.Expr):
        return eval(compile(ast.Expression(last.value), "cell", "eval"), names)
    return None


@pytest.mark.parametrize("notebook", EXAMPLES, ids=lambda path: path.stem)
def test_every_cell_of_a_notebook_runs_and_what_it_shows_draws_itself(
    notebook: Path, embedded_gguf: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("openvino_genai", reason="no engine: pip install 'rstar-bench[cpu]'")

    async def play() -> list[Any]:
        names: dict[str, Any] = {}
        return [run_cell(source, names) for source in read_cells(notebook)]

    shown = [value for value in asyncio.run(play()) if value is not None]
    assert len(shown) >= 3
    drawn = [value for value in shown if hasattr(value, "_repr_html_")]
    assert all("<" in value._repr_html_() for value in drawn) and len(drawn) >= 3
    assert "smollm2-r4, mcts" in capsys.readouterr().out


@pytest.mark.slow
@pytest.mark.parametrize("notebook", EXAMPLES, ids=lambda path: path.stem)
def test_a_notebook_runs_in_jupyter(notebook: Path) -> None:
    nbclient = pytest.importorskip("nbclient", reason="no Jupyter: pip install nbclient ipykernel")
    nbformat = pytest.importorskip("nbformat")
    found = nbformat.read(notebook, as_version=4)
    nbclient.NotebookClient(found, timeout=600).execute()
    outputs = [out for cell in found.cells for out in cell.get("outputs", ())]
    assert sum("text/html" in out.get("data", {}) for out in outputs) >= 3
    assert cache_dir().is_dir()
