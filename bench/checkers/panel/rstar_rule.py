"""As much of the official rStar-Math grader as libraries have, and none that runs a model's text.

The official grader accepts what any of three checkers accepts, with gold and prediction in either
order, as given or after `strip_string`. Of the three, this has `math_equal`: lm-eval ships ToRA's,
from which the official one descends (relative tolerance 1e-4, a factor of 100 either way forgiven,
brackets dropped). Missing are MARIO_EVAL and xwin's `check_one_answer`, which no package index
has, and every call of sympy's `parse_expr`: that is `eval`, and the official grader reaches it
with the model's answer. In this member's process it is replaced by a function that refuses all but
plain numbers; sympy's LaTeX grammar then reads what it can.
"""

from __future__ import annotations

import re

from bench.checkers.panel.base import Ruling, bare
from bench.checkers.panel.hosted import Hosted
from bench.checkers.panel.lm_eval_rules import HENDRYCKS, load, task_file

_NUMBER = re.compile(r"\d{1,1000}(?:\.\d{0,1000})?|\.\d{1,1000}")
MATH_EQUAL = "score/math/math_grader.py"


def rstar_checker() -> Hosted:
    """Return the partial ensemble. Raises MissingExtraError."""
    from importlib.metadata import version

    for task in (HENDRYCKS, MATH_EQUAL):
        task_file(task)
    about = (
        "ToRA's math_equal, either order, with and without strip_string; PARTIAL: no MARIO_EVAL, "
        "no xwin rule, parse_expr refused since it executes the model's text"
    )
    label = f"rstar-partial, lm-eval {version('lm_eval')}"
    return Hosted("rstar-partial", label, about, rstar)


def rstar(gold: str, prediction: str) -> Ruling:
    """Accept what `math_equal` accepts in any of its four ways."""
    _refuse_to_execute()
    math_equal = load(MATH_EQUAL).math_equal
    strip = load(HENDRYCKS).strip_string
    sides = bare(gold), bare(prediction)
    trouble = ""
    for how, pair in (("as given", sides), ("after strip_string", None)):
        try:
            first, second = pair or (strip(sides[0]), strip(sides[1]))
        except Exception as error:  # strip_string asserts what it expects of units
            trouble = f"; strip_string raised {type(error).__name__}"
            continue
        for order, reference, answer in (("", first, second), (", swapped", second, first)):
            if math_equal(answer, reference):
                return Ruling(True, f"math_equal, {how}{order}: {reference!r} and {answer!r}")
    return Ruling(False, f"math_equal rejects it in each of its ways{trouble}")


def _refuse_to_execute() -> None:
    """Take `parse_expr` from this process, but for plain numbers.

    `math_equal` looks it up at every call, so it meets the replacement. Sympy uses the real one for
    names of its own when the LaTeX parser is loaded, which therefore comes first, and later for the
    numbers that the grammar found, which are digits and a point and may pass.
    """
    import sympy.parsing.latex._parse_latex_antlr  # noqa: F401
    from sympy.parsing import sympy_parser

    original = sympy_parser.parse_expr
    if getattr(original, "refuses", False):
        return

    def numbers_only(text: object, *arguments: object, **options: object) -> object:
        if isinstance(text, str) and _NUMBER.fullmatch(text):
            return original(text, *arguments, **options)
        raise ValueError("parse_expr executes text, and is refused here")

    numbers_only.refuses = True  # type: ignore[attr-defined]
    sympy_parser.parse_expr = numbers_only
