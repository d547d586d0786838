"""Starts zygotes at one level, the strongest that this machine really gives.

Found by trying: from the strongest level down, a zygote is started with the layers of a level and
attacked; the first that starts and holds decides. Nothing below `FLOOR` is tried unless the user
named it: then that level is used, no more and no less.
"""

from __future__ import annotations

import math
import os
import random
import shutil
import tempfile
from dataclasses import dataclass

from bench.errors import SandboxError
from bench.sandbox.canaries import CanaryResult, find_escaped, run_canaries
from bench.sandbox.exposed import find_exposed
from bench.sandbox.family import SandboxFamily
from bench.sandbox.groups import NO_GROUP, MemoryGroup
from bench.sandbox.inside.settings import Settings
from bench.sandbox.launch import StartError
from bench.sandbox.levels import FLOOR, LAYERS, VARIABLE, Level

_FIRST_UID, _UIDS = 61184, 4096
"""The range that systemd sets aside for users that exist only while something runs."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What one program may use, in bytes and seconds, and how many live at once."""

    memory: int
    output: int
    timeout: float
    processes: int
    group: MemoryGroup = NO_GROUP
    """What caps the memory of all of them."""


@dataclass(frozen=True, slots=True)
class Enclosure:
    """A level that was tried and held."""

    level: Level
    bounds: Limits
    findings: tuple[CanaryResult, ...]
    landlock: int
    """The kernel's version of it; 0 where it is not in use."""

    async def another(self, preload: str) -> SandboxFamily:
        """Start one more zygote at this level, warmed by another program."""
        try:
            return await start(self.level, preload, self.bounds)
        except StartError as e:
            raise SandboxError(f"the sandbox's interpreter did not start: {e}") from e


async def enclose(
    wanted: Level | None, preload: str, bounds: Limits
) -> tuple[Enclosure, SandboxFamily]:
    """Find the level, and start the first zygote at it.

    Raises SandboxError when the wanted level, or without one any level from `FLOOR` up, is not to
    be had; it says why.
    """
    order = list(Level)
    candidates = [wanted] if wanted is not None else order[: order.index(FLOOR) + 1]
    reasons = []
    for level in candidates:
        try:
            family = await start(level, preload, bounds)
        except StartError as e:
            reasons.append(f"{level}: {e}")
            continue
        try:
            findings = await run_canaries(family)
        except BaseException:
            await family.stop()
            raise
        if not (failed := find_escaped(findings, level)):
            return Enclosure(level, bounds, findings, family.landlock), family
        await family.stop()
        reasons.append(f"{level}: a program could {', '.join(failed)}")
    raise SandboxError(_refusal(wanted, reasons))


async def start(level: Level, preload: str, bounds: Limits) -> SandboxFamily:
    """Start a keeper and a zygote with the layers of a level. Raises StartError."""
    layers = LAYERS[level]
    directory = tempfile.mkdtemp(prefix="rstar-sandbox-")  # the keeper removes it
    os.chmod(directory, 0o755)  # the programs' user may enter, not write
    try:
        return await SandboxFamily.start(
            Settings(
                supervisor=os.getpid(),
                user=_FIRST_UID + random.SystemRandom().randrange(_UIDS),
                directory=directory,
                namespaces=layers.namespaces,
                landlock=layers.landlock,
                seccomp=layers.seccomp,
                exposed=find_exposed(),
                preload=preload,
                memory=bounds.memory,
                output=bounds.output,
                processes=bounds.processes,
                group=bounds.group.make(),
            ),
            cpu=60 + math.ceil(8 * bounds.timeout),
        )
    except BaseException:
        shutil.rmtree(directory, ignore_errors=True)
        bounds.group.remove()
        raise


def _refusal(wanted: Level | None, reasons: list[str]) -> str:
    told = "; ".join(reasons)
    if wanted is not None:
        return f"the sandbox level {wanted} is not to be had here. {told}"
    weaker = " or ".join(level for level in Level if list(Level).index(level) > 1)
    return (
        f"this machine does not isolate programs well enough. {told}. `rstar-bench doctor` shows "
        "what can be done. To run model-written code all the same, able to read whatever you can "
        f"read, name a lower level: --sandbox {weaker}, or {VARIABLE} in the environment"
    )
