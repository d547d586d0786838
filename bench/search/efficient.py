"""MCTS and step beam under rules that spend tokens where they buy something: ours, not the paper's.

Under the paper's rules half of a tree's tokens repeat what a sibling wrote, and a quarter copies
an output into an answer. What is done otherwise here:

- Below a program's output one greedy candidate is asked for: it only copies.
- Elsewhere the greedy candidate is one of the first two, and more are asked for, two at a time,
  only while all of the last ones were new. `candidates` is the most that a node is asked for.
- A node that has nothing left to visit is asked again before it is closed.
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
from collections import Counter
from collections.abc import Hashable, Sequence

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
    has_budget,
    require_values,
    select,
)
from bench.search.selection import value_path
from bench.search.steps import Reading, TaggedSteps
from bench.search.tree import ROOT, Node, NodeKind, Trace
from bench.types import Problem

RULES = "efficient"
AT_ONCE = 2
"""Candidates that are asked for at once."""

_STATE = (
    "print(sorted((name, repr(value)) for name, value in globals().items()"
    " if not name.startswith('__')))"
)
"""Prints the variables of an interpreter."""
_AN_ADDRESS = " at 0x"
"""In the `repr` of what cannot be compared by it, a function say."""


class DistinctSteps(TaggedSteps):
    """Tagged steps, of which two below one parent that do the same are one."""

    def __init__(self, sandbox: Sandbox) -> None:
        """Know no step yet."""
        super().__init__(sandbox)
        self.asked: Counter[int] = Counter()
        """Candidates that each node was asked for."""
        self._codes: dict[int, set[Hashable]] = {}
        """By parent, what its candidates' code is."""
        self._effects: dict[int, set[Hashable]] = {}
        """By parent, what its children left."""
        self._states: dict[int, str] = {}
        """By the id of an execution that is not read yet, the variables that it left."""

    def drop(
        self, trace: Trace, parent: Node, candidates: Sequence[Completion]
    ) -> list[NodeKind | None]:
        """Drop the candidates whose code another candidate of `parent` has."""
        self.asked[parent.index] += len(candidates)
        known = self._codes.setdefault(parent.index, set())
        dropped: list[NodeKind | None] = []
        for step in candidates:
            code = normalize(step.text)
            dropped.append(NodeKind.DUPLICATE if code in known else None)
            known.add(code)
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
        known = self._effects.setdefault(parent.index, set())
        effect = (kind_of(step.text), execution.stdout, state)
        if effect in known:
            return Reading(step.text, NodeKind.DUPLICATE, None, reading.error)
        known.add(effect)
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
        value = _worth(expander, end) if reward is None else await reward(trace, end)
    trace.record(EventKind.REACHED, end, value)
    close(trace, end, lambda node: _may_ask(expander, node, config))
    trace.record(EventKind.ROLLOUT, end)


async def _descend(expander: Expander, config: MCTS) -> Node:
    """Walk from the root to an answer or a dead end, asking for candidates on the way."""
    trace = expander.trace
    node = trace.nodes[ROOT]
    while node.kind is not NodeKind.ANSWER and node.depth < config.max_depth:
        if not node.expanded:
            await ask(expander, node, config.candidates)
        child = select(trace, node, config.c)
        while child is None and _may_ask(expander, node, config):
            await _ask_for_more(expander, node, config.candidates)
            child = select(trace, node, config.c)
        if child is None:
            return node
        node = child
    return node


def _may_ask(expander: Expander, node: Node, config: MCTS) -> bool:
    """Whether a node can be asked for more candidates than it has."""
    return (
        node.kind in (NodeKind.ROOT, NodeKind.STEP)
        and node.depth < config.max_depth
        and _asked(expander)[node.index] < config.candidates
    )


def _asked(expander: Expander) -> Counter[int]:
    assert isinstance(expander.steps, DistinctSteps)
    return expander.steps.asked


async def ask(expander: Expander, node: Node, most: int) -> list[Node]:
    """Give a node its first children: a greedy candidate, and others while they differ."""
    if node.kind is NodeKind.CODE_END or most == 1:
        return await _add(expander, node, await expander.propose(node, 1, greedy=True))
    likeliest, others = await asyncio.gather(
        expander.propose(node, 1, greedy=True, purpose="greedy"),
        expander.propose(node, AT_ONCE - 1),
    )
    children = await _add(expander, node, [*likeliest, *others])
    new = len(children) == AT_ONCE
    while new and _asked(expander)[node.index] < most:
        more = await _ask_for_more(expander, node, most)
        new = len(more) == AT_ONCE
        children += more
    return children


async def _ask_for_more(expander: Expander, node: Node, most: int) -> list[Node]:
    """Return the children that a few more candidates make."""
    asked = _asked(expander)[node.index]
    n = min(AT_ONCE, most - asked)
    return await _add(expander, node, await expander.propose(node, n, purpose=f"from {asked}"))


async def _add(expander: Expander, node: Node, proposals: Sequence[Completion]) -> list[Node]:
    """Add candidates and score them; being scored counts as a child's first visit."""
    first = _asked(expander)[node.index]
    children = await expander.add_candidates(node, proposals, first=first)
    await expander.score(node, [[child] for child in children])
    for child in children:
        if child.value is not None:
            expander.trace.record(EventKind.VISITED, child, _worth(expander, child))
    return children


def _worth(expander: Expander, node: Node) -> float:
    """Return the value of the path to a node that was scored, in [-1, 1]."""
    line = expander.trace.lineage(node.index)
    return value_path([each.value for each in line if each.value is not None], expander.aggregate)


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
    children = [child for beam in beams for child in await ask(expander, beam, candidates)]
    return sorted(children, key=lambda child: _worth(expander, child), reverse=True)
