"""A server as an engine: any that speaks OpenAI's `/v1/completions`, or several of one model.

Every candidate is a request of its own with a seed of its own, so it does not depend on how many
were asked for. How servers are waited for, and shared, is `bench.engines.http_client`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from bench.engines import http_client
from bench.engines.base import Completion, Finish, Request, derive_seed
from bench.engines.determinism import probe
from bench.engines.http_client import PATIENCE, Patience, Refused, Servers, Unanswered, say
from bench.engines.own_loop import OwnLoop
from bench.errors import EngineError, RefusedError

BASE_URL = "OPENAI_BASE_URL"
"""Environment variable with the servers' URLs, commas between; `--base-url` goes before it."""
_STOPPED_BY = ("stop_reason", "matched_stop", "stopping_word")
"""Where vLLM, SGLang and llama.cpp say which stop string ended a text."""


def require_package() -> None:
    """Raise MissingExtraError where httpx is not installed."""
    http_client.require_httpx("the server engine")


def read_urls(given: str | None = None) -> tuple[str, ...]:
    """Return the servers' URLs out of `--base-url`, else OPENAI_BASE_URL. Raises BenchError."""
    return http_client.read_urls(
        given,
        option="--base-url",
        variable=BASE_URL,
        asked_by="--engine server",
        example="http://localhost:8000/v1",
    )


class ServerEngine:
    """Generates by asking servers of one model, with pooled connections."""

    def __init__(self, urls: Sequence[str], *, name: str, patience: Patience = PATIENCE) -> None:
        """Connect, and find the model among those served. Raises MissingExtraError, EngineError."""
        require_package()
        self.name = name
        self.determinism = "not verified on this server"
        self._closed = False
        self._running: set[asyncio.Task[list[Completion]]] = set()
        self._servers = Servers(urls, name=name, patience=patience)
        self._loop = OwnLoop("server")
        try:
            self._loop.submit(
                self._servers.require_model(
                    "/models",
                    starting=f"vllm serve {name}",
                    option="--base-url, which ends in /v1",
                    named="Give one of these as --policy",
                )
            ).result()
        except BaseException:
            self.close()
            raise

    async def generate(self, request: Request) -> list[Completion]:
        """Return `request.n` completions, in the order of their seeds.

        Raises EngineError: a server refuses it. DeadEngineError: no server answers any more.
        """
        if request.temperature <= 0 and request.n > 1:
            raise EngineError(f"greedy decoding gives one completion, {request.n} were asked for")
        if self._closed:
            raise EngineError("the engine was closed; it generates nothing any more")
        return await asyncio.wrap_future(self._loop.submit(self._generate(request)))

    async def verify_determinism(self) -> None:
        """Compare requests alone with the same requests in a batch; record what was found."""
        self.determinism = await probe(self)

    def close(self) -> None:
        """Give the connections back; requests in flight end with an EngineError."""
        if self._closed:
            return
        self._closed = True
        self._loop.submit(self._end()).result(timeout=60)
        self._loop.stop()

    # On the engine's own loop, from here on.

    async def _end(self) -> None:
        running = list(self._running)
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)
        await self._servers.close()

    async def _generate(self, request: Request) -> list[Completion]:
        task = asyncio.current_task()
        assert task is not None, "submitted to the loop"
        self._running.add(task)
        candidates = [
            asyncio.ensure_future(self._candidate(request, at)) for at in range(request.n)
        ]
        try:
            return list(await asyncio.gather(*candidates))
        except Refused as error:
            raise RefusedError(f"the server of {self.name} refused a request: {error}") from error
        except asyncio.CancelledError as error:
            if not self._closed:
                raise  # the search has given up
            raise EngineError("the engine was closed before it answered") from error
        finally:
            for candidate in candidates:  # where one failed, the others are of no use
                candidate.cancel()
            self._running.discard(task)

    async def _candidate(self, request: Request, index: int) -> Completion:
        asked: dict[str, Any] = {
            "model": self.name,
            "prompt": request.prompt,
            "max_tokens": request.max_tokens,
            "temperature": max(request.temperature, 0.0),
            "stop": list(request.stop),
            "include_stop_str_in_output": True,
            "add_special_tokens": False,
        }
        if request.temperature > 0:
            asked["seed"] = derive_seed(request.seed, index)
        if request.logprobs:
            asked["logprobs"] = 1
        read = partial(_read, request=request, is_first=index == 0)
        return await self._servers.post("/completions", asked, read, order=request.order)


def _read(data: Mapping[str, Any], request: Request, *, is_first: bool) -> Completion:
    """Return what a server generated. Raises Unanswered: the answer is not whole; EngineError."""
    try:
        (choice,) = data["choices"]
        text, ended, usage = str(choice["text"]), choice["finish_reason"], data["usage"]
        tokens, prompt = int(usage["completion_tokens"]), int(usage["prompt_tokens"])
        cached = int((usage.get("prompt_tokens_details") or {}).get("cached_tokens") or 0)
        logprob = _mean(choice["logprobs"]["token_logprobs"]) if request.logprobs else None
    except (LookupError, TypeError, ValueError) as error:
        raise Unanswered(f"an answer without what was asked for ({say(error)})") from error
    if ended not in ("stop", "length"):
        raise EngineError(f"the server ended a text with {ended!r}, not with stop or length")
    if ended == "stop" and request.stop:
        text = _with_stop(text, choice, request.stop)
    prompt = prompt if is_first else 0
    finish = Finish.STOP if ended == "stop" else Finish.LENGTH
    return Completion(text, finish, tokens, prompt, min(cached, prompt), logprob)


def _with_stop(text: str, choice: Mapping[str, Any], stops: Sequence[str]) -> str:
    """Return a text with the stop string that ended it, which some servers leave out."""
    if text.endswith(tuple(stops)):
        return text
    for key in _STOPPED_BY:
        if key in choice:
            return text + choice[key] if choice[key] in stops else text
    raise EngineError(
        "the server does not say which stop string ended a text, as vLLM, SGLang and llama.cpp do "
        f"({', '.join(_STOPPED_BY)}); steps cannot be told from ends without it"
    )


def _mean(logprobs: Sequence[float]) -> float | None:
    return sum(map(float, logprobs)) / len(logprobs) if logprobs else None
