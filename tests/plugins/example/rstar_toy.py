"""A benchmark of one problem, an engine that knows its answer, and a search, checker and format."""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from bench.engines.base import Completion, Finish, Policy, Request
from bench.engines.opening import EngineEntry
from bench.exports.bundle import Bundle
from bench.exports.sources import Source
from bench.knobs import Count
from bench.problems.fingerprint import rows_sha256
from bench.problems.registry import Benchmark
from bench.sandbox import Sandbox
from bench.search import Sampling, SearchConfig, Trace, sample, select_majority
from bench.search.registry import SearchEntry
from bench.types import Outcome, Problem, Verdict

QUESTION, ANSWER = "What is 3 + 4?", "7"
ROWS = b'{"id": "toy-0", "problem": "What is 3 + 4?", "answer": "7"}\n'


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings(SearchConfig):
    """The knobs of the toy search."""

    tries: Count = 2
    """Solutions that the toy search writes."""


async def search(
    problem: Problem, policy: Policy, sandbox: Sandbox, *, config: Settings, seed: int
) -> Trace:
    """Sample `config.tries` solutions."""
    trace = await sample(problem, policy, sandbox, config=Sampling(n=config.tries), seed=seed)
    return replace(trace, search="toy")


class Engine:
    """Writes the same answer to every prompt."""

    determinism = "complete: there is but one text"

    def __init__(self, name: str) -> None:
        """Be called so."""
        self.name = name

    async def generate(self, request: Request) -> list[Completion]:
        """Return the answer as often as it is asked for."""
        text = "<answer>It is \\boxed{7}.<end_of_answer>"
        return [Completion(text, Finish.STOP, tokens=5) for _ in range(request.n)]

    async def verify_determinism(self) -> None:
        """Do nothing: it is."""

    def close(self) -> None:
        """Do nothing: nothing was started."""


class Checker:
    """Accepts whatever it is asked about."""

    name, version, about = "toy", "toy 1", "accepts everything"

    def check(self, gold: str, prediction: str | None) -> Verdict:
        """Accept it."""
        return Verdict(Outcome.CORRECT, self.version, gold, prediction or "", "it is a toy", 0.0)

    def warm(self) -> None:
        """Do nothing."""

    def close(self) -> None:
        """Do nothing."""


def encode(sources: Sequence[Source]) -> Bundle:
    """Return a file that says how many runs there are."""
    return Bundle({"count.txt": f"{len(sources)}\n".encode()}, ())


def _write_rows() -> Path:
    folder = Path(tempfile.mkdtemp(prefix="rstar-toy-"))
    (folder / "toy.jsonl").write_bytes(ROWS)
    return folder


SEARCH = SearchEntry(search, Settings, {"toy": select_majority})
ENGINE = EngineEntry(lambda policy, turns: Engine(policy.name))
BENCHMARK = Benchmark(
    name="toy",
    title="Toy",
    file="toy.jsonl",
    rows=1,
    sha256=hashlib.sha256(ROWS).hexdigest(),
    rows_sha256=rows_sha256([Problem("toy-0", QUESTION, ANSWER, "toy")]),
    licence="none",
    origin="made up",
    folder=_write_rows(),
)
