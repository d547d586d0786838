"""Answer checkers against labelled cases and stored runs: verdicts, tables, flips, a gate.

A checker decides what a published score is, so a change of one is measured before it is made. The
checkers themselves are in `bench.answers.panel`; nothing here knows any mathematics.
"""

from bench.regression.cases import Case, golden_corpus, load_cases
from bench.regression.flips import Flip, Flips, Score, compare
from bench.regression.gate import Gate, gate
from bench.regression.judging import Judged, judge
from bench.regression.tally import Tally, tallies

__all__ = [
    "Case",
    "Flip",
    "Flips",
    "Gate",
    "Judged",
    "Score",
    "Tally",
    "compare",
    "gate",
    "golden_corpus",
    "judge",
    "load_cases",
    "tallies",
]
