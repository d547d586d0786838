"""What the official executor makes of a program: the text it shows to the model.

The source of this module is sent into the sandbox with the program and runs there; nothing of a
model's program is parsed or run outside. So it may import the standard library only. The rules are
those of the released code, as measured on its trees: a program with at most one printing statement
is worth its last statement (its value, else what that printed), whatever was printed before; a
program with several is worth each of them, labelled with what it prints, and ends at the last.
"""

from __future__ import annotations

import ast
import re
from contextlib import redirect_stdout
from io import StringIO
from typing import Any

MAX_CHARS = 1024
"""Longer texts are cut in their middle."""
DECIMALS = 4
"""To which a text that reads as one number is rounded."""


def observe(program: str) -> str:
    """Run a program; return what is shown, or the exception as `Name: message`."""
    namespace: dict[str, Any] = {"__name__": "__main__"}
    try:
        source = re.sub(r"(\s|`)*$", "", re.sub(r"^(\s|`)*(?i:python)?\s*", "", program))
        body = ast.parse(source).body
        printing = [index for index, statement in enumerate(body) if is_print(statement)]
        if len(printing) <= 1:
            return str(run_and_value(body, namespace)).strip()
        shown = []
        start = 0
        for index in printing:
            label = name_printed(ast.get_source_segment(source, body[index]) or "")
            shown.append(f"{label} {run_and_value(body[start : index + 1], namespace)}")
            start = index + 1
        return "".join(shown).strip()
    except Exception as error:
        return f"{type(error).__name__}: {error}".strip()


def is_print(statement: ast.stmt) -> bool:
    """Whether a statement is a call of print, or a block with one directly in its body."""
    if isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Call):
        called = statement.value.func
        return isinstance(called, ast.Name) and called.id == "print"
    if isinstance(statement, ast.If | ast.While | ast.For | ast.FunctionDef):
        return any(is_print(inner) for inner in statement.body)
    return False


def name_printed(source: str) -> str:
    """Return the source of what is printed, as the label of its output."""
    found = re.findall(r"print\((.*?)\)", source)
    return " ".join(found) + ":" if found else ""


def run_and_value(body: list[ast.stmt], namespace: dict[str, Any]) -> Any:
    """Run statements; return the value of the last one, else what it printed."""
    with redirect_stdout(StringIO()):
        exec(ast.unparse(ast.Module(body[:-1], type_ignores=[])), namespace)
    last = ast.unparse(ast.Module(body[-1:], type_ignores=[]))
    printed = StringIO()
    try:
        with redirect_stdout(printed):
            value = eval(last, namespace)
        return shorten(printed.getvalue() if value is None else value)
    except Exception:
        # What is no expression fails to evaluate; what is one and raised does so again.
        with redirect_stdout(printed):
            exec(last, namespace)
        return shorten(printed.getvalue())


def shorten(shown: Any) -> Any:
    """Round a text that is one number where that makes it no longer; cut a long one."""
    if isinstance(shown, str):
        try:
            rounded = f"{round(float(shown), DECIMALS)}\n"
        except (ValueError, OverflowError):
            rounded = None
        if rounded is not None and len(rounded) <= len(shown):
            shown = rounded
    text = str(shown)
    half = MAX_CHARS // 2
    return f"{text[:half]}...{text[-half:]}" if len(text) > MAX_CHARS else shown
