"""How actors are shared out over nodes, and what is said where they do not fit."""

from __future__ import annotations

import pytest

from bench.cluster.placing import Node, Placement, Share, place_actors
from bench.cluster.settings import ClusterSettings
from bench.errors import ClusterError

CPU_NODES = (Node("a", 8, 0), Node("b", 8, 0))
GPU_NODES = (Node("a", 64, 8), Node("b", 64, 8), Node("head", 4, 0))


@pytest.mark.parametrize(
    ("nodes", "settings", "share", "counts"),
    [
        (CPU_NODES, ClusterSettings(), Share(8, 0), {"a": 1, "b": 1}),
        (CPU_NODES, ClusterSettings(actors=4), Share(4, 0), {"a": 2, "b": 2}),
        (CPU_NODES, ClusterSettings(actors=3), Share(4, 0), {"a": 2, "b": 1}),
        (CPU_NODES, ClusterSettings(actors=1, actor_cpus=2), Share(2, 0), {"a": 1}),
        (GPU_NODES, ClusterSettings(), Share(8, 1), {"a": 8, "b": 8}),
        (GPU_NODES, ClusterSettings(actor_gpus=4), Share(32, 4), {"a": 2, "b": 2}),
        (GPU_NODES, ClusterSettings(actor_gpus=0, actors=3), Share(32, 0), {"a": 2, "b": 1}),
        ((Node("head", 0, 0), Node("a", 2, 0)), ClusterSettings(), Share(2, 0), {"a": 1}),
        ((Node("a", 16, 0), Node("b", 4, 0)), ClusterSettings(), Share(8, 0), {"a": 2}),
    ],
)
def test_actors_are_shared_out_over_the_nodes(
    nodes: tuple[Node, ...], settings: ClusterSettings, share: Share, counts: dict[str, int]
) -> None:
    placed = place_actors(nodes, settings)
    assert placed.share == share
    assert {node: placed.nodes.count(node) for node in sorted(set(placed.nodes))} == counts


@pytest.mark.parametrize(
    "settings",
    [
        ClusterSettings(actors=17),
        ClusterSettings(actor_cpus=9),
        ClusterSettings(actor_gpus=1),
        ClusterSettings(actors=5, actor_cpus=4),
    ],
)
def test_more_than_the_cluster_has_room_for_is_refused_with_what_it_has(
    settings: ClusterSettings,
) -> None:
    with pytest.raises(ClusterError, match="room for.*a node of 8 cores and 0 GPUs.*Ask for less"):
        place_actors(CPU_NODES, settings)


def test_a_cluster_without_a_node_is_refused() -> None:
    with pytest.raises(ClusterError, match="it has no node"):
        place_actors((), ClusterSettings())


def test_a_placement_says_its_share_in_words() -> None:
    assert str(Placement(Share(1, 2), ("a",)).share) == "1 core and 2 GPUs"
