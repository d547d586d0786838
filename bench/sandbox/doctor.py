"""Which levels of isolation this machine offers, by trying each, and what would raise it.

Zygotes are started cold here, as canaries need no sympy. What is told is what was seen; advice is
for the reasons that are known, by the words in which the kernel gives them.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace

from bench.sandbox.canaries import CanaryResult, find_escaped, run_canaries
from bench.sandbox.enclosure import Limits, start
from bench.sandbox.groups import plan_group
from bench.sandbox.launch import StartError
from bench.sandbox.levels import FLOOR, VARIABLE, Level

_BOUNDS = Limits(memory=1 << 30, output=1 << 16, timeout=5.0, processes=64)
_CAP = 8 << 30


@dataclass(frozen=True, slots=True)
class Examined:
    """One level, tried."""

    level: Level
    fault: str
    """Why it is not to be had; empty when it is."""
    findings: tuple[CanaryResult, ...]
    landlock: int = 0
    uid: int = -1
    """The user that programs are there."""
    uncapped: str = ""
    """Why nothing caps the memory of all programs together; empty where a control group does."""

    @property
    def offered(self) -> bool:
        """Whether a sandbox can run at it."""
        return not self.fault


async def examine() -> list[Examined]:
    """Try every level, the strongest first."""
    return [await _examine(level) for level in Level]


async def _examine(level: Level) -> Examined:
    group = plan_group(_CAP)
    try:
        family = await start(level, "", replace(_BOUNDS, group=group))
    except StartError as e:
        return Examined(level, str(e), ())
    try:
        findings = await run_canaries(family)
        failed = find_escaped(findings, level)
        fault = f"a program could {', '.join(failed)}" if failed else ""
        uncapped = "" if group.is_joined() else group.reason or "no process can be moved into one"
        return Examined(level, fault, findings, family.landlock, family.uid, uncapped)
    finally:
        await family.stop()


def strongest(examined: list[Examined]) -> Examined | None:
    """Return what a sandbox would use if no level is named; `None` when it would refuse."""
    order = list(Level)
    for each in examined:
        if each.offered and order.index(each.level) <= order.index(FLOOR):
            return each
    return None


def advice(examined: list[Examined]) -> Iterator[str]:
    """Say how to get the levels that are not to be had."""
    faults = {each.level: each.fault for each in examined if each.fault}
    if sys.platform != "linux":
        yield "Only Linux isolates programs. Run in a Linux virtual machine or container."
    elif Level.FULL in faults:
        yield (
            "Level full needs namespaces. In a container: docker run --security-opt "
            "seccomp=unconfined --security-opt apparmor=unconfined, with --cap-add SYS_ADMIN for "
            "root; or a profile that allows unshare, mount and pivot_root."
        )
        yield (
            "On a host, as a user: sysctl kernel.apparmor_restrict_unprivileged_userns=0 (Ubuntu), "
            "kernel.unprivileged_userns_clone=1 (Debian), user.max_user_namespaces above 0; "
            "Linux 5.12 or newer."
        )
    if any("landlock" in fault for fault in faults.values()):
        yield "Landlock: Linux 5.13 or newer, started with `landlock` among its lsm= modules."
    if any("seccomp" in fault for fault in faults.values()):
        yield "seccomp: a container that allows the system call, on x86-64 or aarch64."
    enclosed = [each for each in examined if each.offered and each.level is not Level.PROCESS]
    if as_root := [each.level for each in enclosed if each.uid == 0]:
        yield (
            f"At {' and '.join(as_root)}, programs run as root, though without its capabilities, "
            "since another user could not read this Python: install it outside of root's folder."
        )
    if strongest(examined) is None:
        yield (
            "Until then, programs run only at a level that you name: --sandbox LEVEL, or "
            f"{VARIABLE}=LEVEL. Do so on a machine that holds nothing but the experiment."
        )
