"""Every method at equal generated tokens: each is run once, to the largest budget, and cut.

Samples and MCTS go on until their tokens are spent, so one run of each serves every smaller budget
as well. A greedy solution and a beam search end when they end; of beams several widths are run, and
which of them a budget pays for shows in the table: a beam that was cut has no answer.

It is the sweep (`bench.evaluation.sweep`) of all methods at their largest budget, its cells known
beforehand; both run theirs by `run_all`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from bench.errors import BenchError
from bench.evaluation.harness import Harness
from bench.evaluation.progress import Progress
from bench.evaluation.spec import RunSpec, find_policy
from bench.prompts import Format, template
from bench.runs.reader import Run
from bench.sandbox import Level
from bench.search import Beam, SearchConfig
from bench.search.registry import configure, find_search

ROLLOUTS = 4096
"""More than any budget of tokens pays for: what ends MCTS is its tokens, or its tree. So are as
many iterations of CPL's search."""


def plan_runs(
    base: RunSpec,
    knobs: Mapping[str, Any],
    *,
    tokens: int,
    beam_widths: Sequence[int],
    also: Sequence[str] = (),
    widths: Sequence[int] = (),
    format: Format = "steps",
) -> dict[str, RunSpec]:
    """Return the runs to compare at up to so many tokens, by the name of their directory.

    `base` says what they have in common, but for its search; each search takes of `knobs` those
    that it has, and its budget from here. They are searches of the `format` that the policy writes,
    and those named by `also`; of one that grows a number of solutions side by side there is a run
    for each of `widths`. Raises BenchError: a search of `also` is not known, decides inequalities,
    or is of another format.
    """

    def run(search: str, **budget: Any) -> RunSpec:
        known = find_search(search).knobs
        given = {name: value for name, value in knobs.items() if name in known}
        ppm = base.ppm if find_search(search).uses_ppm else None
        return replace(base, search=search, ppm=ppm, config=configure(search, {**given, **budget}))

    others: dict[str, RunSpec] = {}
    for search in also:
        entry = find_search(search)
        if entry.decides or entry.format != format:
            raise BenchError(
                f"--also {search}: it searches {'proofs' if entry.decides else entry.format}, and "
                f"what is compared here are searches of {format}"
            )
        if "tokens" in entry.knobs:
            budget = {"tokens": tokens} | ({entry.counts: ROLLOUTS} if entry.counts else {})
            others[f"{search}-{tokens}"] = run(search, **budget)
        elif "width" in entry.knobs:
            others |= {f"{search}-{width}": run(search, width=width) for width in widths}
        else:
            others[search] = run(search)
    if format == "plans":
        return {
            "plan_greedy": run("plan_greedy"),
            f"plan_sample-{tokens}": run("plan_sample", tokens=tokens),
            f"cpl-{tokens}": run("cpl", tokens=tokens, iterations=ROLLOUTS),
            **others,
        }
    beams = [run("beam", beam_width=width) for width in beam_widths]
    return {
        "greedy": run("greedy"),
        f"sample-{tokens}": run("sample", tokens=tokens),
        **{beam_name(beam.config): beam for beam in beams},
        f"mcts-{tokens}": run("mcts", tokens=tokens, rollouts=ROLLOUTS),
        **others,
    }


def beam_name(config: SearchConfig | None) -> str:
    """Return the name of a beam's run directory."""
    assert isinstance(config, Beam)
    return f"beam-{config.beam_width}x{config.candidates}"


def plan_comparison(
    base: RunSpec,
    knobs: Mapping[str, Any],
    out: Path,
    *,
    largest: int,
    beam_widths: Sequence[int],
    also: Sequence[str] = (),
    widths: Sequence[int] = (),
) -> dict[Path, RunSpec]:
    """Return the runs below `out` by their directories; else as `plan_runs`. Raises BenchError."""
    asked = base.template or find_policy(base).template
    runs_by_name = plan_runs(
        base,
        knobs,
        tokens=largest,
        beam_widths=beam_widths,
        also=also,
        widths=widths,
        format=template(asked).format,
    )
    return {out / name: spec for name, spec in runs_by_name.items()}


async def run_all(
    specs: Mapping[Path, RunSpec],
    *,
    concurrency: int | None = None,
    level: Level | None = None,
    base_url: str | None = None,
    ppm_url: str | None = None,
) -> list[Run]:
    """Run what is missing of several runs, one after the other; return them in their order.

    What would stop one of them is found before the first begins. Raises BenchError.
    """
    Harness.check(specs, concurrency=concurrency)
    runs = []
    async with Harness(level=level, base_url=base_url, ppm_url=ppm_url) as harness:
        for path, spec in specs.items():
            with Progress(path.name) as progress:
                run = await harness.run(
                    spec,
                    path,
                    concurrency=concurrency,
                    on_start=progress.start,
                    on_done=progress.tick,
                )
            runs.append(run)
    return runs
