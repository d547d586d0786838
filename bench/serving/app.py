"""The routes: OpenAI's, the pages of trees, and whether the server is well.

    POST /v1/chat/completions, POST /v1/completions
    GET /v1/models, GET /v1/models/NAME
    GET /trees/ID
    GET /health

Those below /v1 ask for the key, where there is one; a tree's id is a key by itself. A body must be
sent as JSON, and without a key the host must be this machine's own name: so no page of another site
that a browser shows can have the server search, or read what it says.
"""

from __future__ import annotations

import asyncio
import hmac
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from bench.serving.catalogue import Catalogue, describe_model
from bench.serving.errors import RequestError
from bench.serving.reading import Asked, read_json, read_request
from bench.serving.replies import Reply, make_reply, tell_failure
from bench.serving.searches import Found, Progress, Searches
from bench.serving.settings import ServerSettings, is_loopback
from bench.serving.trees import Trees, draw_search, pack_search

KEEP_ALIVE = 10.0
"""Seconds between two comments of a stream that has nothing to say yet."""
_PAGE_HEADERS = {
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}
_GONE = 499
"""The status of a request whose client has gone; nobody reads it."""

Handler = Callable[[Request], Awaitable[Response]]


@dataclass(frozen=True, slots=True)
class Service:
    """What answers requests."""

    catalogue: Catalogue
    searches: Searches
    trees: Trees
    settings: ServerSettings
    key: str | None = None
    """What a client must know; None: nothing."""
    room: int | None = None
    """Blocks of the engine's cache, where it was told."""


def make_app(service: Service) -> Starlette:
    """Return the application."""
    routes = [
        Route(
            "/v1/chat/completions",
            _guard(service, _complete(service, is_chat=True)),
            methods=["POST"],
        ),
        Route(
            "/v1/completions", _guard(service, _complete(service, is_chat=False)), methods=["POST"]
        ),
        Route("/v1/models", _guard(service, _list_models(service))),
        Route("/v1/models/{name:path}", _guard(service, _show_model(service))),
        Route("/trees/{name}", _require_own_name(service, _show_tree(service))),
        Route("/health", _require_own_name(service, _tell_health(service))),
    ]
    return Starlette(
        routes=routes,
        exception_handlers={
            RequestError: _tell_request_error,
            HTTPException: _tell_http_error,
            ClientDisconnect: _tell_nobody,
            Exception: _tell_fault,
        },
    )


def _require_own_name(service: Service, handle: Handler) -> Handler:
    """Return a handler that answers, without a key, under this machine's own names alone."""

    async def named(request: Request) -> Response:
        if service.key is None and not is_loopback(_host_of(request)):
            raise RequestError(
                "the request names another host than this machine; ask for 127.0.0.1 or localhost, "
                "or start the server with a key",
                status=403,
            )
        return await handle(request)

    return named


def _host_of(request: Request) -> str:
    """Return the host that a request names. Starlette puts its own in place of an odd one."""
    named = request.headers.get("host", "")
    if named.startswith("["):
        return named[1:].partition("]")[0]
    return named.partition(":")[0]


def _guard(service: Service, handle: Handler) -> Handler:
    """Return a handler that asks for the key first, where there is one."""
    handle = _require_own_name(service, handle)

    async def guarded(request: Request) -> Response:
        if service.key is not None:
            given = request.headers.get("authorization", "")
            if not hmac.compare_digest(given.encode(), f"Bearer {service.key}".encode()):
                raise RequestError(
                    "this server asks for a key; send it as Authorization: Bearer KEY",
                    status=401,
                    code="invalid_api_key",
                    headers={"WWW-Authenticate": "Bearer"},
                )
        return await handle(request)

    return guarded


def _complete(service: Service, *, is_chat: bool) -> Handler:
    async def complete(request: Request) -> Response:
        body = read_json(await _read_body(request, service.settings.max_body))
        asked = read_request(body, service.catalogue, service.settings, is_chat=is_chat)
        service.catalogue.require_room(asked.resolved, service.room)
        progress = Progress()
        # Admitted or refused before anything is said: a stream has one status, at its beginning.
        task = service.searches.start(asked, progress)
        base = str(request.base_url)
        if asked.stream:
            events = _stream(service, asked, task, progress, base)
            return _Stream(events, task)
        try:
            found = await _unless_gone(request, service.searches, task)
        finally:
            task.cancel()  # does nothing where it has ended
        if found is None:
            return Response(status_code=_GONE)
        reply = await _store(service, asked, found, base)
        return _tell(reply.to_json())

    return complete


