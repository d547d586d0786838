"""What `compare` runs: every method once, to the largest budget."""

from __future__ import annotations

from bench.evaluation.comparison import plan_runs
from bench.evaluation.spec import RunSpec
from bench.search import MCTS, Sampling


def test_a_comparison_runs_each_method_once_to_the_largest_budget() -> None:
    base = RunSpec("embedded-grade-school", "smollm2-r1", "greedy", ppm="smollm2-r1")
    runs = plan_runs(base, {"candidates": 3, "n": 2}, tokens=2048, beam_widths=(1, 4))
    assert list(runs) == ["greedy", "sample-2048", "beam-1x3", "beam-4x3", "mcts-2048"]
    assert runs["greedy"].ppm is None
    assert runs["sample-2048"].config == Sampling(n=2, tokens=2048)
    assert runs["mcts-2048"].config == MCTS(candidates=3, tokens=2048, rollouts=4096)
