"""When enough samples agree: rules that stop a vote before all its samples are drawn.

A rule reads the answers so far, first to last, in canonical form; a sample that did not finish is
None, which is no vote. The same rule ends a search (`bench.search.consistency`) and says of stored
samples where it would have ended (`bench.reports.stopping`).
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Sequence

Answers = Sequence[str | None]
"""The answers of samples, in the order in which they were drawn."""
Rule = Callable[[Answers], bool]
"""Whether a vote of these answers is decided."""


def beta_confidence(first: int, second: int) -> float:
    """Return how sure it is that the first of two answers is the more frequent one.

    That is the probability that p > 1/2 where p has the density p^first (1 - p)^second: how often
    each was seen, under a uniform prior (adaptive-consistency, Aggarwal et al. 2023).
    For whole numbers it is a sum of binomial coefficients, exactly.
    """
    n = first + second + 1
    return sum(math.comb(n, k) for k in range(first + 1)) / (1 << n)


def stop_when_sure(confidence: float) -> Rule:
    """Return adaptive-consistency's rule: the two most frequent answers are told apart this surely.

    After its "Beta" criterion (arXiv 2305.11860), which leaves all other answers out.
    """

    def is_decided(answers: Answers) -> bool:
        votes = Counter(answer for answer in answers if answer is not None).most_common(2)
        if not votes:
            return False
        first, second = (count for _, count in [*votes, (None, 0)][:2])
        return beta_confidence(first, second) >= confidence

    return is_decided


def stop_when_a_window_agrees(window: int) -> Rule:
    """Return ESC's rule: the last of consecutive windows holds one answer, and it alone.

    Early-stopping self-consistency (Li et al. 2024, arXiv 2401.10480) draws so many samples at a
    time. A window with a sample that did not finish does not agree.
    """

    def is_decided(answers: Answers) -> bool:
        if not answers or len(answers) % window:
            return False
        last = set(answers[-window:])
        return len(last) == 1 and None not in last

    return is_decided


def count_until(answers: Answers, rule: Rule) -> int:
    """Return after how many of the answers a rule stops; all of them where it never does."""
    return next((n for n in range(1, len(answers) + 1) if rule(answers[:n])), len(answers))
