"""The server from its start to its end: engine, PPM and sandbox once, then requests.

The port is taken before anything is loaded, and listened to when all is ready. Ctrl-C and SIGTERM
end it: what is under way is told so (503), and everything is closed; a second one does not wait.
Where the engine dies the server ends, with the reason, so that whoever watches it starts it anew.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import logging
import os
import socket
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import uvicorn
from starlette.applications import Starlette

from bench.console import ending_by
from bench.engines.base import Policy
from bench.errors import BenchError
from bench.evaluation.harness import Harness, Parts
from bench.evaluation.memory import demand_of
from bench.evaluation.room import require_cache
from bench.evaluation.spec import RunSpec
from bench.prompts import template
from bench.sandbox import Level
from bench.serving.app import Service, make_app
from bench.serving.catalogue import Catalogue
from bench.serving.reading import Asked
from bench.serving.searches import Engines, Searches
from bench.serving.settings import ServerSettings, is_loopback
from bench.serving.trees import Trees

log = logging.getLogger(__name__)

KEY = "RSTAR_BENCH_SERVE_KEY"
"""Environment variable with the key; `--key-file` goes before it."""
_LAST_SECONDS = 10
"""For replies under way at the end; then their connections are closed."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a server is found, and by whom."""

    settings: ServerSettings
    key: str | None = None
    trees: Path | None = None
    """Folder of the trees; None: they are kept in memory."""


def read_key(file: Path | None) -> str | None:
    """Return the key of a file, else of the environment. Raises BenchError: there is none in it."""
    if file is None:
        key, where = os.environ.get(KEY), KEY
    else:
        where = str(file)
        try:
            key = file.read_text(encoding="utf-8", errors="replace")
        except OSError as error:
            raise BenchError(f"--key-file {file}: {error.strerror}") from error
    if key is None:
        return None
    key = key.strip()
    if not key or not key.isascii() or not key.isprintable() or " " in key:
        raise BenchError(
            f"{where} holds no key: one word of visible ASCII characters is expected, e.g. what "
            "`openssl rand -hex 32` prints"
        )
    return key


def check_place(place: Place) -> None:
    """Refuse to listen to other machines without a key. Raises BenchError."""
    host = place.settings.host
    if place.key is None and not is_loopback(host):
        raise BenchError(
            f"--host {host} listens to other machines, and whoever reaches the server has it run "
            "searches and the programs that a model writes; give a key (--key-file FILE, or "
            f"{KEY}), or listen at 127.0.0.1 and tunnel to it"
        )


async def serve(
    spec: RunSpec,
    place: Place,
    *,
    level: Level | None = None,
    base_url: str | None = None,
    ppm_url: str | None = None,
    on_ready: Callable[[str], None] = lambda url: None,
) -> None:
    """Serve searches until a signal or a cancel ends it; `on_ready` hears the URL.

    Raises BenchError: a wrong specification or place, models that do not load or fit;
    DeadEngineError: the engine died.
    """
    check_place(place)
    settings = place.settings
    with _take_port(settings) as listening:
        catalogue = Catalogue(spec)
        trees = Trees(settings.trees, place.trees)
        async with Harness(level=level, base_url=base_url, ppm_url=ppm_url) as harness:
            own = catalogue.own
            assert own.policy is not None and own.engine is not None
            require_cache(own)
            parts = await harness.start_parts(
                own.policy,
                own.ppm,
                engine=own.engine,
                precision=spec.precision,
                scoring=own.scorer,
                sampling=spec.sampling,
                demand=demand_of(own, settings.concurrency),
            )
            engine = parts.notes["engine"]
            log.info("%s: %s", engine["name"], engine["determinism"])
            log.info("programs run at the sandbox level %s", parts.notes["sandbox"]["level"])
            engines = Engines(_policies_of(parts), parts.sandbox, parts.scorer)
            searches = Searches(engines, settings)
            service = Service(
                catalogue, searches, trees, settings, place.key, room=parts.pool_blocks
            )
            await _listen(make_app(service), listening, searches, on_ready)


def _policies_of(parts: Parts) -> Callable[[Asked], Policy]:
    """Return what makes the policy of a request: those that came first are served first."""
    numbers = itertools.count()

    def make(asked: Asked) -> Policy:
        resolved = asked.resolved
        assert resolved.policy is not None
        return replace(
            parts.policy,
            template=template(resolved.policy.template),
            settings=resolved.spec.sampling,
            first=next(numbers),
        )

    return make


@contextlib.contextmanager
def _take_port(settings: ServerSettings) -> Iterator[socket.socket]:
    """Bind the server's address, to which nobody listens yet. Raises BenchError."""
    address = (settings.host, settings.port)
    try:
        family, kind, protocol, _, found = socket.getaddrinfo(
            *address, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        taken = socket.socket(family, kind, protocol)
    except OSError as error:
        raise BenchError(f"--host {settings.host}: {error.strerror}") from error
    with taken:
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            taken.bind(found)
        except OSError as error:
            raise BenchError(
                f"cannot listen at {settings.host}, port {settings.port}: {error.strerror}; "
                "choose another --port, or 0 for any that is free"
            ) from error
        yield taken


class _Server(uvicorn.Server):
    """uvicorn, which leaves signals to `bench.console`."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Capture none."""
        yield


async def _listen(
    app: Starlette,
    listening: socket.socket,
    searches: Searches,
    on_ready: Callable[[str], None],
) -> None:
    """Answer requests until told to end, by a signal or a cancel, or until the engine dies.

    Raises DeadEngineError.
    """
    logging.getLogger("uvicorn.error").setLevel(logging.WARNING)
    config = uvicorn.Config(
        app,
        http="h11",
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=_LAST_SECONDS,
    )
    server = _Server(config)
    running = asyncio.create_task(server.serve(sockets=[listening]))
    told = asyncio.Event()
    loop = asyncio.get_running_loop()
    with ending_by(lambda: loop.call_soon_threadsafe(told.set)):
        waiting = asyncio.create_task(told.wait())
        ends: set[asyncio.Future[Any]] = {running, searches.dead, waiting}
        try:
            while not server.started and not running.done():
                await asyncio.sleep(0.01)
            if server.started:
                on_ready(_url_of(listening))
            await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
        except asyncio.CancelledError:
            told.set()
    if told.is_set():
        log.info("ending: no more requests are taken")
    waiting.cancel()
    searches.stop()
    server.should_exit = True
    await running
    if searches.dead.done():
        raise searches.dead.result()


def _url_of(listening: socket.socket) -> str:
    host, port = listening.getsockname()[:2]
    shown = f"[{host}]" if ":" in host else host
    return f"http://{shown}:{port}/v1"
