"""A server of OpenAI's completions, or of vLLM's pooling, that misbehaves as it is told.

It counts what it answered, whole or cut.
A text says which prompt and seed it is of, so that an answer that went to another request is seen.
"""

from __future__ import annotations

import json
import random
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

FAULTS = ("429", "500", "503", "cut", "hang up", "no json", "half an object", "slow")
"""What it does to a request in place of an answer; `slow` answers, late. `hang` never does."""


@dataclass
class Behaviour:
    """What a server does, and what it has seen."""

    models: tuple[str, ...] = ("m",)
    share: float = 0.0
    """Of the requests, those that get one of `FAULTS`."""
    faults: tuple[str, ...] = FAULTS
    refuse: str = ""
    """Prompts with this text, and inputs that begin with it, are refused with status 400."""
    pool: Callable[[list[int]], list[list[float]]] | None = None
    """What makes numbers of tokens, where it pools."""
    write: Callable[[str, int], str] | None = None
    """What goes on from a prompt by a seed; none: a text that names both."""
    stop_key: str | None = "stop_reason"
    """Where it says which stop string ended a text, which it leaves out; None: it keeps it."""
    deaf: bool = False
    """Whether nothing at all is answered any more."""
    silent: bool = False
    """Whether it says nothing of the stop string that it leaves out."""
    seed: int = 0
    answered: Counter[str] = field(default_factory=Counter)
    """Whole answers by text."""
    faulted: Counter[str] = field(default_factory=Counter)
    headers: list[Mapping[str, str]] = field(default_factory=list)
    asked: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    """Paths and bodies of all requests."""
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def __post_init__(self) -> None:
        self._random = random.Random(self.seed)

    def draw(self) -> str | None:
        """Return a fault, or None."""
        with self._lock:
            fault = None
            if self._random.random() < self.share:
                fault = self._random.choice(self.faults)
                self.faulted[fault] += 1
            return fault

    def answer(self, asked: Mapping[str, Any], *, cut: bool = False) -> dict[str, Any]:
        """Return an answer to a request; one that will be `cut` counts as none."""
        if self.pool is None:
            return self.complete({**asked, "prompt": "cut"} if cut else asked)
        with self._lock:
            self.answered["cut" if cut else str(asked["input"])] += 1
        return {"data": [{"index": 0, "object": "pooling", "data": self.pool(asked["input"])}]}

    def complete(self, asked: Mapping[str, Any]) -> dict[str, Any]:
        """Return a completion."""
        text = f"{asked['prompt']}|{asked.get('seed')}"
        with self._lock:
            self.answered[text] += 1
        if self.write is not None:
            text = self.write(asked["prompt"], asked.get("seed") or 0)
            return self._say(text, {"finish_reason": "stop"}, asked)
        (stop, *_), choice = [*asked["stop"], None], {"finish_reason": "stop"}
        if stop is None or self.silent:
            pass
        elif self.stop_key is None:
            text += stop
        else:
            choice[self.stop_key] = stop
        return self._say(text, choice, asked)

    def _say(
        self, text: str, choice: Mapping[str, Any], asked: Mapping[str, Any]
    ) -> dict[str, Any]:
        logprobs = {"token_logprobs": [-1.0, -2.0]} if "logprobs" in asked else None
        return {
            "choices": [{**choice, "text": text, "logprobs": logprobs}],
            "usage": {
                "prompt_tokens": 7,
                "completion_tokens": 2,
                "prompt_tokens_details": {"cached_tokens": 4},
            },
        }


@contextmanager
def serve(behaviour: Behaviour) -> Iterator[str]:
    """Serve on a free port of this machine; yield the base URL."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            if behaviour.deaf:
                time.sleep(2.0)
            self._send(200, {"data": [{"id": name} for name in behaviour.models]})

        def do_POST(self) -> None:
            behaviour.headers.append(dict(self.headers))
            asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            behaviour.asked.append((self.path, asked))
            told = str(asked["prompt"] if "prompt" in asked else asked["input"])
            if behaviour.refuse and behaviour.refuse in told:
                self._send(400, {"error": "the prompt is too long\x1b[31m"})
                return
            match "hang" if behaviour.deaf else behaviour.draw():
                case "429":
                    self._send(429, {"error": "busy"}, {"Retry-After": "0.01"})
                case "500" | "503" as status:
                    self._send(int(status), {"error": "down"})
                case "cut":
                    body = json.dumps(behaviour.answer(asked, cut=True)).encode()
                    self._head(200, len(body))
                    self.wfile.write(body[: len(body) // 2])
                    self.close_connection = True
                case "hang up":
                    self.close_connection = True
                    self.connection.close()
                case "hang":
                    time.sleep(2.0)
                    self.close_connection = True
                case "no json":
                    self._head(200, 4)
                    self.wfile.write(b"oops")
                case "half an object":
                    self._send(200, {"choices": [{"text": "lost"}]})
                case fault:
                    if fault == "slow":
                        time.sleep(0.2)
                    self._send(200, behaviour.answer(asked))

        def _send(
            self, status: int, data: Mapping[str, Any], headers: Mapping[str, str] = {}
        ) -> None:
            body = json.dumps(data).encode()
            self._head(status, len(body), headers)
            self.wfile.write(body)

        def _head(self, status: int, length: int, headers: Mapping[str, str] = {}) -> None:
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(length))
            for name, value in headers.items():
                self.send_header(name, value)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    class Server(ThreadingHTTPServer):
        request_queue_size = 512
        daemon_threads = True

        def handle_error(self, *_: object) -> None:
            pass

    with Server(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}/v1"
        finally:
            server.shutdown()
            thread.join()
