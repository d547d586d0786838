"""Where a run is: what each stage of each round is at, coverage so far, and the time left.

Read from the work folder alone, while the run goes on or after a kill; nothing is written. The time
a stage will take is what it took in the latest round that did it alike; what no round has done yet
is said to be unknown, never guessed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from bench.errors import BenchError
from bench.files.lines import scan
from rstar_train.figures import Json
from rstar_train.publishing.tables import coverage_table
from rstar_train.recipes.recipe import Recipe
from rstar_train.rounds import journal
from rstar_train.rounds.stages import manifest_of
from rstar_train.rounds.systems import system_of
from rstar_train.search.coverage import coverage

SILENT_SECONDS = 600.0
"""A running stage that has not said anything for so long may have been killed."""


@dataclass(frozen=True, slots=True)
class StageStatus:
    """One stage: how much of it is done, and its seconds."""

    name: str
    """E.g. `round-2/search`."""
    share: float
    """Done, from 0 to 1."""
    seconds: float | None
    """It took, where it has ended; None before."""
    left: float | None
    """Expected seconds until its end; None where nothing is known to go by."""
    detail: str = ""


def stage_statuses(recipe: Recipe, work: Path, *, now: datetime | None = None) -> list[StageStatus]:
    """Return every stage of the run in its order; where there is no run, none of it is done."""
    entries = journal.read_journal(work / journal.NAME)
    found: list[StageStatus] = []
    names = ["base/evaluation"]
    for number, settings in enumerate(recipe.rounds, start=1):
        names += [f"round-{number}/{stage}" for stage in system_of(recipe).stages_of(settings)]
    running = entries[-1].stage if entries and entries[-1].event != "ended" else None
    ahead = False
    for name in names:
        status = _status(name, recipe, work, entries, found, now or datetime.now(UTC))
        found.append(_earlier(status) if ahead else status)
        ahead = ahead or name == running
    return found


def _earlier(stage: StageStatus) -> StageStatus:
    """Return a stage behind the running one: what it has is an earlier attempt's."""
    if stage.share == 0 and not stage.detail:
        return stage
    was = "done" if stage.share >= 1 else "begun"
    expected = stage.left if stage.seconds is None else stage.seconds
    detail = f"{was} in an earlier attempt; kept if what it was made from is the same"
    return StageStatus(stage.name, 0.0, None, expected, detail)


def require_run(work: Path) -> None:
    """Raise BenchError where a folder holds no run."""
    if not (work / "pool.json").is_file():
        raise BenchError(
            f"{work} holds no run of rstar-train evolve; give its --work, or the --recipe (and "
            "--tiny) that it was started with"
        )


def render(recipe: Recipe, work: Path) -> str:
    """Return the status as text."""
    stages = stage_statuses(recipe, work)
    lines = [f"{recipe.name}: {_summary(stages)}"]
    lines += [_line(stage) for stage in stages if stage.share > 0 or stage.detail]
    waiting = [stage.name for stage in stages if stage.share == 0 and not stage.detail]
    if waiting:
        more = f" and {len(waiting) - 1} stages after it" if len(waiting) > 1 else ""
        lines.append(f"  {waiting[0]:24} not begun{more}")
    searched = [k for k in range(1, len(recipe.rounds) + 1) if _has_records(work, k)]
    if searched:
        lines += ["", coverage_table([coverage(work, k) for k in searched]).to_text()]
    return "\n".join(lines)


def _summary(stages: Sequence[StageStatus]) -> str:
    left = [stage for stage in stages if stage.share < 1]
    if not left:
        total = sum(stage.seconds or 0.0 for stage in stages)
        return f"all {len(stages)} stages are done, in {_time(total)}"
    at = left[0]
    known = [stage.left for stage in left if stage.left is not None]
    unknown = len(left) - len(known)
    time = f"about {_time(sum(known))} left" if known else "time left unknown"
    if known and unknown:
        time += f", and {unknown} stages of unknown length"
    done = len(stages) - len(left)
    return f"at {at.name}, {done} of {len(stages)} stages done, {time}"


def _line(stage: StageStatus) -> str:
    if stage.share >= 1:
        return f"  {stage.name:24} done in {_time(stage.seconds or 0.0)}"
    left = "" if stage.left is None else f", about {_time(stage.left)} left"
    return f"  {stage.name:24} {stage.detail}{left}"


