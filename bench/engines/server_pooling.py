"""Servers of vLLM's `/pooling`, which make a reward model's raw numbers (`bench.engines.pooling`).

A server holds the PPM under the name that it has here, and its task are the scores of all tokens:
`serve_command` says how it is started. Weights are not compared; `rstar-bench ppm parity` compares
scores.
"""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from bench.engines import http_client
from bench.engines.http_client import PATIENCE, Patience, Refused, Servers, Unanswered, say
from bench.errors import EngineError

PPM_URL = "RSTAR_BENCH_PPM_URL"
"""Environment variable with the servers' URLs, commas between; `--ppm-url` goes before it."""
_TASK = "token_classify"
_PROBE = [1, 2]
"""Any tokens: what a server makes of them shows whether it was started for this."""


def require_package() -> None:
    """Raise MissingExtraError where httpx is not installed."""
    http_client.require_httpx("scoring with a PPM on a server")


def read_urls(given: str | None = None) -> tuple[str, ...]:
    """Return the servers' URLs out of `--ppm-url`, else RSTAR_BENCH_PPM_URL. Raises BenchError."""
    urls = http_client.read_urls(
        given,
        option="--ppm-url",
        variable=PPM_URL,
        asked_by="--ppm-engine server",
        example="http://localhost:8001",
    )
    return tuple(url.removesuffix("/v1") for url in urls)  # pooling is no part of OpenAI's API


def serve_command(folder: Path, name: str, overrides: Mapping[str, Any]) -> str:
    """Return the command that starts a server of a reward model's folder."""
    words = ["vllm", "serve", str(folder), "--served-model-name", name, "--runner", "pooling"]
    words += ["--pooler-config", json.dumps({"task": _TASK, "tok_pooling_type": "ALL"})]
    if overrides:
        words += ["--hf-overrides", json.dumps(dict(overrides))]
    return shlex.join(words)


class ServerPool:
    """Pools by asking servers of one reward model, with pooled connections."""

    def __init__(
        self, urls: Sequence[str], *, name: str, start: str, patience: Patience = PATIENCE
    ) -> None:
        """Connect to nothing yet; `start` is the command that starts such a server.

        Raises MissingExtraError.
        """
        require_package()
        self._name, self._start = name, start
        self._servers = Servers(urls, name=name, patience=patience)

    @property
    def about(self) -> Mapping[str, Any]:
        """What computes, and in what."""
        return {"engine": "server", "dtype": "the server's", "batched": True}

    async def open(self) -> None:
        """Find the model among those served, and score two tokens. Raises EngineError."""
        try:
            await self._servers.require_model(
                "/v1/models",
                starting=self._start,
                option="--ppm-url",
                named="Give --served-model-name to `vllm serve`, or another --ppm-url",
            )
            found = await self.compute(_PROBE, last=False, order=0)
            if len(found) != len(_PROBE):
                raise EngineError(
                    f"the server of {self._name} does not score every token (it gave {len(found)} "
                    f"scores for {len(_PROBE)}); start it with: {self._start}"
                )
        except BaseException:
            await self.close()
            raise

    async def compute(self, ids: list[int], *, last: bool, order: int) -> list[list[float]]:
        """Return the raw numbers of each token of a text. Raises EngineError, DeadEngineError."""
        asked = {
            "model": self._name,
            "input": ids,
            "task": _TASK,
            "use_activation": False,
            "encoding_format": "float",
        }
        try:
            return await self._servers.post("/pooling", asked, _read, order=order)
        except Refused as error:
            raise EngineError(
                f"the server of {self._name} refused to score: {error}. It is started with: "
                f"{self._start}"
            ) from error

    async def close(self) -> None:
        """Give the connections back."""
        await self._servers.close()


def _read(data: Mapping[str, Any]) -> list[list[float]]:
    """Return a server's numbers. Raises Unanswered: the answer is not whole."""
    try:
        (found,) = data["data"]
        rows = [[float(number) for number in row] for row in found["data"]]
    except (LookupError, TypeError, ValueError) as error:
        raise Unanswered(f"an answer without what was asked for ({say(error)})") from error
    if len({len(row) for row in rows}) != 1:
        raise Unanswered("an answer with other numbers for each token")
    return rows
