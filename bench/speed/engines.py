"""The engines side by side on one policy: start-up, tokens per second, and their greedy answers.

Agreement is with the first engine that runs, problem by problem, to the last character of the first
tokens: engines differ in rounding, and in what they round weights and caches to. A run on each is
killed when some of its records are written, and repeated; its records are compared with those of a
run that nobody killed. An engine that is not installed has a sentence in its place. vLLM is looked
for in its own environment, too (`bench.speed.vllm_apart`): in a process there, and as a server. So
is llama.cpp's server (`bench.speed.llama_cpp`). Below the table our engine is set beside each of
these peers.
"""

from __future__ import annotations

import asyncio
import json
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import get_args

from bench.checkpoints.checkpoint import Checkpoint, newest_policy
from bench.checkpoints.weights import full_weights, gguf
from bench.engines import vllm
from bench.engines.base import Engine, Precision, Request
from bench.engines.http_client import Patience
from bench.engines.invariant import InvariantEngine
from bench.engines.opening import SERVER, load_engine
from bench.engines.policy import ModelPolicy
from bench.engines.server import ServerEngine
from bench.errors import BenchError, EngineError, MissingExtraError
from bench.problems import load
from bench.prompts import START, template
from bench.runs.reader import load_run
from bench.speed.generation import POOL, rate
from bench.speed.llama_cpp import LLAMA_CPP, serve_gguf
from bench.speed.measure import measure_time
from bench.speed.served import Served
from bench.speed.vllm_apart import environment, require_environment, run_there, serve_model

NAMES = (
    *("openvino", "invariant", "invariant int8", "invariant f32"),
    *("openvino bf16", "openvino-cached"),
    *("vllm", SERVER, LLAMA_CPP, "transformers"),
)
"""Engines, and their precisions where those are named. `server` is vLLM's."""
OURS, PEERS = "invariant", ("vllm", SERVER, LLAMA_CPP)
ASKED = (0.9, 1.0, 1.0)
"""Of our rate over a peer's, with 1, 8 and the most requests."""
GREEDY = 8
"""Problems on which greedy texts are compared."""
TOKENS = 48
KILLED = 12
"""Problems of the run that is killed."""
KILLED_AFTER = 3
"""Records that it has by then."""
_UNCHUNKED = ("--no-enable-chunked-prefill", "--max-num-batched-tokens", "16384")


@dataclass(frozen=True, slots=True)
class Measured:
    """One engine."""

    start: float
    """Seconds to load and answer once."""
    rates: Sequence[float]
    """Generated tokens a second, by requests in flight."""
    texts: Sequence[str]
    """How each problem's greedy solution begins."""


async def engines(names: Sequence[str] = NAMES, *, widest: int = 32) -> str:
    """Return a table: load and first request, rates by requests in flight, agreement, kills."""
    policy = newest_policy()
    lines = [
        f"  {policy.name}: generated tokens/s of 1, 8 and {widest} requests, and of 8 with 4 "
        "candidates each",
        f"  {'':<16}{'start s':>8}{'1':>6}{'8':>6}{widest:>6}{'8 x 4':>7}  equal greedy texts  "
        "records after a kill",
    ]
    first: Sequence[str] | None = None
    rates: dict[str, Sequence[float]] = {}
    for name in names:
        with tempfile.TemporaryDirectory() as folder:
            try:
                with _at_hand(name, policy, Path(folder)) as (measure, command):
                    found = await asyncio.to_thread(measure, widest)
                    equal, records = _kill_and_resume(command, Path(folder))
            except BenchError as error:
                lines.append(f"  {name:<16}not measured: {error}")
                continue
        first = first or found.texts
        rates[name] = found.rates
        same = sum(one == other for one, other in zip(first, found.texts, strict=True))
        numbers = "".join(f"{each:{6 + (at == 3)}.0f}" for at, each in enumerate(found.rates))
        lines.append(
            f"  {name:<16}{found.start:8.1f}{numbers}{same:>12} of {len(found.texts)}"
            f"{equal:>15} of {records} equal"
        )
    return "\n".join([*lines, *_beside_peers(rates, widest)])


def _beside_peers(rates: Mapping[str, Sequence[float]], widest: int) -> list[str]:
    """Return a line for each peer: our rate over its, by requests, and where less than asked."""
    lines = []
    for peer in PEERS:
        if peer not in rates or OURS not in rates:
            continue
        ratios = [ours / theirs for ours, theirs in zip(rates[OURS], rates[peer], strict=True)]
        words = []
        for requests, ratio, least in zip((1, 8, widest), ratios[:3], ASKED, strict=True):
            missed = ", MISSED" if ratio < least else ""
            words.append(f"{requests} requests {ratio:.2f} (asked {least:g}{missed})")
        lines.append(f"  {OURS} / {peer}: {'; '.join(words)}; 8 x 4 {ratios[3]:.2f}")
    return lines


Measure = Callable[[int], Measured]
Command = tuple[Sequence[str], Mapping[str, str] | None]
"""What runs the harness with an engine, but for where the run goes; and its environment."""


