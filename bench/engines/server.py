"""A server as an engine: any that speaks OpenAI's `/v1/completions`, or several of one model.

Every candidate is a request of its own with a seed of its own, so it does not depend on how many
were asked for. Requests of one problem go to one server, which may keep its prefixes, unless that
server fails or has much more to do than another.

What a network does is no failure of a problem: after refused and broken connections, timeouts,
answers that end too early, and the statuses of a busy or restarting server, a request is made
again, later and later, at another server where there is one. Only an answer that is whole counts,
so nothing is lost or doubled. What a server says is wrong with a request (4xx) fails that problem,
typed; where no server answers at all for long, the run ends with what it has, and its command goes
on later.
"""

from __future__ import annotations

import asyncio
import importlib.util
import logging
import os
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from bench.engines.base import Completion, Finish, Request, derive_seed
from bench.engines.determinism import probe
from bench.engines.own_loop import OwnLoop
from bench.errors import (
    BenchError,
    DeadEngineError,
    EngineError,
    MissingExtraError,
    RefusedError,
)

if TYPE_CHECKING:
    import httpx

log = logging.getLogger(__name__)

BASE_URL = "OPENAI_BASE_URL"
"""Environment variable with the servers' URLs, commas between; `--base-url` goes before it."""
API_KEY = "OPENAI_API_KEY"
"""Environment variable with the key that they ask for, if any."""
PACKAGE = "httpx"

TRANSIENT = frozenset({408, 409, 425, 429, 500, 502, 503, 504, 529})
"""Statuses of a server that may answer the same request later."""
_STOPPED_BY = ("stop_reason", "matched_stop", "stopping_word")
"""Where vLLM, SGLang and llama.cpp say which stop string ended a text."""
_SAID = 300
"""Characters of an error's text that are told."""


@dataclass(frozen=True, slots=True)
class Patience:
    """How long a server is waited for."""

    tries: int = 8
    """Of one request, over all servers."""
    first_wait: float = 0.5
    """Seconds before the second try; each further wait is twice as long, with jitter."""
    longest_wait: float = 30.0
    """Seconds of one wait at most, where the server does not ask for another (Retry-After)."""
    connect: float = 10.0
    """Seconds for a connection."""
    answer: float = 600.0
    """Seconds without a byte of an answer."""


class _Refused(Exception):
    """A server answered that a request is wrong: asking again is of no use."""


class _Unanswered(Exception):
    """A try that another may mend."""

    def __init__(self, why: str, wait: float | None = None, *, gone: bool = False) -> None:
        super().__init__(why)
        self.wait = wait
        """Seconds that the server asked for."""
        self.gone = gone
        """Whether there was no server."""


@dataclass(slots=True)
class _Server:
    url: str
    running: int = 0
    """Requests under way there."""


def require_package() -> None:
    """Raise MissingExtraError where httpx is not installed."""
    if importlib.util.find_spec(PACKAGE) is None:
        raise MissingExtraError("the server engine", PACKAGE, "server")


def read_urls(given: str | None = None) -> tuple[str, ...]:
    """Return the servers' URLs out of `--base-url`, else OPENAI_BASE_URL. Raises BenchError."""
    text = given or os.environ.get(BASE_URL, "")
    urls = tuple(url.strip().rstrip("/") for url in text.split(",") if url.strip())
    if not urls:
        raise BenchError(
            "--engine server needs the URL of a server: --base-url http://localhost:8000/v1, or "
            f"{BASE_URL} in the environment; several with commas between"
        )
    for url in urls:
        if not url.startswith(("http://", "https://")):
            raise BenchError(
                f"{url!r} is no URL of a server; expected http://HOST:PORT/v1 or https://HOST/v1"
            )
    return urls


