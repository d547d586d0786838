"""A stored search tree as the page keeps it: a list for each field, and the clock beside them.

Nodes are numbered as in the trace, so a list's place is a node. Children, paths, depths and every
sum over the clock follow from the parents and the events, and the page counts them itself: so its
slider shows what the search had known at any moment. What most nodes lack is kept by node.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from bench.search import EventKind, NodeKind

EVENT_LETTERS: Mapping[EventKind, str] = {
    EventKind.GENERATED: "g",
    EventKind.EXECUTED: "x",
    EventKind.EXPANDED: "e",
    EventKind.SCORED: "s",
    EventKind.VISITED: "v",
    EventKind.REACHED: "r",
    EventKind.CLOSED: "c",
    EventKind.ROLLOUT: "o",
}
"""What an event is called in the page's clock, which is a string (`web/src/clock.js` reads it)."""
_KINDS = [str(kind) for kind in NodeKind]
NODE_KINDS = [[str(kind), kind.is_valid] for kind in NodeKind]
"""What the page must know of the kinds of nodes, by their numbers."""
_DIGITS = 5


def pack_tree(tree: Mapping[str, Any]) -> dict[str, Any]:
    """Return a stored tree as lists; a tree without a clock keeps its final Q and N instead."""
    nodes = tree["nodes"]
    events = tree.get("events", ())
    packed = {
        "parents": [-1 if node["parent"] is None else node["parent"] for node in nodes],
        "candidates": [int(node["path"].rpartition(".")[2]) for node in nodes],
        "kinds": [_KINDS.index(node["kind"]) for node in nodes],
        "texts": [node["text"] for node in nodes],
        "tokens": [node["tokens"] for node in nodes],
        "statuses": _some(nodes, "status"),
        "errors": _some(nodes, "error"),
        "answers": _some(nodes, "answer"),
        "logprobs": _some(nodes, "logprob"),
        "rollouts": list(tree["rollouts"]),
        "rules": tree.get("rules", ""),
    }
    if events:
        packed["events"] = _pack_events(events)
    else:
        packed["values"] = _some(nodes, "value")
        packed["sums"] = [_short(node["q"]) for node in nodes]
        packed["visits"] = [node["visits"] for node in nodes]
    return packed


def _pack_events(events: Sequence[Sequence[Any]]) -> dict[str, Any]:
    kinds, nodes, values, *costs = zip(*events, strict=True)
    prompt, cached, generated, ppm = costs
    return {
        "kinds": "".join(EVENT_LETTERS[EventKind(kind)] for kind in kinds),
        "nodes": list(nodes),
        "values": [_short(value) for value in values],
        "generated": list(generated),
        "prompt": [new - known for new, known in zip(prompt, cached, strict=True)],
        "ppm": list(ppm),
    }


def _some(nodes: Sequence[Mapping[str, Any]], field: str) -> dict[int, Any]:
    """Return a field of the nodes that have it."""
    return {
        node["index"]: _short(value) if isinstance(value, float) else value
        for node in nodes
        if (value := node.get(field)) not in (None, "")
    }


def _short(value: float) -> float | int:
    """Return a number as the page shows it; a whole one without a point."""
    rounded = round(value, _DIGITS)
    return int(rounded) if rounded == int(rounded) else rounded
