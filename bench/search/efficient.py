"""MCTS and step beam under rules that spend tokens where they buy something: ours, not the paper's.

Under the paper's rules half of a tree's tokens repeat what a sibling wrote, and a quarter copies
an output into an answer. What is done otherwise here:

- A node that is new is gone on from greedily, to the end. The first solution of a tree is the
  greedy one; each other leaves a known path at one step, where a candidate is drawn, and goes on
  greedily from there.
- Where to leave is decided by the policy's own probabilities (PUCT, as in AlphaZero): a child goes
  by Q + c P sqrt(N) / (1 + n), P its step's probability at temperature 1, N and n the visits of the
  parent and of the child. Asking for another candidate is a child that was not visited yet. Its Q
  is the parent's, and its P is what the candidates so far leave of the probability, divided by 1 +
  how many of them were repetitions.
- A node is asked for no more where that P is below `LEAST`, nor below a program's output, which an
  answer only copies. `candidates` is the most that a node is asked for.
- Two siblings that do the same are one: equal syntax trees, or equal variables and output
  afterwards. The first stays.
- A node is worth the value of its whole path: the PPM's scores under its own aggregate, which its
  training chose (`bench.checkpoints.ppm_config`). That value begins Q, is backed up at test time,
  and ranks beams. The paper's is the last score alone.

How many were asked for is a property of the node, so that a tree depends on its seed alone.
"""

from __future__ import annotations

import ast
import asyncio
import math
from collections import defaultdict
from collections.abc import Hashable, Sequence
from dataclasses import dataclass, field

from bench.engines.base import Completion, Policy, StepScorer
from bench.prompts import START, StepKind, code_of, kind_of
from bench.sandbox import Execution, Sandbox
from bench.search.beam import Beam, grow_beams
from bench.search.events import EventKind
from bench.search.expansion import Expander
from bench.search.mcts import (
    DEAD_END,
    MCTS,
    Reward,
    close,
    explore,
    has_budget,
    require_values,
)
from bench.search.steps import Reading, TaggedSteps
from bench.search.tree import ROOT, Node, NodeKind, Trace
from bench.types import Problem

RULES = "efficient"
AT_ONCE = 2
"""Candidates that a beam is asked for at once."""
LEAST = 0.15
"""Probability of something new below which a node is not asked again."""

_STATE = (
    "print(sorted((name, repr(value)) for name, value in globals().items()"
    " if not name.startswith('__')))"
)
"""Prints the variables of an interpreter."""
_AN_ADDRESS = " at 0x"
"""In the `repr` of what cannot be compared by it, a function say."""


@dataclass(slots=True)
class _Candidates:
    """What one node was asked for."""

    asked: int = 0
    repeated: int = 0
    """Those that did what another one does."""
    texts: dict[str, float] = field(default_factory=dict)
    """The probability of each text; of one that the engine does not tell, 0."""
    codes: set[Hashable] = field(default_factory=set)
    """What the candidates' code is."""
    effects: set[Hashable] = field(default_factory=set)
    """What the children left."""


