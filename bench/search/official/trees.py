"""The shape in which the released code stores a search tree: a tag a node, `0.3.1` and so on."""

from __future__ import annotations

from typing import Any

from bench.search.events import EventKind
from bench.search.tree import ROOT, NodeKind, Trace

TOO_MANY_CODE_ERRORS = "Too many consecutive steps have code errors."
TOO_MANY_STEPS = "Fail to sove the problem within limited steps."
NO_VALID_CHILD = "Fail to generate parsable text for next step."
SENTINELS = (TOO_MANY_CODE_ERRORS, TOO_MANY_STEPS, NO_VALID_CHILD)
"""What the released code writes into the answer field of a dead end, spelling included."""

_DEAD_ENDS = {NodeKind.FAILED_CODE: TOO_MANY_CODE_ERRORS, NodeKind.TOO_DEEP: TOO_MANY_STEPS}
_LEFT_OUT = (NodeKind.DUPLICATE, NodeKind.NOT_FIRST, NodeKind.LOOKAHEAD)


def official_tree(trace: Trace) -> dict[str, dict[str, Any]]:
    """Return a trace as the official code stores it: kept nodes by tag.

    The field `value` is the first value that a node ever got, 0 before.
    """
    first: dict[int, float] = {}
    for event in trace.events:
        if event.kind is EventKind.VISITED:
            first.setdefault(event.node, event.value)
        elif event.kind is EventKind.REACHED:
            for node in (trace.nodes[ROOT], *trace.lineage(event.node)):
                first.setdefault(node.index, event.value)
    tags = official_tags(trace)
    return {
        tags[node.index]: {
            "text": node.text,
            "final_answer": _DEAD_ENDS.get(node.kind, node.answer or ""),
            "value": (node.value or 0) if trace.search == "beam" else first.get(node.index, 0),
            "q_value": node.mean,
            "visit_count": node.visits,
        }
        for node in trace.nodes
        if node.index in tags
    }


def official_tags(trace: Trace) -> dict[int, str]:
    """Return the tag of each kept node: children are numbered from 1, dropped ones left out."""
    tags = {ROOT: "0"}
    kept: dict[int, int] = {}
    for node in trace.nodes:
        if node.parent is not None and node.kind not in _LEFT_OUT:
            kept[node.parent] = kept.get(node.parent, 0) + 1
            tags[node.index] = f"{tags[node.parent]}.{kept[node.parent]}"
    return tags
