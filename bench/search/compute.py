"""What a search cost in FLOPs, policy and PPM apart, attention included: an estimate.

A token with c tokens before it takes 2 FLOPs a parameter, and 4 for each of those tokens and each
unit of attention (a layer's heads times their width): one product with its key, one with its value,
an addition each. Prompts cost what they do where a search's prefixes are kept, whatever engine the
run had (`bench.search.clock.share_prefixes`). What a PPM's call read is known as a number of tokens
alone: they are taken to end where the scored step does, or to be whole texts of that length.
`Cost.flops` leaves attention out; it is what runs are cut at.
"""

from __future__ import annotations

from dataclasses import dataclass

from bench.search.clock import share_prefixes
from bench.search.events import EventKind
from bench.search.tree import Trace


@dataclass(frozen=True, slots=True)
class ModelSize:
    """What a model's FLOPs are counted by."""

    parameters: int
    attention: int
    """Heads times their width, over all layers; 0 where nobody can tell."""

    def flops(self, tokens: int, first: float) -> float:
        """Return the FLOPs of so many tokens in a row, `first` of which come before them."""
        before = first + max(0, tokens - 1) / 2
        return tokens * (2.0 * self.parameters + 4.0 * self.attention * before)


@dataclass(frozen=True, slots=True)
class Spent:
    """What was spent up to some point of the clock."""

    rollouts: int = 0
    generated: int = 0
    policy_flops: float = 0.0
    ppm_flops: float = 0.0


def list_spent(trace: Trace, policy: ModelSize, ppm: ModelSize | None = None) -> list[Spent]:
    """Return what had been spent after each event of the clock."""
    result, now = [], Spent()
    contexts: dict[int, int] = {}
    """Length of the text up to a node, as the policy was sent it, or wrote it."""
    for event in share_prefixes(trace).events:
        node = trace.nodes[event.node]
        policy_flops, ppm_flops = now.policy_flops, now.ppm_flops
        if event.kind is EventKind.GENERATED and node.parent is not None:
            if event.policy_prompt:
                contexts[node.parent] = event.policy_prompt
                new = event.policy_prompt - event.policy_cached
                policy_flops += policy.flops(new, event.policy_cached)
            before = contexts.get(node.parent, 0)
            policy_flops += policy.flops(event.policy_generated, before)
            contexts[event.node] = before + event.policy_generated
        if event.ppm and ppm is not None:
            length = contexts.get(event.node, 0)
            ppm_flops += (
                ppm.flops(event.ppm, length - event.ppm)
                if event.ppm <= length
                # Several texts, each of about that length.
                else event.ppm / max(1, length) * ppm.flops(max(1, length), 0)
            )
        now = Spent(
            now.rollouts + (event.kind is EventKind.ROLLOUT),
            now.generated + event.policy_generated,
            policy_flops,
            ppm_flops,
        )
        result.append(now)
    return result
