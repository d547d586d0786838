"""How much of each node an actor gets, and on which node each is put: arithmetic, without Ray."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from bench.cluster.settings import ClusterSettings
from bench.errors import ClusterError


@dataclass(frozen=True, slots=True)
class Node:
    """A machine of the cluster."""

    id: str
    cpus: int
    gpus: int

    def count_places(self, share: Share) -> int:
        """Return how many actors of this share it has room for."""
        by_cpu = self.cpus // share.cpus
        return min(by_cpu, self.gpus // share.gpus) if share.gpus else by_cpu


@dataclass(frozen=True, slots=True)
class Share:
    """What an actor gets of its node."""

    cpus: int
    gpus: int

    def __str__(self) -> str:
        """Say it in words."""
        gpus = f" and {self.gpus} GPU{'s' * (self.gpus > 1)}" if self.gpus else ""
        return f"{self.cpus} core{'s' * (self.cpus > 1)}{gpus}"


@dataclass(frozen=True, slots=True)
class Placement:
    """An actor's share, and the node of each."""

    share: Share
    nodes: tuple[str, ...]


def place_actors(nodes: Sequence[Node], settings: ClusterSettings) -> Placement:
    """Return what each actor gets, and where each goes, the emptiest node first.

    Raises ClusterError: the cluster has not the room for as many.
    """
    working = [node for node in nodes if node.cpus]
    gpus = settings.actor_gpus
    if gpus is None:
        gpus = 1 if any(node.gpus for node in working) else 0
    if gpus:
        working = [node for node in working if node.gpus >= gpus]
    by_itself = sum(node.gpus // gpus for node in working) if gpus else len(working)
    count = max(1, settings.actors or by_itself)
    share = Share(settings.actor_cpus or _share_cores(working, gpus, count), gpus)
    room = {node.id: node.count_places(share) for node in working}
    if sum(room.values()) < count:
        raise ClusterError(
            f"{count} actor{'s' * (count > 1)} of {share} were asked for (--actors, --actor-cpus, "
            f"--actor-gpus), and the cluster has room for {sum(room.values())}: "
            f"{_describe(nodes)}. Ask for less, or add nodes"
        )
    chosen = []
    for _ in range(count):
        emptiest = max(room, key=lambda node: room[node])
        room[emptiest] -= 1
        chosen.append(emptiest)
    return Placement(share, tuple(chosen))


def _share_cores(nodes: Sequence[Node], gpus: int, count: int) -> int:
    """Return the most cores with which so many actors still fit; 1 where they never do."""
    for cpus in range(max((node.cpus for node in nodes), default=1), 1, -1):
        if sum(node.count_places(Share(cpus, gpus)) for node in nodes) >= count:
            return cpus
    return 1


def _describe(nodes: Sequence[Node]) -> str:
    if not nodes:
        return "it has no node"
    return ", ".join(f"a node of {node.cpus} cores and {node.gpus} GPUs" for node in nodes)
