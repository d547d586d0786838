"""Smaller budgets out of one run: prefixes of the clock, what they cost, and what they answered.

A search's first k rollouts are what a search with k rollouts would have done, seeds included, since
nothing it does depends on what is still to come. Searches whose parts run side by side (samples,
subtrees) list them on the clock one after the other, so that the same holds for them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace

from bench.errors import BenchError
from bench.search.events import Event, EventKind
from bench.search.tree import ROOT, Node, Trace, Usage


@dataclass(frozen=True, slots=True)
class Cost:
    """What was spent up to some point of the clock."""

    policy_prompt: int = 0
    """Prompt tokens sent to the policy."""
    policy_cached: int = 0
    """Those of them that the engine did not compute anew."""
    policy_generated: int = 0
    ppm: int = 0
    """Tokens that went through the PPM."""
    executions: int = 0
    code_seconds: float = 0.0
    """Seconds of the programs run, by the sandbox's clock; 0 where they were not kept."""

    def plus(self, event: Event, seconds: float = 0.0) -> Cost:
        """Return the cost after one more event."""
        return Cost(
            self.policy_prompt + event.policy_prompt,
            self.policy_cached + event.policy_cached,
            self.policy_generated + event.policy_generated,
            self.ppm + event.ppm,
            self.executions + (event.kind is EventKind.EXECUTED),
            self.code_seconds + seconds,
        )

    def flops(self, policy_parameters: int, ppm_parameters: int = 0) -> float:
        """Return an estimate: 2 FLOPs per parameter and token computed, attention left out."""
        policy = self.policy_prompt - self.policy_cached + self.policy_generated
        return 2.0 * (policy_parameters * policy + ppm_parameters * self.ppm)


Price = Callable[[Cost], float]
"""What a cost comes to, in the unit in which a budget is given."""


def count_generated(cost: Cost) -> float:
    """Return the price in tokens that the policy generated; all else is free."""
    return cost.policy_generated


@dataclass(frozen=True, slots=True)
class Afforded:
    """What a budget pays for."""

    rollouts: int
    """Rollouts (samples, beams) that had ended by then."""
    cost: Cost
    """Spent by then, also on what had not ended."""


def find_affordable(trace: Trace, most: float, price: Price = count_generated) -> Afforded:
    """Return how far a search had come when its next event would have cost more than `most`.

    Raises BenchError for a trace that was stored before there was a clock.
    """
    _need_clock(trace)
    rollouts, cost = 0, Cost()
    for event in trace.events:
        after = cost.plus(event)
        if price(after) > most:
            break
        cost = after
        rollouts += event.kind is EventKind.ROLLOUT
    return Afforded(rollouts, cost)


def share_prefixes(trace: Trace) -> Trace:
    """Return a trace whose prompts cost what they do where a search's prefixes are kept.

    Of a request's prompt that is new which no earlier request of the search has read or written:
    the question at first, then the outputs that were inserted. So the cost does not depend on
    whether the engine of the run had a prefix cache.
    """
    known: dict[int, int] = {}
    events = []
    for event in trace.events:
        parent = trace.nodes[event.node].parent
        if event.policy_prompt and parent is not None:
            new = 0
            if parent not in known:
                new = max(0, event.policy_prompt - _count_known(trace, parent, known))
                known[parent] = event.policy_prompt
            event = event._replace(policy_cached=event.policy_prompt - new)
        events.append(event)
    return replace(trace, events=events)


def _count_known(trace: Trace, index: int, known: Mapping[int, int]) -> int:
    """Return how many tokens of a node's text were read or written by requests above it."""
    node, written = trace.nodes[index], 0
    while node.index not in known and node.parent is not None:
        written += node.tokens
        node = trace.nodes[node.parent]
    return written + known.get(node.index, 0)


def list_costs(trace: Trace) -> list[Cost]:
    """Return the cost after each rollout (sample, beam), first to last.

    Raises BenchError for a trace that was stored before there was a clock.
    """
    _need_clock(trace)
    result, cost = [], Cost()
    seconds = iter(trace.code_seconds)
    for event in trace.events:
        executed = event.kind is EventKind.EXECUTED
        cost = cost.plus(event, next(seconds, 0.0) if executed else 0.0)
        if event.kind is EventKind.ROLLOUT:
            result.append(cost)
    return result


def cut_to_rollouts(trace: Trace, rollouts: int) -> Trace:
    """Return what the search would have left with that many rollouts (samples, beams).

    Raises BenchError for a trace that was stored before there was a clock.
    """
    _need_clock(trace)
    kept = list(_until(trace, rollouts))
    made = sorted(event.node for event in kept if event.kind is EventKind.GENERATED)
    new_index = {old: new for new, old in enumerate([ROOT, *made])}
    result = replace(
        trace,
        nodes=[_as_made(trace.nodes[old], new_index) for old in new_index],
        finished=[],
        rollouts=[],
        usage=Usage(),
        events=[],
        code_seconds=[],
    )
    for event in kept:
        kind, node, value, *cost = event
        result.record(kind, result.nodes[new_index[node]], value, **_named(cost))
    executed = sum(event.kind is EventKind.EXECUTED for event in kept)
    result.code_seconds = trace.code_seconds[:executed]
    return result


def put_in_sequence(trace: Trace, part: Callable[[Node], int]) -> None:
    """Sort the clock of a search whose parts ran side by side, each part keeping its order."""
    seconds = iter(trace.code_seconds)
    executed = EventKind.EXECUTED
    timed = [(event, next(seconds) if event.kind is executed else 0.0) for event in trace.events]
    timed.sort(key=lambda pair: part(trace.nodes[pair[0].node]))
    trace.events = [event for event, _ in timed]
    trace.code_seconds = [taken for event, taken in timed if event.kind is executed]


def find_first_candidate(node: Node) -> int:
    """Return which of the root's candidates a node lies below; -1 for the root."""
    _, _, below = node.path.partition(".")
    return int(below.partition(".")[0]) if below else -1


def _until(trace: Trace, rollouts: int) -> Iterator[Event]:
    done = 0
    for event in trace.events:
        if done == rollouts:
            return
        done += event.kind is EventKind.ROLLOUT
        yield event


def _as_made(node: Node, new_index: dict[int, int]) -> Node:
    return replace(
        node,
        index=new_index[node.index],
        parent=None if node.parent is None else new_index[node.parent],
        value=None,
        q=0.0,
        visits=0,
        expanded=False,
        exhausted=False,
        children=[],
    )


def _named(cost: list[int]) -> dict[str, int]:
    return dict(zip(Event._fields[3:], cost, strict=True))


def _need_clock(trace: Trace) -> None:
    if trace.rollouts and not trace.events:
        raise BenchError(
            f"the tree of {trace.problem_id!r} was stored without a budget clock, by an older "
            "rstar-bench: its smaller budgets are not known. Run the search again into another "
            "--out"
        )
