"""What the calls of a program share: an event loop, and on it a harness with what was started."""

from __future__ import annotations

import atexit
import threading
import time
from collections.abc import Coroutine, Mapping
from dataclasses import fields, replace
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar

from bench.console import quieten_third_parties
from bench.engines.own_loop import OwnLoop
from bench.engines.policy import SamplingSettings
from bench.errors import BenchError, UnknownNameError
from bench.evaluation.harness import Harness
from bench.evaluation.memory import demand_of
from bench.evaluation.progress import Progress
from bench.evaluation.spec import RunSpec, resolve
from bench.files.cache import cache_dir
from bench.knobs import Knob, knobs_of
from bench.page.asked import AskedSearch
from bench.problems.unlisted import name_question
from bench.python.answer import Answer, read_answer
from bench.python.results import Results
from bench.runs.header import config_digest
from bench.search.registry import configure, find_search
from bench.types import Problem

T = TypeVar("T")

ASKED = "asked"
"""What stands for the benchmark of a question that a program asks."""
_OWN = ("benchmark", "policy", "search", "config", "sampling", "conventions")
"""Fields of a specification that are no option of their own."""
_DIGITS = 16
"""Of the digest that names a run's folder."""


class Session:
    """Engines, a PPM and a sandbox, started when first needed; a context manager.

    One call at a time: another thread's waits for it. `base_url` and `ppm_url` are as the options
    of `rstar-bench run`.
    """

    def __init__(self, *, base_url: str | None = None, ppm_url: str | None = None) -> None:
        """Start nothing yet but a thread."""
        quieten_third_parties()
        self._loop = OwnLoop("rstar-bench")
        self._harness = Harness(base_url=base_url, ppm_url=ppm_url)
        self._turn = threading.Lock()
        self._closed = False

    def search(
        self,
        question: str,
        *,
        policy: str | None = None,
        method: str = "mcts",
        **options: Any,
    ) -> Answer:
        """Search one question, and return what was answered, with the tree.

        `policy` and `method` are what `rstar-bench run` takes as `--policy` and `--search`; options
        are its others, and the search's knobs: `ppm`, `engine`, `seed`, `temperature`, `rollouts`,
        and so on. Raises BenchError: an option or a name is not known, or something that was named
        cannot be had.
        """
        if not question.strip():
            raise BenchError(
                "the question is empty; a text is expected, as in search('What is 6*7?')"
            )
        spec = read_options(ASKED, policy, method, options)
        if find_search(method).decides:
            raise BenchError(
                f"the search {method!r} decides inequalities; `rstar-bench prove` takes one"
            )
        return self._wait(self._search(spec, Problem(name_question(question), question, "", ASKED)))

    def run(
        self,
        benchmark: str,
        *,
        policy: str | None = None,
        method: str = "mcts",
        limit: int | None = None,
        out: Path | str | None = None,
        concurrency: int | None = None,
        progress: bool = True,
        **options: Any,
    ) -> Results:
        """Run a search on a benchmark, or go on with that run; return its results.

        `out` is the run directory; by default one of the user's cache that belongs to what was
        asked for, so that the same call returns what it has. Options are as in `search`. Raises
        BenchError.
        """
        spec = replace(read_options(benchmark, policy, method, options), limit=limit)
        folder = _default_folder(spec) if out is None else Path(out)
        return self._wait(self._run(spec, folder, concurrency, progress))

    def close(self) -> None:
        """Stop every part that was started."""
        with self._turn:
            if self._closed:
                return
            self._closed = True
            self._loop.submit(self._harness.__aexit__(None, None, None)).result()
            self._loop.stop()

    def __enter__(self) -> Self:
        """Return the session itself."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close it."""
        self.close()

    def _wait(self, work: Coroutine[Any, Any, T]) -> T:
        """Return what a coroutine gives on the session's loop; an interrupt ends it there."""
        with self._turn:
            if self._closed:
                work.close()
                raise BenchError("the session was closed; open another one")
            future = self._loop.submit(work)
            try:
                return future.result()
            except BaseException:
                future.cancel()
                raise

    # On the session's loop, from here on.

    async def _search(self, spec: RunSpec, problem: Problem) -> Answer:
        resolved = resolve(spec, problems=(problem,))
        assert resolved.policy is not None, "a search that answers questions asks a policy"
        started = await self._harness.start(resolved, demand_of(resolved, 1))
        begun = time.perf_counter()
        trace = await started.search(problem, seed=spec.seed)
        asked = AskedSearch(
            problem,
            trace,
            resolved.selectors,
            policy=resolved.policy.name,
            ppm=None if resolved.ppm is None else resolved.ppm.name,
        )
        return read_answer(asked, resolved.aggregate, time.perf_counter() - begun)

    async def _run(
        self, spec: RunSpec, folder: Path, concurrency: int | None, shown: bool
    ) -> Results:
        if not shown:
            return Results(await self._harness.run(spec, folder, concurrency=concurrency))
        with Progress(f"{spec.search} on {spec.benchmark}") as progress:
            run = await self._harness.run(
                spec,
                folder,
                concurrency=concurrency,
                on_start=progress.start,
                on_done=progress.tick,
            )
        return Results(run)


