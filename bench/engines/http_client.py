"""Servers of one model, asked over HTTP until they answer: what engines behind servers share.

What a network does is no failure of a problem: after refused and broken connections, timeouts,
answers that end too early, and the statuses of a busy or restarting server, a request is made
again, later and later, at another server where there is one. Only an answer that is whole counts,
so nothing is lost or doubled. What a server says is wrong with a request (4xx) fails that problem,
typed; where no server answers at all for long, the run ends with what it has, and its command goes
on later.

Requests of one problem go to one server, which may keep its prefixes, unless that server fails or
has much more to do than another.
"""

from __future__ import annotations

import asyncio
import importlib.util
import os
import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import urlsplit

from bench.errors import BenchError, DeadEngineError, EngineError, MissingExtraError

if TYPE_CHECKING:
    import httpx

T = TypeVar("T")

API_KEY = "OPENAI_API_KEY"
"""Environment variable with the key that servers ask for, if any."""
PACKAGE = "httpx"

TRANSIENT = frozenset({408, 409, 425, 429, 500, 502, 503, 504, 529})
"""Statuses of a server that may answer the same request later."""
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
    silences: int = 2
    """Tries of one request that may end so, for each server: a server that is busy answers."""


PATIENCE = Patience()


class Refused(Exception):
    """A server answered that a request is wrong: asking again is of no use."""


class Unanswered(Exception):
    """A try that another may mend."""

    def __init__(
        self, why: str, wait: float | None = None, *, gone: bool = False, silent: bool = False
    ) -> None:
        """Say why; `wait` are the seconds that the server asked for."""
        super().__init__(why)
        self.wait = wait
        self.gone = gone
        """Whether there was no server."""
        self.silent = silent
        """Whether it said nothing for as long as one waits."""


@dataclass(slots=True)
class Server:
    """A server, and what it has to do."""

    url: str
    running: int = 0
    """Requests under way there."""
    is_silent: bool = False
    """Whether its last answer stayed out: it is greeted before it is asked again."""


def require_httpx(feature: str) -> None:
    """Raise MissingExtraError where httpx is not installed."""
    if importlib.util.find_spec(PACKAGE) is None:
        raise MissingExtraError(feature, PACKAGE, "server")


def read_urls(
    given: str | None, *, option: str, variable: str, asked_by: str, example: str
) -> tuple[str, ...]:
    """Return the servers' URLs out of an option, else an environment variable. Raises BenchError.

    `asked_by` is the choice that needs them, `example` a URL as it may look.
    """
    text = given or os.environ.get(variable, "")
    urls = tuple(url.strip().rstrip("/") for url in text.split(",") if url.strip())
    if not urls:
        raise BenchError(
            f"{asked_by} needs the URL of a server: {option} {example}, or {variable} in the "
            "environment; several with commas between"
        )
    for url in urls:
        if not _is_url(url):
            raise BenchError(
                f"{url!r} is no URL of a server; expected one such as {example}, or https://..."
            )
    return urls


def _is_url(text: str) -> bool:
    try:
        parts = urlsplit(text)
        return parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:  # a port that is none
        return False


