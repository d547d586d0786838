"""Finds the final answer in a text, and says whether it equals the reference.

Importing this loads no algebra system: that happens in the worker processes, when first asked.
"""

from bench.answers.canonical import canonicalize
from bench.answers.checking import acheck, check
from bench.answers.conventions import DEFAULT, Conventions
from bench.answers.responses.extraction import final_answer
from bench.answers.responses.marks import Extracted, Where
from bench.answers.workers import close_checkers

__all__ = [
    "DEFAULT",
    "Conventions",
    "Extracted",
    "Where",
    "acheck",
    "canonicalize",
    "check",
    "close_checkers",
    "final_answer",
]