class ServerEngine:
    """Generates by asking servers of one model, with pooled connections."""

    def __init__(self, urls: Sequence[str], *, name: str, patience: Patience = Patience()) -> None:
        """Connect, and find the model among those served. Raises MissingExtraError, EngineError."""
        require_package()
        import httpx

        self.name = name
        self.determinism = "not verified on this server"
        self._patience = patience
        self._servers = [_Server(url) for url in urls]
        self._jitter = random.Random(0)
        """Of waits alone: no text depends on it."""
        self._closed = False
        self._running: set[asyncio.Task[list[Completion]]] = set()
        key = os.environ.get(API_KEY)
        self._client = httpx.AsyncClient(
            headers={"Authorization": f"Bearer {key}"} if key else {},
            timeout=httpx.Timeout(patience.answer, connect=patience.connect, pool=None),
            limits=httpx.Limits(max_connections=None, max_keepalive_connections=256),
        )
        self._loop = OwnLoop("server")
        try:
            self._loop.submit(self._find_model()).result()
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
        await self._client.aclose()

    async def _find_model(self) -> None:
        """Raise EngineError where a server is not there, or serves other models."""
        for server in self._servers:
            try:
                data = await self._ask(server, "GET", "/models", None)
                served = [str(each["id"]) for each in data["data"]]
            except _Unanswered as error:
                raise EngineError(
                    f"no server answers at {server.url} ({error}); start one, e.g. `vllm serve "
                    f"{self.name}`, or give another --base-url"
                ) from error
            except (_Refused, LookupError, TypeError) as error:
                raise EngineError(
                    f"what answers at {server.url} does not speak OpenAI's API "
                    f"(GET /models: {error}); a --base-url ends in /v1"
                ) from error
            if self.name not in served:
                raise EngineError(
                    f"{server.url} does not serve {self.name!r}; it serves {', '.join(served)}. "
                    "Give one of these as --policy"
                )

    async def _generate(self, request: Request) -> list[Completion]:
        task = asyncio.current_task()
        assert task is not None, "submitted to the loop"
        self._running.add(task)
        candidates = [
            asyncio.ensure_future(self._candidate(request, at)) for at in range(request.n)
        ]
        try:
            return list(await asyncio.gather(*candidates))
        except _Refused as error:
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
        failed: list[_Server] = []
        for attempt in range(self._patience.tries):
            server = self._choose(request, failed)
            server.running += 1
            try:
                data = await self._ask(server, "POST", "/completions", asked)
                return _read(data, request, is_first=index == 0)
            except _Unanswered as error:
                failed.append(server)
                last = error
                if attempt + 1 < self._patience.tries:
                    await asyncio.sleep(self._wait(attempt, error))
            finally:
                server.running -= 1
        if last.gone:
            raise DeadEngineError(
                f"no server of {self.name} answers any more ({last}). What is recorded is kept; "
                "start the server again and repeat the command to go on"
            ) from last
        raise EngineError(
            f"the server of {self.name} answered none of {self._patience.tries} tries: {last}"
        ) from last

    def _choose(self, request: Request, failed: Sequence[_Server]) -> _Server:
        """Return the server of the request's problem, unless it failed or is behind the others."""
        fewest = min(failed.count(each) for each in self._servers)
        left = [each for each in self._servers if failed.count(each) == fewest]
        own = self._servers[request.order % len(self._servers)]
        idlest = min(left, key=lambda each: each.running)
        if own in left and own.running <= 2 * idlest.running + 8:
            return own
        return idlest

    def _wait(self, attempt: int, error: _Unanswered) -> float:
        if error.wait is not None:
            return error.wait
        longest = min(self._patience.first_wait * 2.0**attempt, self._patience.longest_wait)
        return longest * self._jitter.uniform(0.5, 1.0)

    async def _ask(
        self, server: _Server, method: str, path: str, body: Mapping[str, Any] | None
    ) -> dict[str, Any]:
        """Return what a server answers, as JSON. Raises _Refused, _Unanswered."""
        import httpx

        try:
            answer = await self._client.request(method, server.url + path, json=body)
            if answer.status_code == httpx.codes.OK:
                return dict(answer.json())
        except (httpx.ConnectError, httpx.ConnectTimeout) as error:
            raise _Unanswered(_say(error), gone=True) from error
        except httpx.TransportError as error:  # timeouts, and connections that break
            raise _Unanswered(_say(error)) from error
        except (ValueError, TypeError) as error:
            raise _Unanswered(f"an answer that is no JSON object ({error})") from error
        said = f"{answer.status_code} {answer.reason_phrase}: {_shorten(answer.text)}"
        if answer.status_code in TRANSIENT:
            raise _Unanswered(said, self._read_wait(answer))
        raise _Refused(said)

    def _read_wait(self, answer: httpx.Response) -> float | None:
        try:
            wait = float(answer.headers.get("Retry-After", ""))
        except ValueError:
            return None  # absent, or a date
        return min(max(wait, 0.0), 4 * self._patience.longest_wait)


def _read(data: Mapping[str, Any], request: Request, *, is_first: bool) -> Completion:
    """Return what a server generated. Raises _Unanswered: the answer is not whole; EngineError."""
    try:
        (choice,) = data["choices"]
        text, ended, usage = str(choice["text"]), choice["finish_reason"], data["usage"]
        tokens, prompt = int(usage["completion_tokens"]), int(usage["prompt_tokens"])
        cached = int((usage.get("prompt_tokens_details") or {}).get("cached_tokens") or 0)
        logprob = _mean(choice["logprobs"]["token_logprobs"]) if request.logprobs else None
    except (LookupError, TypeError, ValueError) as error:
        raise _Unanswered(f"an answer without what was asked for ({_say(error)})") from error
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


def _say(error: BaseException) -> str:
    return f"{type(error).__name__}: {_shorten(str(error))}" if str(error) else type(error).__name__


def _shorten(text: str) -> str:
    words = " ".join(text.split())
    return words if len(words) <= _SAID else f"{words[:_SAID]}..."
