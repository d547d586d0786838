"""The search tree as data, and the trace that a finished search returns.

Every search writes the same thing: nodes in the order they were made, each with its step's text,
what its code did, its statistics and its cost. A chain of samples is a tree whose root has n
children. Nothing here decides; `bench.search.mcts` and its siblings do, and selection of an answer
reads a stored trace.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Any

ROOT = 0


class NodeKind(StrEnum):
    """What a node's step is, or why the node is not part of the tree that is searched."""

    ROOT = "root"
    STEP = "step"
    CODE_END = "code_end"
    """The program is complete and its output is in the text."""
    ANSWER = "answer"
    """A finished trajectory."""
    FAILED_CODE = "failed_code"
    """Discarded: its code did not run."""
    NO_OUTPUT = "no_output"
    """Discarded: the program ended without printing anything."""
    NO_ANSWER = "no_answer"
    """Discarded: the answer block holds no answer."""
    CUT = "cut"
    """Discarded: the token limit came before any tag."""
    STOPPED = "stopped"
    """Discarded: the model ended the text by itself before any tag."""
    DUPLICATE = "duplicate"
    """Discarded: a sibling already has this text."""

    @property
    def is_valid(self) -> bool:
        """Whether the node can be searched, as opposed to discarded."""
        return self in (NodeKind.ROOT, NodeKind.STEP, NodeKind.CODE_END, NodeKind.ANSWER)


@dataclass(slots=True)
class Node:
    """One candidate step. `q` is the sum of backed-up values, so Q = q / visits."""

    index: int
    """Its place in the order of creation; the root is 0."""
    parent: int | None
    path: str
    """Candidate indices from the root, e.g. `0.2.1`; part of every seed."""
    depth: int
    """Steps from the root."""
    text: str
    """The step as generated, plus the output block that the executor appended."""
    kind: NodeKind
    status: str | None = None
    """How the step's code ended (`bench.sandbox.Status`); None when no code was run."""
    error: str = ""
    value: float | None = None
    """The PPM's value of the partial solution that ends here, in [-1, 1]."""
    q: float = 0.0
    visits: int = 0
    tokens: int = 0
    answer: str | None = None
    expanded: bool = False
    exhausted: bool = False
    """Nothing is left to visit: a finished trajectory, a dead end, or all children exhausted."""
    children: list[int] = field(default_factory=list)
    """Valid children only."""

    @property
    def mean(self) -> float:
        """Q(s) = q(s) / N(s); 0 before the first visit."""
        return self.q / self.visits if self.visits else 0.0


@dataclass(slots=True)
class Usage:
    """What a search spent."""

    policy_prompt: int = 0
    """Prompt tokens sent to the policy, once per request."""
    policy_generated: int = 0
    ppm: int = 0
    executions: int = 0


@dataclass(slots=True)
class Trace:
    """Everything a search did on one problem. No reference answer is in it."""

    problem_id: str
    search: str
    seed: int
    nodes: list[Node]
    finished: list[int] = field(default_factory=list)
    """Answer nodes in the order in which they were first reached."""
    rollouts: list[int] = field(default_factory=list)
    """For each rollout, the node at which it ended."""
    usage: Usage = field(default_factory=Usage)

    def lineage(self, index: int) -> list[Node]:
        """Return the nodes from the root (excluded) to a node (included)."""
        line: list[Node] = []
        node = self.nodes[index]
        while node.parent is not None:
            line.append(node)
            node = self.nodes[node.parent]
        return line[::-1]

    def text(self, index: int) -> str:
        """Return the partial solution that ends with a node."""
        return self.nodes[ROOT].text + "".join(node.text for node in self.lineage(index))

    def add(self, parent: Node, candidate: int, text: str, kind: NodeKind, tokens: int) -> Node:
        """Append a candidate; a valid one becomes its parent's child."""
        node = Node(
            index=len(self.nodes),
            parent=parent.index,
            path=f"{parent.path}.{candidate}",
            depth=parent.depth + 1,
            text=text,
            kind=kind,
            tokens=tokens,
        )
        self.nodes.append(node)
        if kind.is_valid:
            parent.children.append(node.index)
        return node

    def to_json(self) -> dict[str, Any]:
        """Return plain data for the run directory."""
        return asdict(self)

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Trace:
        """Read what `to_json` wrote."""
        fields = dict(data)
        fields["nodes"] = [
            Node(**{**node, "kind": NodeKind(node["kind"])}) for node in data["nodes"]
        ]
        fields["usage"] = Usage(**data["usage"])
        return cls(**fields)


def new_trace(problem_id: str, search: str, seed: int, start: str) -> Trace:
    """Return a trace that holds a root with the text that every solution starts with."""
    return Trace(
        problem_id, search, seed, [Node(ROOT, None, "0", 0, start, NodeKind.ROOT, visits=0)]
    )
