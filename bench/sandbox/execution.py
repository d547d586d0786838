"""What one run of a program left behind, which is also the node that the next run continues.

An `Execution` is data: it holds no process, no handle and no interpreter state, so it can be
stored, compared and used as a parent long after the sandbox that made it is gone. It does not know
what a step of a search is; what is printed to the model, and how, is the text format's business.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum


class Status(StrEnum):
    """How a program ended. Only `OK` is a success; none of the others is an exception."""

    OK = "ok"
    ERROR = "error"
    """An exception reached the top, `SystemExit` and `KeyboardInterrupt` included."""
    TIMEOUT = "timeout"
    MEMORY = "memory"
    OUTPUT_LIMIT = "output_limit"
    """It printed more than is allowed; `stdout` holds what fitted."""
    CRASHED = "crashed"
    """The interpreter died, or what it said cannot be read."""
    REFUSED = "refused"
    """Not started: the parent failed, or the program is too large or is not text."""


@dataclass(frozen=True, slots=True)
class Execution:
    """One program, run after the programs of its ancestors; a node of the tree of programs."""

    status: Status
    stdout: str
    """What this program printed; the ancestors' output is not repeated."""
    error: str
    """One line, `ZeroDivisionError: division by zero`; empty when `ok`."""
    seconds: float
    """This program alone. Measured by the program's own process, so never to be scored on."""
    code: str
    parent: Execution | None = field(default=None, repr=False)

    @property
    def ok(self) -> bool:
        """Whether the program ran to its end, so that another may continue it."""
        return self.status is Status.OK

    @property
    def lineage(self) -> tuple[Execution, ...]:
        """The executions from the root to this one."""
        nodes: list[Execution] = []
        node: Execution | None = self
        while node is not None:
            nodes.append(node)
            node = node.parent
        return tuple(reversed(nodes))

    @property
    def chain(self) -> tuple[str, ...]:
        """The programs from the root to this one, in the order in which they ran."""
        return tuple(node.code for node in self.lineage)
