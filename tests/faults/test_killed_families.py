"""A zygote or a keeper that is killed from outside costs a start, and no program its result."""

from __future__ import annotations

import asyncio
import os
import signal

import pytest

from bench.sandbox import Execution, Sandbox, SandboxConfig, Status

PROGRAMS = 6


async def run_some(sandbox: Sandbox) -> list[Execution]:
    return await asyncio.gather(*(sandbox.run(f"print({n} + 1)") for n in range(PROGRAMS)))


def check(found: list[Execution]) -> None:
    assert [(each.status, each.stdout) for each in found] == [
        (Status.OK, f"{n + 1}\n") for n in range(PROGRAMS)
    ]


@pytest.mark.parametrize("who", ["zygote", "keeper"])
async def test_whoever_is_killed_before_an_order_or_within_is_replaced(who: str) -> None:
    async with Sandbox(SandboxConfig(workers=3, cache=0)) as sandbox:
        for wait in (None, 0.0, 0.002):
            check(await run_some(sandbox))  # so that there is a family again
            (family,) = sandbox.families
            pid = family.keeper if who == "keeper" else family.pids[0]
            running = asyncio.ensure_future(run_some(sandbox)) if wait is not None else None
            await asyncio.sleep(wait or 0.0)
            os.kill(pid, signal.SIGKILL)
            check(await (running or run_some(sandbox)))
