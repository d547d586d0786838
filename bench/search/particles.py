"""Particle filtering: solutions are particles, which the PPM weighs and chance resamples.

Of a state-space model whose transition is the policy and whose likelihood is the PPM, the filter
draws solutions in proportion to both (Puri et al. 2025, arXiv 2502.01618). At every level each
particle is given one step; then as many particles are drawn from them, with replacement, each with
a probability that is the softmax of its log-odds. p is the PPM's value of the path, as its own
aggregate makes it, brought to [0, 1], so that a particle weighs p / (1 - p). Finished ones are
drawn along with the others until all are finished. A bad score makes a particle rare where a beam
makes it impossible: the PPM may be wrong.

A particle whose code fails is drawn no more. Where nothing is left, the search ends where it stood.
Once all are finished nothing is drawn: who chooses an answer sees each particle with its value.
"""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from bench.engines.base import Policy, StepScorer, derive_seed
from bench.sandbox import Sandbox
from bench.search.events import EventKind
from bench.search.expansion import Expander
from bench.search.rebase import SideBySide
from bench.search.steps import RepeatableSteps
from bench.search.tree import ROOT, NodeKind, Trace
from bench.types import Problem

_CLIP = 1e-7
"""How near to 0 or 1 a probability may come, so that odds are finite."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Particles(SideBySide):
    """The knobs of a particle filter."""


async def particle_filter(
    problem: Problem,
    policy: Policy,
    sandbox: Sandbox,
    *,
    config: Particles,
    seed: int,
    scorer: StepScorer,
) -> Trace:
    """Search one problem until all of `width` particles are finished or none can go on."""
    steps = RepeatableSteps(sandbox)
    with Expander.start(problem, policy, steps, scorer, search="particles", seed=seed) as expander:
        await _filter(expander, config)
        return expander.trace


async def _filter(expander: Expander, config: Particles) -> None:
    trace = expander.trace
    chance = random.Random(derive_seed(trace.seed, trace.problem_id, "resample"))
    particles = [ROOT] * config.width
    for _ in range(config.max_depth):
        moved = await _propagate(expander, particles)
        if not moved:
            break
        if all(trace.nodes[at].kind is NodeKind.ANSWER for at in moved):
            particles = moved
            break
        odds = [_odds(expander.value_path(trace.nodes[at])) for at in moved]
        particles = chance.choices(moved, odds, k=config.width)
    for at in particles:
        trace.record(EventKind.ROLLOUT, trace.nodes[at])


async def _propagate(expander: Expander, particles: Sequence[int]) -> list[int]:
    """Give every unfinished particle a step; return all that are left, finished ones first."""
    nodes = expander.trace.nodes
    finished = [at for at in particles if nodes[at].kind is NodeKind.ANSWER]
    # Particles at one place are asked for together: a seed belongs to a place.
    places = Counter(at for at in particles if nodes[at].kind is not NodeKind.ANSWER)
    proposals = await asyncio.gather(
        *(expander.propose(nodes[at], count) for at, count in places.items())
    )
    moved = []
    for at, completions in zip(places, proposals, strict=True):
        children = await expander.add_candidates(nodes[at], completions)
        await expander.score(nodes[at], [[child] for child in children])
        moved += [child.index for child in children]
    return [*finished, *moved]


def _odds(value: float) -> float:
    """Return p / (1 - p) for a value in [-1, 1], which is 2p - 1."""
    p = min(max((1 + value) / 2, _CLIP), 1 - _CLIP)
    return p / (1 - p)
