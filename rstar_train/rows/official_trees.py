"""Trees in the shape of the released code's result files: a tag a node, `0.3.1` and so on.

A result line holds `question`, `answer` and the tree, a mapping from tag to node. Two names for the
tree are known: `rstar` (the released code's) and `tree`. Our own trees are turned into the same
shape, so that one extraction serves both. Only reading is done here.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from bench.errors import DataError
from bench.search import Trace
from bench.search.official.trees import SENTINELS, official_tree
from bench.types import Problem

ROOT = "0"


@dataclass(slots=True)
class OfficialNode:
    """One node as a result file has it."""

    tag: str
    text: str
    q: float
    """Mean of the values backed up through the node."""
    answer: str
    """Empty unless the node is an end; a sentinel where the end is a dead one."""
    parent: OfficialNode | None
    children: list[OfficialNode] = field(default_factory=list)

    @property
    def is_answer(self) -> bool:
        """Whether the node is a leaf with an answer of the model's."""
        return not self.children and bool(self.answer) and self.answer not in SENTINELS

    @property
    def path(self) -> list[OfficialNode]:
        """The nodes from the root (excluded) to this one."""
        line: list[OfficialNode] = []
        node: OfficialNode | None = self
        while node is not None and node.parent is not None:
            line.append(node)
            node = node.parent
        return line[::-1]

    @property
    def solution(self) -> str:
        """The partial solution that ends here, the root's text included."""
        line = self.path
        root = line[0].parent if line else self
        assert root is not None
        return root.text + "".join(node.text for node in line)

    def walk(self) -> Iterator[OfficialNode]:
        """Yield this node and all below it, depth first."""
        yield self
        for child in self.children:
            yield from child.walk()


@dataclass(frozen=True, slots=True)
class OfficialTree:
    """One searched problem."""

    problem: Problem
    root: OfficialNode


def read_tree(data: Mapping[str, Any], where: str) -> OfficialTree:
    """Return the tree of one result line. Raises DataError, saying `where` and what is wrong."""
    tree = data.get("rstar", data.get("tree"))
    question = data.get("question", data.get("query"))
    if not isinstance(tree, dict) or not isinstance(question, str) or ROOT not in tree:
        raise DataError(
            f"{where}: expected a search result with 'question' and a tree ('rstar' or 'tree') "
            f"that has a root {ROOT!r}; found {', '.join(sorted(map(str, data))) or 'nothing'}"
        )
    name = str(data.get("id", data.get("index", question)))
    answer = data.get("answer")
    problem = Problem(name, question, "" if answer is None else str(answer), "official")
    return OfficialTree(problem, _root_of(tree, where))


def of_trace(problem: Problem, trace: Trace) -> OfficialTree:
    """Return one of our trees in the official shape."""
    return OfficialTree(problem, _root_of(official_tree(trace), problem.id))


def _root_of(tree: Mapping[str, Any], where: str) -> OfficialNode:
    """Return the root of a mapping from tag to node. Raises DataError."""
    nodes: dict[str, OfficialNode] = {}
    for tag in sorted(tree, key=_order):
        parent = nodes.get(tag.rpartition(".")[0])
        if parent is None and tag != ROOT:
            raise DataError(f"{where}: the node {tag!r} has no parent in the tree")
        nodes[tag] = _node(tag, tree[tag], parent, where)
    return nodes[ROOT]


def _node(tag: str, data: Any, parent: OfficialNode | None, where: str) -> OfficialNode:
    try:
        node = OfficialNode(
            tag,
            str(data["text"]),
            float(data["q_value"]),
            str(data.get("final_answer") or ""),
            parent,
        )
    except (TypeError, KeyError, ValueError, AttributeError) as error:
        raise DataError(
            f"{where}: the node {tag!r} is damaged ({type(error).__name__}: {error}); expected an "
            "object with 'text' and 'q_value'"
        ) from error
    if parent is not None:
        parent.children.append(node)
    return node


def _order(tag: str) -> tuple[int, tuple[int, ...]]:
    """Parents before children, siblings by number."""
    try:
        numbers = tuple(int(part) for part in str(tag).split("."))
    except ValueError as error:
        raise DataError(f"{tag!r} is no tag of a node; expected e.g. 0.2.1") from error
    return len(numbers), numbers
