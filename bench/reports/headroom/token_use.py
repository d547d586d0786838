"""What a run's generated tokens went into, from its stored trees.

Shares of the tokens that the policy generated: steps and solutions that were there already, what
lies on no finished solution, and the sentences that state an answer. The last overlaps the others:
a duplicate has an answer as well.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from bench.reports.headroom.groups import is_greedy, is_sampled
from bench.runs.reader import Run
from bench.search import NodeKind, Trace


@dataclass(frozen=True, slots=True)
class TokenUse:
    """Generated tokens of a run, over all problems that have a tree."""

    path: Path
    search: str
    problems: int
    missing: int
    """Problems without a stored tree; engine errors are not among them."""
    generated: int
    duplicates: int
    """Of samples whose text repeats that of an earlier finished one; in a tree search, of
    candidates whose text repeats that of an earlier sibling."""
    unfinished: int
    """On no finished solution, duplicates apart."""
    answers: int
    """Of answer sentences: nodes of kind `answer`."""
    solutions: int
    """Finished."""
    distinct: int
    """Texts of finished solutions, each counted once a problem."""

    @property
    def per_distinct(self) -> float | None:
        """Return the tokens that a distinct solution cost; None where none was finished."""
        return self.generated / self.distinct if self.distinct else None


def read_token_use(run: Run) -> TokenUse:
    """Count the tokens of a run's trees. A tree that is not stored is counted as missing."""
    whole = is_sampled(run) or is_greedy(run)
    repeated = _repeated_samples if whole else _repeated_candidates
    trees, totals = 0, [0] * 6
    for stored in run.trees():  # one in memory at a time
        if stored.tree:
            trees += 1
            counts = _count(Trace.from_json(stored.tree), repeated)
            totals = [sum(column) for column in zip(totals, counts, strict=True)]
    done = sum(record.error is None for record in run.records)
    return TokenUse(run.path, run.search, trees, done - trees, *totals)


def _count(trace: Trace, repeated: Callable[[Trace], set[int]]) -> tuple[int, ...]:
    """Return one tree's counts, in the order of `TokenUse` from `generated` on."""
    doubles = repeated(trace)
    kept = {node.index for end in trace.finished for node in trace.lineage(end)}
    nodes = trace.nodes
    return (
        trace.usage.policy_generated,
        sum(nodes[index].tokens for index in doubles),
        sum(node.tokens for node in nodes if node.index not in kept | doubles),
        sum(node.tokens for node in nodes if node.kind is NodeKind.ANSWER),
        len(trace.finished),
        len({trace.text(end) for end in trace.finished}),
    )


def _repeated_samples(trace: Trace) -> set[int]:
    """Return the nodes of finished samples that have the text of an earlier one."""
    seen: set[str] = set()
    doubles: set[int] = set()
    for end in trace.finished:
        text = trace.text(end)
        if text in seen:
            doubles |= {node.index for node in trace.lineage(end)}
        seen.add(text)
    return doubles


def _repeated_candidates(trace: Trace) -> set[int]:
    """Return the nodes that were discarded as duplicates, or have the text of a sibling before."""
    seen: set[tuple[int | None, str]] = set()
    doubles: set[int] = set()
    for node in trace.nodes:
        text = (node.parent, node.text)
        if node.kind is NodeKind.DUPLICATE or text in seen:
            doubles.add(node.index)
        seen.add(text)
    return doubles
