"""The nodes that live, by the chain of programs they have run: least recently used ends first.

Only the supervisor's memory of them is here. A node that is gone is no loss: it is made again from
its nearest living ancestor, and the chain decides its state.

Memory is counted once: a node holds pages of its own and shares those of the nodes it was forked
from. The end of one frees its own only when no node lives that came from it; until then they count.
"""

from __future__ import annotations

from collections import Counter, OrderedDict
from collections.abc import Callable

from bench.sandbox.nodes import LiveNode


class LiveNodes:
    """A mapping from keys of chains to nodes, bounded by their number and their memory."""

    def __init__(self, *, nodes: int, memory: int, drop: Callable[[LiveNode], None]) -> None:
        """Hold at most `nodes` nodes and `memory` bytes; `drop` ends one."""
        self._nodes: OrderedDict[bytes, LiveNode] = OrderedDict()
        self._limits = nodes, memory
        self._heirs: Counter[LiveNode] = Counter()
        """Who holds a node's pages: itself while it is kept, and each that was forked from it."""
        self.memory = 0
        """Bytes that they hold together."""
        self._drop = drop
        self.evicted = 0

    def __len__(self) -> int:
        """How many there are, the dead not yet noticed included."""
        return len(self._nodes)

    def get(self, key: bytes) -> LiveNode | None:
        """Return the living node of a chain, and call it used."""
        node = self._nodes.get(key)
        if node is None:
            return None
        if not node.alive or node.restless:
            self._remove(key)
            return None
        self._nodes.move_to_end(key)
        return node

    def put(self, key: bytes, node: LiveNode) -> None:
        """Add a node; end those least recently used until all fit, but for those that fork."""
        if key in self._nodes:
            self._remove(key)
        self._nodes[key] = node
        self._hold(node)
        count, memory = self._limits
        for old, victim in list(self._nodes.items()):
            if len(self._nodes) <= count and self.memory <= memory:
                break
            if not victim.pins:
                self._remove(old)
                self.evicted += 1

    def shed(self) -> None:
        """End all but those that fork: the machine needs their memory."""
        for key, node in list(self._nodes.items()):
            if not node.pins:
                self._remove(key)
                self.evicted += 1

    def clear(self) -> None:
        """End them all."""
        for key in list(self._nodes):
            self._remove(key)

    def _remove(self, key: bytes) -> None:
        node = self._nodes.pop(key)
        self._release(node)
        self._drop(node)

    def _hold(self, node: LiveNode | None) -> None:
        """Count a node's pages, and those of what it was forked from, where they are not."""
        while node is not None:
            self._heirs[node] += 1
            if self._heirs[node] > 1:
                return
            self.memory += node.memory
            node = node.base

    def _release(self, node: LiveNode | None) -> None:
        """Take them from the count that nobody holds any more."""
        while node is not None:
            self._heirs[node] -= 1
            if self._heirs[node] > 0:
                return
            del self._heirs[node]
            self.memory -= node.memory
            node = node.base