@contextmanager
def _at_hand(name: str, policy: Checkpoint, folder: Path) -> Iterator[tuple[Measure, Command]]:
    """Return what measures an engine, and what runs with it. Raises BenchError."""
    engine, _, precision = name.partition(" ")
    run = [
        *("-m", "bench.cli", "run", "--benchmark", POOL, "--limit", str(KILLED)),
        *("--policy", policy.name, "--search", "sample", "--n", "2", "--concurrency", "2"),
        *("--engine", SERVER if name == LLAMA_CPP else engine),
        *(("--precision", precision) if precision else ()),
    ]
    if name in (SERVER, LLAMA_CPP):
        with ExitStack() as until_the_end:
            with measure_time() as start:
                server = until_the_end.enter_context(_served(name, policy, folder))
            yield (
                lambda widest: _measure(SERVER, widest, base_url=server.url, waited=start.wall),
                ([sys.executable, *run, "--base-url", server.url], None),
            )
        return
    if name == "vllm" and not _is_here():
        python = require_environment() / "bin" / "python"

        def measure_there(widest: int) -> Measured:
            printed = run_there(["-m", "bench.speed.engines", name, str(widest)])
            return Measured(**json.loads(printed.splitlines()[-1]))

        yield measure_there, ([str(python), *run], environment())
        return
    yield lambda widest: _measure(name, widest), ([sys.executable, *run], None)


def _served(name: str, policy: Checkpoint, folder: Path) -> AbstractContextManager[Served]:
    """Return what serves a policy under its name until the end. Raises BenchError."""

    def answers(url: str) -> bool:
        return _answers(url, policy.name)

    if name == LLAMA_CPP:
        return serve_gguf(gguf(policy), folder, policy.name, answers)
    arguments = [*_UNCHUNKED, "--served-model-name", policy.name]
    return serve_model(full_weights(policy), folder, arguments, answers)


def _is_here() -> bool:
    try:
        vllm.require_package()
    except MissingExtraError:
        return False
    return True


def _answers(url: str, name: str) -> bool:
    try:
        ServerEngine([url], name=name, patience=Patience(tries=1, connect=1.0)).close()
    except EngineError:
        return False
    return True


def _measure(name: str, widest: int, *, base_url: str | None = None, waited: float = 0) -> Measured:
    """Load an engine here and measure it; `waited` are seconds that its start took before."""
    chosen, _, named = name.partition(" ")
    precision = next((each for each in get_args(Precision) if each == named), None)

    async def go() -> Measured:
        policy = newest_policy()
        with measure_time() as start:
            engine = load_engine(policy, chosen, precision=precision, base_url=base_url)
            await _greedy(engine, policy.template, 1)
        try:
            asking = ModelPolicy(name, engine, template(policy.template))
            asked = ((1,), (8,), (widest,), (8, 4))
            rates = []
            for each in asked:
                if isinstance(engine, InvariantEngine):
                    engine.forget()  # it would guess from what it answered to the same problems
                rates.append(await rate(engine, asking, *each))
            texts = await _greedy(engine, policy.template, GREEDY)
        finally:
            engine.close()
        return Measured(waited + start.wall, rates, texts)

    return asyncio.run(go())


async def _greedy(engine: Engine, prompt: str, problems: int) -> list[str]:
    """Return how each problem's greedy solution begins."""
    requests = [
        Request(template(prompt).render(problem.question, START), 1, 0, 0.0, TOKENS, ())
        for problem in load(POOL, limit=problems)
    ]
    answers = await asyncio.gather(*map(engine.generate, requests))
    return [completion.text for (completion,) in answers]


def _kill_and_resume(command: Command, folder: Path) -> tuple[int, int]:
    """Return how many records of a run that was killed and repeated are those of one that was not.

    The other number is that of all records. Raises BenchError: a run fails.
    """
    whole, killed = folder / "whole", folder / "killed"
    _run(command, whole)
    with _started(command, killed) as process:
        while process.poll() is None and _count_records(killed) < KILLED_AFTER:
            time.sleep(0.05)
        process.send_signal(signal.SIGKILL)
    _run(command, killed)
    wanted = load_run(whole).records
    found = {record.key: record for record in load_run(killed).records}
    return sum(found.get(record.key) == record for record in wanted), len(wanted)


@contextmanager
def _started(command: Command, out: Path) -> Iterator[subprocess.Popen[str]]:
    arguments, environment = command
    with subprocess.Popen(
        [*arguments, "--out", str(out)],
        env=None if environment is None else {**environment},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        yield process


def _run(command: Command, out: Path) -> None:
    with _started(command, out) as process:
        _, said = process.communicate()
    if process.returncode:
        raise BenchError(f"a run ended with {process.returncode}: {said.strip()[-1000:]}")


def _count_records(out: Path) -> int:
    file = out / "records.jsonl"
    return file.read_bytes().count(b"\n") if file.exists() else 0


if __name__ == "__main__":
    print(json.dumps(asdict(_measure(sys.argv[1], int(sys.argv[2])))))
