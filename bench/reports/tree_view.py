"""One problem's search tree for the terminal: what was tried, what it was worth, what was chosen.

It reads a stored run and decides nothing. A line is a step: its path, Q and N, the PPM's value, how
its code ended, its tokens, and the first line of its text. One step can be shown whole.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from rich.text import Text
from rich.tree import Tree

from bench.errors import BenchError, UnknownNameError
from bench.runs.reader import Run
from bench.runs.record import Record, Selected
from bench.search import ROOT, Node, NodeKind, Trace, list_costs
from bench.terminal import one_line

_TEXT_CHARS = 72
"""Characters of a step's text that are shown."""


def shown_tree(
    run: Run,
    problem_id: str,
    *,
    seed: int | None = None,
    selector: str | None = None,
    depth: int | None = None,
) -> Tree:
    """Return a problem's tree, ready to print, down to `depth` steps.

    Raises UnknownNameError (problem, selector), BenchError (no tree was stored, several seeds).
    """
    record = _record(run, problem_id, seed)
    trace = _trace(run, record)
    choice = _choice(record, selector)
    end = None if choice.sample is None else trace.rollouts[choice.sample]
    return draw_tree(trace, end, _headline(run, record, trace, choice), depth=depth)


def draw_tree(
    trace: Trace, end: int | None, headline: Text | str, *, depth: int | None = None
) -> Tree:
    """Return a trace as a tree to print; the path to the node `end` is marked as chosen."""
    chosen = set() if end is None else {node.index for node in trace.lineage(end)}
    below: dict[int, list[Node]] = {}
    for node in trace.nodes:
        if node.parent is not None:
            below.setdefault(node.parent, []).append(node)
    tree = Tree(headline)
    _grow(tree, trace.nodes[ROOT], below, chosen, depth)
    return tree


def shown_step(run: Run, problem_id: str, path: str, *, seed: int | None = None) -> Text:
    """Return one step whole: what is known of it, then its text, every line as it was written.

    Raises UnknownNameError (problem, step), BenchError (no tree was stored, several seeds).
    """
    record = _record(run, problem_id, seed)
    trace = _trace(run, record)
    nodes = {node.path: node for node in trace.nodes}
    if path not in nodes:
        raise UnknownNameError(f"step in the tree of {problem_id}:", path, nodes)
    node = nodes[path]
    shown = _line(node, set(), with_text=False)
    if node.error:
        shown.append(f"\n{node.error.strip()}", style="red")
    shown.append(f"\n{node.text.strip()}")
    return shown


def _grow(
    branch: Tree,
    parent: Node,
    below: Mapping[int, Sequence[Node]],
    chosen: set[int],
    depth: int | None,
) -> None:
    if depth is not None and parent.depth >= depth:
        hidden = len(below.get(parent.index, ()))
        if hidden:
            branch.add(Text(f"... {hidden} candidates", style="dim"))
        return
    for node in below.get(parent.index, ()):
        _grow(branch.add(_line(node, chosen)), node, below, chosen, depth)


def _line(node: Node, chosen: set[int], *, with_text: bool = True) -> Text:
    line = Text(no_wrap=with_text, overflow="ellipsis")
    on_path = node.index in chosen
    line.append("* " if on_path else "  ", style="bold green")
    line.append(f"{node.path}  ", style="bold" if on_path else "")
    if node.visits:
        line.append(f"Q {node.mean:+.3f} N {node.visits}  ", style="cyan")
    if node.value is not None:
        line.append(f"PPM {node.value:+.3f}  ", style="magenta")
    line.append(f"{node.tokens} tokens  ")
    if node.status is not None:
        line.append(f"code {node.status}  ", style="green" if node.status == "ok" else "red")
    if not node.kind.is_valid:
        line.append(f"pruned: {node.kind}  ", style="red")
    if node.answer is not None:
        line.append(f"answer {_one_line(node.answer)}  ", style="bold yellow")
    if with_text:
        line.append(_one_line(node.error or node.text), style="italic")
    if not node.kind.is_valid:
        line.stylize("dim")
    return line


def _one_line(text: str) -> str:
    flat = one_line(text)
    return flat if len(flat) <= _TEXT_CHARS else f"{flat[: _TEXT_CHARS - 3]}..."


def _headline(run: Run, record: Record, trace: Trace, choice: Selected) -> Text:
    kinds = [node.kind for node in trace.nodes[1:]]
    kept = sum(kind.is_valid for kind in kinds)
    usage = trace.usage
    rules = f" under the {trace.rules} rules" if trace.rules else ""
    answer = choice.answer and _one_line(choice.answer)
    lines = [
        f"{record.problem_id}, seed {record.seed}: {trace.search}{rules}",
        f"chosen {answer!r}, {choice.outcome}; reference {record.gold!r}",
        f"{len(kinds)} candidates, {len(kinds) - kept} pruned, "
        f"{kinds.count(NodeKind.ANSWER)} answers, {_tell_rollouts(run, trace)}",
        f"policy tokens {usage.policy_prompt} prompt ({usage.policy_cached} cached), "
        f"{usage.policy_generated} generated; PPM tokens {usage.ppm}; "
        f"{usage.executions} programs",
    ]
    known = run.header.get("parameters")
    spent = list_costs(trace) if trace.events else []
    if known and spent:
        flops = spent[-1].flops(int(known.get("policy", 0)), int(known.get("ppm", 0)))
        lines[-1] += f" in {spent[-1].code_seconds:.2g} s; about {flops:.2e} FLOPs"
    return Text("\n".join(lines))


def _tell_rollouts(run: Run, trace: Trace) -> str:
    """Say how many rollouts there were, and why no more where more were allowed."""
    allowed, tokens = run.knobs.get("rollouts"), run.knobs.get("tokens")
    done = len(trace.rollouts)
    if not isinstance(allowed, int) or done >= allowed:
        return f"{done} rollouts"
    if trace.nodes[ROOT].exhausted:
        why = "every path that its candidates opened was walked to its end"
    elif isinstance(tokens, int) and trace.usage.policy_generated >= tokens:
        why = f"its {tokens:,} tokens were generated"
    else:
        return f"{done} rollouts"
    return f"{done} of {allowed:,} rollouts: {why}"


def _record(run: Run, problem_id: str, seed: int | None) -> Record:
    found = [record for record in run.records if record.problem_id == problem_id]
    if not found:
        raise UnknownNameError(
            f"problem in {run.path}:", problem_id, (record.problem_id for record in run.records)
        )
    seeds = [record.seed for record in found]
    if seed is None and len(found) > 1:
        raise BenchError(f"{problem_id!r} was searched with several seeds; give --seed: {seeds}")
    for record in found:
        if seed is None or record.seed == seed:
            return record
    raise BenchError(f"{problem_id!r} was not searched with seed {seed}; this run has: {seeds}")


def _trace(run: Run, record: Record) -> Trace:
    for stored in run.trees():
        if (stored.problem_id, stored.seed) == record.key and stored.tree:
            seconds = run.seconds.get(record.key, {}).get("code", ())
            return Trace.from_json(stored.tree, seconds)
    reason = record.error or "its file is damaged or missing"
    raise BenchError(f"{run.path} holds no tree of {record.problem_id!r}: {reason}")


def _choice(record: Record, selector: str | None) -> Selected:
    if selector is None:
        selector = next(iter(record.selected), None)
        if selector is None:
            raise BenchError(f"nothing was selected for {record.problem_id!r}: {record.error}")
    if selector not in record.selected:
        raise UnknownNameError("selector", selector, record.selected)
    return record.selected[selector]
