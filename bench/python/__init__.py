"""The door for programs and notebooks: one question, one run, one comparison, each one call.

    from bench import check, compare, run, search

    print(search("What is 6 * 7?", policy="smollm2-r4", rollouts=8).tree)
    greedy = run("embedded-grade-school", policy="smollm2-r4", method="greedy", limit=20)
    tree = run("embedded-grade-school", policy="smollm2-r4", method="mcts", limit=20)
    print(compare([greedy, tree], pairs=["mcts:greedy"]))

The calls wait for what they return, also where an event loop is running, as in a notebook. They
share a `Session`, which keeps the last policy and PPM loaded until the program ends; a session of
one's own is closed when one says so. What can go wrong is a `bench.errors.BenchError`, with a
sentence.
"""

from bench.answers import check
from bench.python.answer import Answer, SearchTree
from bench.python.results import Differences, Results, compare, load
from bench.python.session import Session, run, search

__all__ = [
    "Answer",
    "Differences",
    "Results",
    "SearchTree",
    "Session",
    "check",
    "compare",
    "load",
    "run",
    "search",
]
