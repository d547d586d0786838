"""AB-MCTS-A: a tree that decides by itself whether to go wider or deeper (Inoue et al. 2025).

At every node two things may be done: generate something new (GEN), or go on with a child that is
there (CONT). Which, and with which child, is decided by Thompson sampling: a reward is drawn from
what is believed of each choice, and the largest draw wins (arXiv 2503.04412; node
aggregation). So no number of candidates is set beforehand, which is what MCTS needs.

The paper's nodes are whole answers, which a model refines. Here a node is a step: a rollout walks
down until it generates, and what it writes there goes on to an answer, whose value is its reward.
Going deeper keeps more of a known solution. As in the authors' code (TreeQuest), a reward is
evidence for GEN at the node that generated, for CONT at the nodes above, and for every child on the
way. Rewards are the PPM's value of the path, as its own aggregate makes it, brought to [0, 1]; a
dead end is worth 0. Equal steps are two. Below a program's output the answer is greedy.
"""

from __future__ import annotations

import math
import random
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Annotated, Literal

from bench.engines.base import Policy, StepScorer, derive_seed
from bench.knobs import Count, Use
from bench.sandbox import Sandbox
from bench.search.events import EventKind
from bench.search.expansion import Expander
from bench.search.mcts import DEAD_END
from bench.search.settings import Depth, Iterations, SearchConfig
from bench.search.steps import RepeatableSteps
from bench.search.tree import ROOT, Node, NodeKind, Trace
from bench.types import Problem

