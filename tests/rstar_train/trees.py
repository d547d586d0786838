"""Hand-built trees for the tests of rows: walks with their values backed up, as a search does."""

from __future__ import annotations

from bench.prompts import START
from bench.search import ROOT, EventKind, Node, NodeKind, Trace
from bench.search.tree import backup, new_trace


def tree(problem_id: str = "p1", seed: int = 0) -> Trace:
    return new_trace(problem_id, "mcts", seed, START)


def below(trace: Trace, parent: Node, text: str, kind: NodeKind) -> Node:
    """The child with this text, made when there is none."""
    children = [trace.nodes[index] for index in parent.children]
    found = next((child for child in children if child.text == text), None)
    return found or trace.add(parent, len(children), text, kind, 1)


def rollout(trace: Trace, *steps: str, value: float, finished: bool = True) -> Node:
    """Walk down the steps and back up the value, as a search with a reward does."""
    node = trace.nodes[ROOT]
    for depth, step in enumerate(steps, start=1):
        last = finished and depth == len(steps)
        node = below(trace, node, step, NodeKind.ANSWER if last else NodeKind.STEP)
    trace.rollouts.append(node.index)
    if finished:
        node.answer = steps[-1]
        trace.finished.append(node.index)
    backup(trace, node, value)
    return node


def rewarded(trace: Trace, *steps: tuple[str, float], reward: float) -> None:
    """Walk down steps that a PPM has scored, and let the answer be rewarded, on the clock."""
    node = trace.nodes[ROOT]
    for depth, (text, score) in enumerate(steps, start=1):
        known = len(trace.nodes)
        kind = NodeKind.ANSWER if depth == len(steps) else NodeKind.STEP
        node = below(trace, node, text, kind)
        if node.index >= known:
            trace.record(EventKind.SCORED, node, score)
            trace.record(EventKind.VISITED, node, score)
    trace.record(EventKind.REACHED, node, reward)
    trace.record(EventKind.ROLLOUT, node)