class DistinctSteps(TaggedSteps):
    """Tagged steps, of which two below one parent that do the same are one."""

    def __init__(self, sandbox: Sandbox) -> None:
        """Know no step yet."""
        super().__init__(sandbox)
        self._of: defaultdict[int, _Candidates] = defaultdict(_Candidates)
        """The candidates of each node."""
        self._states: dict[int, str] = {}
        """By the id of an execution that is not read yet, the variables that it left."""

    def count_asked(self, node: Node) -> int:
        """Return how many candidates a node was asked for."""
        return self._of[node.index].asked

    def estimate_unseen(self, node: Node) -> float:
        """Return the probability that a node's next candidate does what none so far does.

        That is what the texts so far leave, shared out with their repetitions, which other words
        for a known step are. Without probabilities the repetitions alone decide.
        """
        known = self._of[node.index]
        left = max(0.0, 1.0 - math.fsum(known.texts.values()))
        return left / (1 + known.repeated)

    def drop(
        self, trace: Trace, parent: Node, candidates: Sequence[Completion]
    ) -> list[NodeKind | None]:
        """Drop the candidates whose code another candidate of `parent` has."""
        known = self._of[parent.index]
        dropped: list[NodeKind | None] = []
        for step in candidates:
            code, logprob = normalize(step.text), step.total_logprob
            known.asked += 1
            known.texts[step.text] = 0.0 if logprob is None else math.exp(logprob)
            known.repeated += code in known.codes
            dropped.append(NodeKind.DUPLICATE if code in known.codes else None)
            known.codes.add(code)
        return dropped

    async def run(self, trace: Trace, parent: Node, text: str) -> Execution | None:
        """Run a step's code, and look at what it left."""
        execution = await super().run(trace, parent, text)
        if execution is not None and execution.ok and kind_of(text) is not StepKind.CODE_END:
            seen = await self._sandbox.run(_STATE, parent=execution, leaf=True)
            self._states[id(execution)] = seen.stdout if seen.ok else _AN_ADDRESS
        return execution

    def read(
        self, trace: Trace, parent: Node, step: Completion, execution: Execution | None
    ) -> Reading:
        """Return what a step is; a duplicate where a sibling left the same."""
        reading = super().read(trace, parent, step, execution)
        # Below a program's end there is only its output.
        state = self._states.pop(id(execution), "")
        if execution is None or not reading.kind.is_valid or _AN_ADDRESS in state:
            return reading
        known = self._of[parent.index]
        effect = (kind_of(step.text), execution.stdout, state)
        if effect in known.effects:
            known.repeated += 1
            return Reading(step.text, NodeKind.DUPLICATE, None, reading.error)
        known.effects.add(effect)
        return reading


def normalize(text: str) -> Hashable:
    """Return what two texts of steps share when they hold the same code and end alike.

    Comments and layout do not count. What is no code (an answer, a text that broke off, a syntax
    error) is its text.
    """
    kind = kind_of(text)
    if kind in (StepKind.ANSWER, StepKind.CUT):
        return text
    try:
        return kind, ast.dump(ast.parse(code_of(text)))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return text


async def efficient_mcts(
    problem: Problem,
    policy: Policy,
    sandbox: Sandbox,
    *,
    config: MCTS,
    seed: int,
    scorer: StepScorer | None = None,
    reward: Reward | None = None,
    start: str = START,
) -> Trace:
    """Search one problem. Raises BenchError where neither `scorer` nor `reward` is given."""
    with start_efficient_tree(
        problem, policy, sandbox, scorer, reward, config=config, seed=seed, start=start
    ) as expander:
        await grow_efficient_tree(expander, config, reward, rollouts=config.rollouts)
        return expander.trace


def start_efficient_tree(
    problem: Problem,
    policy: Policy,
    sandbox: Sandbox,
    scorer: StepScorer | None,
    reward: Reward | None,
    *,
    config: MCTS,
    seed: int,
    start: str = START,
) -> Expander:
    """Return a tree that is its root, to be grown. Raises BenchError without any values."""
    require_values(scorer, reward)
    steps = DistinctSteps(sandbox)
    return Expander.start(
        problem, policy, steps, scorer, search="mcts", seed=seed, rules=RULES, text=start
    )


async def grow_efficient_tree(
    expander: Expander, config: MCTS, reward: Reward | None, *, rollouts: int
) -> None:
    """Go on until the tree has had `rollouts` rollouts, or its tokens, or nothing is left."""
    while has_budget(expander.trace, config, rollouts):
        await _rollout(expander, config, reward)


async def _rollout(expander: Expander, config: MCTS, reward: Reward | None) -> None:
    """Walk to an end, back its value up, and close what is finished."""
    trace = expander.trace
    end = await _descend(expander, config)
    if end.kind is not NodeKind.ANSWER:
        value = DEAD_END
    else:
        value = expander.value_path(end) if reward is None else await reward(trace, end)
    trace.record(EventKind.REACHED, end, value)
    close(trace, end, lambda node: _may_ask(expander, node, config))
    trace.record(EventKind.ROLLOUT, end)


async def _descend(expander: Expander, config: MCTS) -> Node:
    """Walk from the root to an answer or a dead end, asking for candidates on the way."""
    node = expander.trace.nodes[ROOT]
    while node.kind is not NodeKind.ANSWER and node.depth < config.max_depth:
        child = await _choose(expander, node, config)
        if child is None:
            return node
        node = child
    return node


