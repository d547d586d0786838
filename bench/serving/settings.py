"""The knobs of the server itself; those of the searches are the searches' own."""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import ip_address
from typing import Annotated

from bench.evaluation.runner import Concurrency
from bench.knobs import Amount, Count, Positive, Range

Port = Annotated[int, Range(0, most=65_535)]


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerSettings:
    """Where the server listens, and what a request may cost."""

    host: str = "127.0.0.1"
    """Address to listen at. One that is not of this machine alone needs a key."""
    port: Port = 8000
    """Port to listen at; 0: any that is free."""
    concurrency: Concurrency = 8
    """Searches at the same time; changes no answer."""
    queue: Amount = 64
    """Requests that may wait beside those; further ones are told to come again (429)."""
    max_tokens: Count = 65_536
    """Generated tokens of a request, which may ask for fewer."""
    max_seconds: Positive = 540.0
    """Seconds of a search, its wait not counted; then it answers with what it has. OpenAI's client
    hangs up after 600, by itself."""
    trees: Amount = 256
    """Search trees that are kept; the oldest go first."""
    max_body: Count = 262_144
    """Bytes of a request."""


def is_loopback(host: str) -> bool:
    """Whether a host is this machine, as it calls itself."""
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False
