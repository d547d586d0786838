"""HumanEval in the sandbox: what passes, and what only looks as if it did."""

from __future__ import annotations

import pytest

from bench.lm_eval.humaneval import process_results

DOCUMENT = {
    "prompt": 'def add(a, b):\n    """Return the sum."""\n',
    "test": "def check(candidate):\n    assert candidate(1, 2) == 3\n",
    "entry_point": "add",
}


@pytest.mark.parametrize(
    ("completion", "passes"),
    [
        ("    return a + b\n", 1),
        ("    return a - b\n", 0),
        ("    raise SystemExit(0)\n", 0),
        ("    import os\n    os._exit(0)\n", 0),
        ("    return a +\n", 0),
    ],
)
def test_a_completion_passes_when_the_tests_reach_their_end(completion: str, passes: int) -> None:
    assert process_results(DOCUMENT, [completion]) == {"pass@1": passes}