def _status(
    name: str,
    recipe: Recipe,
    work: Path,
    entries: Sequence[journal.Entry],
    before: Sequence[StageStatus],
    now: datetime,
) -> StageStatus:
    manifest = manifest_of(work / name)
    if manifest is not None:
        return StageStatus(name, 1.0, _seconds_of(manifest), 0.0)
    mine = [entry for entry in entries if entry.stage == name]
    begun = [at for at, entry in enumerate(mine) if entry.event == "begun"]
    expected = _expected(name, recipe, before)
    if not begun:
        return StageStatus(name, 0.0, None, expected)
    session = mine[begun[-1] :]
    elapsed = (now - session[0].at).total_seconds()
    share, rate, detail = _progress(name, recipe, work, session, elapsed)
    left = (1 - share) / rate if rate else None
    if left is None and expected is not None:
        left = max(expected - elapsed, 0.0)
    last = (now - session[-1].at).total_seconds()
    if name.endswith("/search") and last > SILENT_SECONDS:
        detail += f"; nothing was heard for {_time(last)}: repeat the command if it was killed"
    return StageStatus(name, share, None, left, detail or "running")


def _seconds_of(manifest: Json) -> float:
    """Return how long a stage took, by its manifest."""
    figures = manifest["figures"]
    taken = figures.get("stage_seconds") if isinstance(figures, Mapping) else None
    return taken if isinstance(taken, float) else 0.0


def _expected(name: str, recipe: Recipe, before: Sequence[StageStatus]) -> float | None:
    """Return the seconds that the same stage took in the latest round that did it alike."""
    round_name, _, stage = name.partition("/")
    for other in reversed(before):
        other_round, _, other_stage = other.name.partition("/")
        if other_stage == stage and other.seconds is not None and other_round != "base":
            if stage == "search" and _kind(recipe, other_round) != _kind(recipe, round_name):
                return None
            return other.seconds
    return None


def _kind(recipe: Recipe, round_name: str) -> tuple[bool, str]:
    """Return what decides how fast a round searches: whether a model does, and with a PPM."""
    search = recipe.at(int(round_name.removeprefix("round-"))).search
    return search.policy.endswith("demonstrator"), search.annotation


def _progress(
    name: str, recipe: Recipe, work: Path, session: Sequence[journal.Entry], elapsed: float
) -> tuple[float, float, str]:
    """Return the share done, the share done per second, and words."""
    told = [entry for entry in session if entry.event == "progress" and entry.total]
    if told:
        first, last = told[0], told[-1]
        if last.total != first.total:  # the tree of another seed has begun
            first = next(entry for entry in told if entry.total == last.total)
        seconds = (last.at - first.at).total_seconds()
        gained = last.done - first.done
        rate = gained / last.total / seconds if seconds > 0 else 0.0
        return last.done / last.total, rate, f"{last.done} of {last.total} problems"
    share = _trained(work / name / "loss.jsonl", recipe, name)
    if share is not None and elapsed > 0:
        return share, share / elapsed, f"{100 * share:.0f} % trained"
    return 0.0, 0.0, f"running for {_time(elapsed)}"


def _trained(file: Path, recipe: Recipe, name: str) -> float | None:
    """Return the share of its epochs that a training has done, by its log."""
    round_name, _, stage = name.partition("/")
    section = system_of(recipe).fits.get(stage)
    if section is None:
        return None
    epochs = getattr(recipe.at(int(round_name.removeprefix("round-"))), section).epochs
    reached = [line.value for line in scan(file, _epoch).lines if line.value is not None]
    return min(reached[-1] / epochs, 1.0) if reached else None


def _epoch(row: object) -> float:
    if not isinstance(row, dict) or "epoch" not in row:
        raise ValueError("no epoch")
    return float(row["epoch"])


def _has_records(work: Path, number: int) -> bool:
    trees = work / f"round-{number}" / "search" / "trees"
    return (trees / "records.jsonl").is_file() and (trees / "run.json").is_file()


def _time(seconds: float) -> str:
    """Return seconds for people."""
    minutes = round(seconds / 60)
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{minutes} min" if minutes < 90 else f"{minutes // 60} h {minutes % 60:02} min"
