"""One computation for all who ask for the same thing at the same time."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

T = TypeVar("T")


class Shared(Generic[T]):
    """Computations under way, by key. The first to ask computes, the others wait for it.

    When the first gives up or fails, the next computes for itself: nobody gets another's exception.
    """

    def __init__(self) -> None:
        """Nothing is under way."""
        self._pending: dict[bytes, asyncio.Future[tuple[T] | None]] = {}

    async def once(self, key: bytes, make: Callable[[], Awaitable[T]]) -> T:
        """Return what `make` returns, or what it returned to somebody who asked before."""
        while (pending := self._pending.get(key)) is not None:
            if (found := await asyncio.shield(pending)) is not None:
                return found[0]
        future = asyncio.get_running_loop().create_future()
        self._pending[key] = future
        result = None
        try:
            result = (await make(),)
        finally:
            del self._pending[key]
            future.set_result(result)
        return result[0]