class Servers:
    """Servers of one model, with pooled connections. It belongs to the loop that first asks."""

    def __init__(self, urls: Sequence[str], *, name: str, patience: Patience) -> None:
        """Connect to nothing yet; `name` is what the model is called in errors."""
        import httpx

        self.name = name
        self.each = [Server(url) for url in urls]
        self._patience = patience
        self._models: str | None = None
        """Path that lists what is served, which any server answers at once."""
        self._jitter = random.Random(0)
        """Of waits alone: no answer depends on it."""
        key = os.environ.get(API_KEY)
        self._client = httpx.AsyncClient(
            headers={"Authorization": f"Bearer {key}"} if key else {},
            timeout=httpx.Timeout(patience.answer, connect=patience.connect, pool=None),
            limits=httpx.Limits(max_connections=None, max_keepalive_connections=256),
        )

    async def post(
        self, path: str, body: Mapping[str, Any], read: Callable[[dict[str, Any]], T], *, order: int
    ) -> T:
        """Return what `read` makes of the answer to a request of the problem number `order`.

        `read` raises Unanswered of an answer that is not whole. Raises Refused; EngineError: the
        tries are used up; DeadEngineError: no server is there any more; and what else `read` does.
        """
        failed: list[Server] = []
        last: dict[str, Unanswered] = {}
        """What each server did at its last try."""
        silences = self._patience.silences * len(self.each)
        for attempt in range(self._patience.tries):
            server = self._choose(order, failed)
            server.running += 1
            try:
                if server.is_silent:
                    await self._greet(server)
                return read(await self._ask(server, "POST", path, body))
            except Unanswered as error:
                failed.append(server)
                last[server.url] = error
                silences -= error.silent
                if not silences:
                    break
                if attempt + 1 < self._patience.tries:
                    await asyncio.sleep(self._wait(attempt, error))
            finally:
                server.running -= 1
        told = next((error for error in last.values() if not error.gone), None)
        if told is None:
            told = last[failed[-1].url]
            raise DeadEngineError(
                f"no server of {self.name} answers any more ({told}). What is recorded is kept; "
                "start the server again and repeat the command to go on"
            ) from told
        raise EngineError(
            f"the server of {self.name} answered none of {len(failed)} tries: {told}"
        ) from told

    async def require_model(self, models: str, *, starting: str, option: str, named: str) -> None:
        """Raise EngineError where a server is not there, or does not serve the model.

        `models` is the path that lists what is served; `starting` is a command that starts a
        server, `option` what gives its URL, and `named` what gives the model's name.
        """
        self._models = models
        for server in self.each:
            try:
                data = await self._ask(server, "GET", models, None)
                served = [str(each["id"]) for each in data["data"]]
            except Unanswered as error:
                raise EngineError(
                    f"no server answers at {server.url} ({error}); start one, e.g. `{starting}`, "
                    f"or give another {option}"
                ) from error
            except (Refused, LookupError, TypeError) as error:
                raise EngineError(
                    f"what answers at {server.url} does not speak OpenAI's API "
                    f"(GET {models}: {error}); see what {option} is to be"
                ) from error
            if self.name not in served:
                raise EngineError(
                    f"{server.url} does not serve {self.name!r}; it serves {', '.join(served)}. "
                    f"{named}"
                )

    async def _greet(self, server: Server) -> None:
        """Ask a server that was silent for its list of models. Raises Unanswered: it is gone.

        A server that hangs costs the wait for one answer so, not for each try of each request.
        """
        if self._models is not None:
            try:
                async with asyncio.timeout(self._patience.connect):
                    await self._ask(server, "GET", self._models, None)
            except (TimeoutError, Unanswered) as error:
                raise Unanswered("it accepts requests and answers none", gone=True) from error
            except Refused:
                pass  # it lives
        server.is_silent = False

    async def close(self) -> None:
        """Give the connections back."""
        await self._client.aclose()

    def _choose(self, order: int, failed: Sequence[Server]) -> Server:
        """Return the server of a problem, unless it failed or is behind the others."""
        fewest = min(failed.count(each) for each in self.each)
        left = [each for each in self.each if failed.count(each) == fewest]
        own = self.each[order % len(self.each)]
        idlest = min(left, key=lambda each: each.running)
        if own in left and own.running <= 2 * idlest.running + 8:
            return own
        return idlest

    def _wait(self, attempt: int, error: Unanswered) -> float:
        if error.wait is not None:  # never earlier than asked, and not all at once
            return error.wait * self._jitter.uniform(1.0, 1.25)
        longest = min(self._patience.first_wait * 2.0**attempt, self._patience.longest_wait)
        return longest * self._jitter.uniform(0.5, 1.0)

    async def _ask(
        self, server: Server, method: str, path: str, body: Mapping[str, Any] | None
    ) -> dict[str, Any]:
        """Return what a server answers, as JSON. Raises Refused, Unanswered."""
        import httpx

        try:
            answer = await self._client.request(method, server.url + path, json=body)
            if answer.status_code == httpx.codes.OK:
                return dict(answer.json())
        except (httpx.ConnectError, httpx.ConnectTimeout) as error:
            raise Unanswered(say(error), gone=True) from error
        except httpx.ReadTimeout as error:
            server.is_silent = True
            raise Unanswered(say(error), silent=True) from error
        except httpx.RequestError as error:  # other timeouts, connections that break, odd bytes
            raise Unanswered(say(error)) from error
        except (ValueError, TypeError) as error:
            raise Unanswered(f"an answer that is no JSON object ({error})") from error
        said = f"{answer.status_code} {answer.reason_phrase}: {_shorten(answer.text)}"
        if answer.status_code in TRANSIENT:
            raise Unanswered(said, self._read_wait(answer))
        raise Refused(said)

    def _read_wait(self, answer: httpx.Response) -> float | None:
        try:
            wait = float(answer.headers.get("Retry-After", ""))
        except ValueError:
            return None  # absent, or a date
        return min(max(wait, 0.0), 4 * self._patience.longest_wait)


def say(error: BaseException) -> str:
    """Return an error's kind and the beginning of what it says, on one line."""
    return f"{type(error).__name__}: {_shorten(str(error))}" if str(error) else type(error).__name__


def _shorten(text: str) -> str:
    words = " ".join(text.split())
    return words if len(words) <= _SAID else f"{words[:_SAID]}..."
