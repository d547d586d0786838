"""No text of a model is ever evaluated: the code that checks answers is read to see that.

What would do so is forbidden by name wherever it is called, passed on or imported, since a test of
some inputs proves nothing for the next one.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import bench

FOLDER = Path(bench.__file__).parent
MODULES = sorted(path for room in ("answers", "checkers") for path in (FOLDER / room).rglob("*.py"))
FORBIDDEN = frozenset(
    "eval exec compile __import__ sympify parse_expr simplify lambdify S nsimplify parse_latex "
    "literal_eval run_code SIGALRM alarm setitimer".split()
)

ALLOWED = {"rstar_rule.py": "parse_expr", "processes.py": "setitimer"}
"""Modules that may name one: to take it from a library that they host; and to have the system end a
process whose CPU time is spent, which runs nothing in it as an alarm would."""


def offences(tree: ast.AST) -> Iterator[str]:
    """Every use of a forbidden name: bare, as an attribute, imported, or asked for as a string."""
    for node in ast.walk(tree):
        names: list[str] = []
        if isinstance(node, ast.Name):
            names = [node.id] if node.id != "alarm" else []  # only signal.alarm rings
        elif isinstance(node, ast.Attribute):
            names = [] if _is_harmless(node) else [node.attr]
        elif isinstance(node, ast.ImportFrom | ast.Import):
            names = [alias.name.split(".")[-1] for alias in node.names]
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            if node.func.id in ("getattr", "import_module"):
                names = [a.value for a in node.args if isinstance(a, ast.Constant)]
        yield from (f"line {node.lineno}: {name}" for name in names if name in FORBIDDEN)


def _is_harmless(node: ast.Attribute) -> bool:
    """`re.compile` compiles a pattern of ours."""
    return isinstance(node.value, ast.Name) and (node.value.id, node.attr) == ("re", "compile")


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(FOLDER)))
def test_nothing_in_the_checker_evaluates_text(path: Path) -> None:
    found = offences(ast.parse(path.read_text(encoding="utf-8")))
    allowed = ALLOWED.get(path.name, "nothing")
    assert [offence for offence in found if not offence.endswith(f": {allowed}")] == []


@pytest.mark.parametrize(
    "source",
    [
        "eval(text)",
        "f = eval",
        "builtins.eval(text)",
        "from sympy import sympify",
        "import sympy\nsympy.sympify(text)",
        "from sympy.parsing.sympy_parser import parse_expr as p",
        "sympy.S(text)",
        "getattr(sympy, 'simplify')(x)",
        "signal.signal(signal.SIGALRM, stop)",
    ],
)
def test_evaluation_is_found_where_there_is_some(source: str) -> None:
    assert list(offences(ast.parse(source)))