def _tell(data: object, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """Return a reply of JSON, in ASCII: a text may hold what UTF-8 cannot."""
    return Response(json.dumps(data), status, headers, media_type="application/json")


class _Stream(StreamingResponse):
    """A stream of events; however it ends, its search ends with it."""

    def __init__(self, events: AsyncIterator[str], task: asyncio.Task[Found]) -> None:
        headers = {"Cache-Control": "no-cache", "X-Accel-Buffering": "no"}
        super().__init__(events, headers=headers, media_type="text/event-stream")
        self._task = task

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await super().__call__(scope, receive, send)
        finally:
            self._task.cancel()


async def _stream(
    service: Service, asked: Asked, task: asyncio.Task[Found], progress: Progress, base: str
) -> AsyncIterator[str]:
    """Yield the events of a reply, and comments until there is one."""
    yield f": {progress}\n\n"
    while not (await asyncio.wait({task}, timeout=KEEP_ALIVE))[0]:
        yield f": {progress}\n\n"
    try:
        found = await service.searches.wait(task)
        reply = await _store(service, asked, found, base)
    except RequestError as error:
        for event in tell_failure(error):
            yield event
        return
    for event in reply.to_events():
        yield event


async def _unless_gone(
    request: Request, searches: Searches, task: asyncio.Task[Found]
) -> Found | None:
    """Return what a search found; None where the client hangs up before that.

    Raises RequestError: why it found nothing.
    """
    gone = asyncio.create_task(_wait_until_gone(request))
    try:
        await asyncio.wait({task, gone}, return_when=asyncio.FIRST_COMPLETED)
        return await searches.wait(task) if task.done() else None
    finally:
        gone.cancel()


async def _wait_until_gone(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass


async def _store(service: Service, asked: Asked, found: Found, base: str) -> Reply:
    """Keep a search's tree, and return the reply that names it."""
    name = service.trees.name(asked.decides)
    stored = await asyncio.to_thread(pack_search, asked, found)
    if not service.trees.put(name, stored):
        return make_reply(asked, found, name, None, None)
    return make_reply(asked, found, name, name, f"{base}trees/{name}")


async def _read_body(request: Request, most: int) -> bytes:
    """Return the body of a request. Raises RequestError: it is too long, or not said to be JSON."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/json":
        raise RequestError(
            f"the content type is {kind or 'missing'}; send Content-Type: application/json",
            status=415,
        )
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > most:
            raise RequestError(f"the body is longer than {most} bytes", status=413)
    return body


def _list_models(service: Service) -> Handler:
    models = service.catalogue.list_models()

    async def list_models(request: Request) -> Response:
        return _tell({"object": "list", "data": models})

    return list_models


def _show_model(service: Service) -> Handler:
    async def show_model(request: Request) -> Response:
        name = request.path_params["name"]
        search, _ = service.catalogue.read_model(name)
        return _tell(describe_model(name, search or service.catalogue.spec.search))

    return show_model


def _show_tree(service: Service) -> Handler:
    async def show_tree(request: Request) -> Response:
        stored = service.trees.get(request.path_params["name"])
        if stored is None:
            raise RequestError(
                "there is no such tree; the oldest are dropped", status=404, code="tree_not_found"
            )
        page = await asyncio.to_thread(draw_search, stored)
        return Response(page, media_type="text/html", headers=_PAGE_HEADERS)

    return show_tree


def _tell_health(service: Service) -> Handler:
    async def tell_health(request: Request) -> Response:
        searches = service.searches
        well = not searches.stopping and not searches.dead.done()
        told = {
            "status": "ok" if well else "ending",
            "searching": searches.gate.running,
            "waiting": searches.gate.waiting,
        }
        return _tell(told, 200 if well else 503)

    return tell_health


async def _tell_request_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestError)
    return _tell(error.to_json(), error.status, error.headers)


async def _tell_http_error(request: Request, error: Exception) -> Response:
    """Say in OpenAI's words what is wrong with the route."""
    assert isinstance(error, HTTPException)
    told = RequestError(f"{request.method} {request.url.path}: {error.detail}").to_json()
    return _tell(told, error.status_code, error.headers)


async def _tell_nobody(request: Request, error: Exception) -> Response:
    return Response(status_code=_GONE)


async def _tell_fault(request: Request, error: Exception) -> Response:
    """Say that the harness itself failed; the server writes the trace to its log."""
    told = RequestError("an error of the server itself; its log says more", kind="server_error")
    return _tell(told.to_json(), 500)
