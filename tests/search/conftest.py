"""One sandbox for every search test: starting it costs a second, an execution milliseconds."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest_asyncio

from bench.sandbox import Sandbox, SandboxConfig


@pytest_asyncio.fixture(scope="package", loop_scope="package")
async def sandbox() -> AsyncIterator[Sandbox]:
    async with Sandbox(SandboxConfig(workers=1)) as started:
        yield started