def read_options(
    benchmark: str, policy: str | None, method: str, options: Mapping[str, Any]
) -> RunSpec:
    """Return a specification of options by name. Raises BenchError: one is not known, or wrong."""
    entry = find_search(method, "method")
    of_run = {each.name for each in fields(RunSpec)} - {*_OWN, "limit"}
    of_sampling, knobs = knobs_of(SamplingSettings), entry.knobs
    known = {*of_run, *of_sampling, *knobs}
    for name in options:
        if name not in known:
            raise UnknownNameError(f"option of the search {method!r}:", name, sorted(known))
    run_knobs = knobs_of(RunSpec)
    return RunSpec(
        benchmark,
        policy,
        method,
        configure(method, _read(options, knobs)),
        sampling=SamplingSettings(**_read(options, of_sampling)),
        **_read(options, {name: run_knobs[name] for name in of_run if name in run_knobs}),
    )


def _read(options: Mapping[str, Any], knobs: Mapping[str, Knob]) -> dict[str, Any]:
    """Return the options that are among these knobs, each of its knob's type."""
    found = {}
    for name in options.keys() & knobs.keys():
        value = str(options[name]) if isinstance(options[name], Path) else options[name]
        try:
            found[name] = knobs[name].read(value)
        except ValueError as error:
            raise BenchError(f"{name}={options[name]!r}: it must be {error}") from None
    return found


def _default_folder(spec: RunSpec) -> Path:
    digest = config_digest(resolve(spec).config).partition(":")[2][:_DIGITS]
    return cache_dir() / "runs" / f"{spec.benchmark}-{spec.search}-{digest}"


_shared: Session | None = None
_starting = threading.Lock()


def share_session() -> Session:
    """Return the session that `search` and `run` share, which ends with the program."""
    global _shared
    with _starting:
        if _shared is None or _shared._closed:
            _shared = Session()
            atexit.register(_shared.close)
        return _shared


def search(
    question: str, *, policy: str | None = None, method: str = "mcts", **options: Any
) -> Answer:
    """Search one question; see `Session.search`.

    >>> from bench import search
    >>> found = search("What is 6 * 7?", policy="smollm2-r4", method="greedy")
    >>> found.answer
    '42'
    """
    return share_session().search(question, policy=policy, method=method, **options)


def run(
    benchmark: str,
    *,
    policy: str | None = None,
    method: str = "mcts",
    limit: int | None = None,
    out: Path | str | None = None,
    concurrency: int | None = None,
    progress: bool = True,
    **options: Any,
) -> Results:
    """Run a search on a benchmark; see `Session.run`.

    >>> from bench import run
    >>> short = {"policy": "smollm2", "limit": 2, "step_tokens": 16, "progress": False}
    >>> results = run("embedded-grade-school", method="greedy", out="greedy", **short)
    >>> len(results.to_pandas())
    2
    """
    return share_session().run(
        benchmark,
        policy=policy,
        method=method,
        limit=limit,
        out=out,
        concurrency=concurrency,
        progress=progress,
        **options,
    )
