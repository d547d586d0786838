"""One computation for all who ask for the same thing at the same time."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, Generic, TypeVar

T = TypeVar("T")


class Shared(Generic[T]):
    """Computations under way, by key. Who gives up leaves the others what they wait for."""

    def __init__(self) -> None:
        """Nothing is under way."""
        self._tasks: dict[bytes, tuple[asyncio.Task[T], list[None]]] = {}

    async def once(self, key: bytes, make: Callable[[], Coroutine[Any, Any, T]]) -> T:
        """Join the computation of this key, or begin it; the last to give up cancels it."""
        if key not in self._tasks:
            self._tasks[key] = asyncio.ensure_future(make()), []
            self._tasks[key][0].add_done_callback(lambda _: self._tasks.pop(key))
        task, waiting = self._tasks[key]
        waiting.append(None)
        try:
            return await asyncio.shield(task)
        finally:
            waiting.pop()
            if not waiting and not task.done():
                task.cancel()
                await asyncio.wait([task])