async def _choose(expander: Expander, node: Node, config: MCTS) -> Node | None:
    """Return the child to visit, a known one or a new one; None where nothing is left."""
    trace, steps = expander.trace, _steps(expander)
    if not node.expanded:
        likeliest = await expander.propose(node, 1, greedy=True, purpose="greedy")
        for child in await _add(expander, node, likeliest):
            return child
    while True:
        children = [c for index in node.children if not (c := trace.nodes[index]).exhausted]
        best = max(children, key=lambda child: puct(child, node, config.c), default=None)
        if not _may_ask(expander, node, config):
            return best
        another = node.mean + explore(node, 0, config.c, steps.estimate_unseen(node))
        if best is not None and puct(best, node, config.c) >= another:
            return best
        for child in await _ask_for_more(expander, node, 1):
            return child


def puct(child: Node, parent: Node, c: float) -> float:
    """PUCT(s) = Q(s) + c P(s) sqrt(N_parent) / (1 + N(s)).

    Where the engine tells no probabilities, all children have the same: one of the parent's.
    """
    prior = 1 / len(parent.children) if child.logprob is None else math.exp(child.logprob)
    return child.mean + explore(parent, child.visits, c, prior)


def _may_ask(expander: Expander, node: Node, config: MCTS) -> bool:
    """Whether another candidate of a node may be had, and is likely enough to be new."""
    steps = _steps(expander)
    return (
        node.kind in (NodeKind.ROOT, NodeKind.STEP)
        and node.depth < config.max_depth
        and steps.count_asked(node) < config.candidates
        and steps.estimate_unseen(node) >= LEAST
    )


def _steps(expander: Expander) -> DistinctSteps:
    assert isinstance(expander.steps, DistinctSteps)
    return expander.steps


async def _ask_for_more(expander: Expander, node: Node, n: int) -> list[Node]:
    """Return the children that `n` more candidates make."""
    asked = _steps(expander).count_asked(node)
    return await _add(expander, node, await expander.propose(node, n, purpose=f"from {asked}"))


async def _add(expander: Expander, node: Node, proposals: Sequence[Completion]) -> list[Node]:
    """Add candidates and score them; being scored counts as a child's first visit."""
    first = _steps(expander).count_asked(node)
    children = await expander.add_candidates(node, proposals, first=first)
    await expander.score(node, [[child] for child in children])
    for child in children:
        if child.value is not None:
            expander.trace.record(EventKind.VISITED, child, expander.value_path(child))
    return children


async def efficient_beam(
    problem: Problem,
    policy: Policy,
    sandbox: Sandbox,
    *,
    config: Beam,
    seed: int,
    scorer: StepScorer,
) -> Trace:
    """Search one problem until `beam_width` solutions are finished or no beam can go on."""
    steps = DistinctSteps(sandbox)
    with Expander.start(
        problem, policy, steps, scorer, search="beam", seed=seed, rules=RULES
    ) as expander:
        await grow_beams(expander, config, _best_paths_first)
        return expander.trace


async def _best_paths_first(expander: Expander, beams: list[Node], candidates: int) -> list[Node]:
    """Return the children of all beams by the value of their paths; of equals the earlier first."""
    children = [child for beam in beams for child in await _widen(expander, beam, candidates)]
    return sorted(children, key=lambda child: expander.value_path(child), reverse=True)


async def _widen(expander: Expander, node: Node, most: int) -> list[Node]:
    """Give a node its children: the greedy candidate, and others while they are likely new."""
    steps = _steps(expander)
    if node.kind is NodeKind.CODE_END or most == 1:
        return await _add(expander, node, await expander.propose(node, 1, greedy=True))
    likeliest, others = await asyncio.gather(
        expander.propose(node, 1, greedy=True, purpose="greedy"),
        expander.propose(node, AT_ONCE - 1),
    )
    children = await _add(expander, node, [*likeliest, *others])
    while (left := most - steps.count_asked(node)) and steps.estimate_unseen(node) >= LEAST:
        children += await _ask_for_more(expander, node, min(AT_ONCE, left))
    return children
