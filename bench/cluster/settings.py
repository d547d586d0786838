"""What is asked of a cluster."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from bench.knobs import Amount, Count, Positive, Range

LOCAL = "local"


@dataclass(frozen=True, slots=True)
class ClusterSettings:
    """Where the cluster is and what of it is used; changes no record."""

    address: str = LOCAL
    """`local` starts a cluster on this machine; `auto` or HOST:PORT joins one."""
    actors: Count | None = None
    """Actors; none: one for each GPU, without GPUs one for each node."""
    actor_cpus: Count | None = None
    """Cores of an actor; none: what the nodes have, shared evenly among their actors."""
    actor_gpus: Amount | None = None
    """GPUs of an actor; none: 1 where the cluster has any, else 0."""
    actor_tries: Annotated[Count, Range(1, sane=1000)] = 3
    """Actors that may be lost with a problem before it counts as failed; and those that may be lost
    in one place before anything was solved there."""
    actor_seconds: Positive = 120.0
    """Seconds that the cluster may take to find room for an actor."""
    ray_logs: bool = False
    """Whether what Ray and the actors print is shown."""
