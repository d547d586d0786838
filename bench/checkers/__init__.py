"""Answer checkers against labelled cases and stored runs: verdicts, tables, flips, a gate.

A checker decides what a published score is, so a change of one is measured before it is made. The
checkers themselves are in `bench.checkers.panel`; nothing here knows any mathematics.
"""

from bench.checkers.cases import Case, golden_corpus, load_cases
from bench.checkers.flips import Flip, Flips, Score, compare
from bench.checkers.gate import GateResult, gate
from bench.checkers.judging import Judged, judge
from bench.checkers.tally import Tally, tallies

__all__ = [
    "Case",
    "Flip",
    "Flips",
    "GateResult",
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
