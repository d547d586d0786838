"""The comparers, in the order in which they are asked; the first that knows the kind decides.

Order is meaning: a set before a relation, since `x < 3` is an interval to whoever writes one; a
relation before a list, since `x = 1, 2` is a list of values; expressions last, since anything may
be in one. To add a kind of answer, read it in `bench.answers.grammar.reading`, and put its comparer
here.
"""

from __future__ import annotations

from bench.answers.budget import spend
from bench.answers.comparers.containers import groups, lists, singletons
from bench.answers.comparers.disjunctions import disjunctions
from bench.answers.comparers.finding import Asked, Comparer, Finding
from bench.answers.comparers.matrices import matrices, vectors
from bench.answers.comparers.piecewise import piecewise
from bench.answers.comparers.qualified import qualified
from bench.answers.comparers.quantities import quantities
from bench.answers.comparers.ratios import bases, ratios
from bench.answers.comparers.relations import relations
from bench.answers.comparers.sets import conditions, real_sets
from bench.answers.comparers.values import expressions
from bench.answers.comparers.words import choices, words
from bench.answers.conventions import Conventions
from bench.answers.expressions import Answer

COMPARERS: tuple[Comparer, ...] = (
    qualified,
    piecewise,
    words,
    real_sets,
    conditions,
    disjunctions,
    relations,
    vectors,
    matrices,
    lists,
    singletons,
    groups,
    bases,
    ratios,
    quantities,
    expressions,
)
_MAX_COMPARISONS = 4000
"""Comparisons of parts within one comparison: a list of n items may need n * n."""

__all__ = ["COMPARERS", "Asked", "Comparer", "Finding", "choices", "compare"]


def compare(gold: Answer, prediction: Answer, conventions: Conventions) -> Finding:
    """Compare two answers that were read.

    Raises TooLarge: a part whose value is not worked out.
    """
    comparisons = 0

    def ask(gold: Answer, prediction: Answer, asked: Asked) -> Finding:
        nonlocal comparisons
        comparisons += 1
        spend()
        if gold == prediction:
            return Finding(True, "form", "the same form")
        if comparisons > _MAX_COMPARISONS:
            return Finding(None, "none", f"more than {_MAX_COMPARISONS} comparisons of parts")
        for comparer in COMPARERS:
            found = comparer(gold, prediction, asked)
            if found is not None:
                return found
        return Finding(False, "form", "different kinds of answer")

    return Asked(conventions, ask).compare(gold, prediction)