Belief = Literal["gaussian", "beta"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ABMCTS(SearchConfig):
    """The knobs of AB-MCTS-A."""

    rollouts: Annotated[Iterations, Use.BUDGET, Use.LABEL] = 8
    """Rollouts of a problem (paper: 8 in round 1, 16 after)."""
    tokens: Annotated[Count, Use.BUDGET] | None = None
    """Generated tokens of a problem after which nothing new is begun; none: no limit."""
    belief: Belief = "gaussian"
    """What is believed of a choice's rewards: a normal with unknown mean and variance, or a beta
    (AB-MCTS: either, with the same priors)."""
    max_depth: Depth = 16
    """Steps of a solution at most (paper: 16)."""


@dataclass(frozen=True, slots=True)
class Normal:
    """A normal-inverse-gamma belief; its defaults are the authors' prior.

    The variance of a reward is inverse-gamma with shape nu / 2 and scale nu tau_square / 2, and its
    mean is normal around m with that variance divided by kappa.
    """

    m: float = 0.0
    kappa: float = 1.0
    nu: float = 1.0
    tau_square: float = 0.1

    def learn(self, rewards: Sequence[float]) -> Normal:
        """Return what is believed after these rewards (Murphy 2023, section 3.4.3.3)."""
        if not rewards:
            return self
        n = len(rewards)
        mean = math.fsum(rewards) / n
        spread = math.fsum((reward - mean) ** 2 for reward in rewards)
        kappa, nu = self.kappa + n, self.nu + n
        shift = n * self.kappa * (self.m - mean) ** 2 / kappa
        return Normal(
            m=(self.kappa * self.m + n * mean) / kappa,
            kappa=kappa,
            nu=nu,
            tau_square=(self.nu * self.tau_square + spread + shift) / nu,
        )

    def draw(self, chance: random.Random) -> float:
        """Draw an expected reward."""
        precision = chance.gammavariate(self.nu / 2, 2 / (self.nu * self.tau_square))
        return chance.gauss(self.m, math.sqrt(1 / (precision * self.kappa)))


@dataclass(frozen=True, slots=True)
class Beta:
    """A beta belief; its default is Jeffreys' prior, which is the authors'."""

    a: float = 0.5
    b: float = 0.5

    def learn(self, rewards: Sequence[float]) -> Beta:
        """Return what is believed after these rewards, each in [0, 1]."""
        won = math.fsum(rewards)
        return Beta(self.a + won, self.b + len(rewards) - won)

    def draw(self, chance: random.Random) -> float:
        """Draw an expected reward."""
        return chance.betavariate(self.a, self.b)


@dataclass(slots=True)
class _Choices:
    """The rewards that each choice at one node has had."""

    generated: list[float] = field(default_factory=list)
    continued: list[float] = field(default_factory=list)
    by_child: defaultdict[int, list[float]] = field(default_factory=lambda: defaultdict(list))


async def ab_mcts(
    problem: Problem,
    policy: Policy,
    sandbox: Sandbox,
    *,
    config: ABMCTS,
    seed: int,
    scorer: StepScorer,
) -> Trace:
    """Search one problem until its rollouts or its tokens are used up."""
    steps = RepeatableSteps(sandbox)
    with Expander.start(problem, policy, steps, scorer, search="abmcts", seed=seed) as expander:
        trace = expander.trace
        tokens = math.inf if config.tokens is None else config.tokens
        tree = _Tree(config, random.Random(derive_seed(seed, problem.id, "thompson")))
        while len(trace.rollouts) < config.rollouts and trace.usage.policy_generated < tokens:
            before = trace.usage.policy_generated
            await tree.roll_out(expander)
            if trace.usage.policy_generated == before:
                break  # a policy that writes nothing would be asked for ever
        return trace


class _Tree:
    """What is believed at each node of one search."""

    def __init__(self, config: ABMCTS, chance: random.Random) -> None:
        self._config, self._chance = config, chance
        self._prior: Normal | Beta = Normal() if config.belief == "gaussian" else Beta()
        self._choices: defaultdict[int, _Choices] = defaultdict(_Choices)

    async def roll_out(self, expander: Expander) -> None:
        """Walk down, generate to an end, and learn from its reward."""
        trace = expander.trace
        parent = self._descend(trace)
        line = await self._generate(expander, parent)
        end = line[-1]
        if end.kind is NodeKind.ANSWER:
            await self._score(expander, end)
            value = expander.value_path(end)
        else:
            value = DEAD_END
        trace.record(EventKind.REACHED, end, value)
        trace.record(EventKind.ROLLOUT, end)
        self._learn(trace, parent, end, (1 + value) / 2)

    async def _score(self, expander: Expander, end: Node) -> None:
        """Have the PPM score what of an answer's path it has not: a dead end's steps are not."""
        trace = expander.trace
        path = trace.lineage(end.index)
        known = next(at for at, node in enumerate(path) if node.value is None)
        await expander.score(trace.nodes[path[known - 1].index if known else ROOT], [path[known:]])

    def _descend(self, trace: Trace) -> Node:
        """Return the node that is to generate."""
        node = trace.nodes[ROOT]
        while children := self._list_open(trace, node):
            known = self._choices[node.index]
            generate, go_on = self._draw(known.generated), self._draw(known.continued)
            if generate >= go_on:
                break
            # The first of equals, and each is drawn once: `max` asks for a key once.
            node = max(children, key=lambda child: self._draw(known.by_child[child.index]))
        return node

    def _list_open(self, trace: Trace, node: Node) -> list[Node]:
        """Return the children below which a step may be written."""
        children = [trace.nodes[index] for index in node.children]
        most = self._config.max_depth
        return [each for each in children if each.kind is NodeKind.STEP and each.depth < most]

    def _draw(self, rewards: Sequence[float]) -> float:
        return self._prior.learn(rewards).draw(self._chance)

    async def _generate(self, expander: Expander, parent: Node) -> list[Node]:
        """Write from a node to an end; return what was written, the end last."""
        trace, line, node = expander.trace, [], parent
        while node.kind is not NodeKind.ANSWER and node.depth < self._config.max_depth:
            asked = len(self._choices[node.index].generated)
            copies = node.kind is NodeKind.CODE_END
            steps = await expander.propose(node, 1, greedy=copies, purpose=f"generate {asked}")
            await expander.add_candidates(node, steps, first=asked)
            node = trace.nodes[-1]
            line.append(node)
            if not node.kind.is_valid:
                break
        return line

    def _learn(self, trace: Trace, parent: Node, end: Node, reward: float) -> None:
        """Add a reward to the choices that led to it."""
        node = end
        while node.parent is not None:
            above = trace.nodes[node.parent]
            known = self._choices[above.index]
            known.by_child[node.index].append(reward)
            generated = above.depth >= parent.depth
            (known.generated if generated else known.continued).append(reward)
            node = above
