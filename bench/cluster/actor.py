"""What runs in an actor: a harness of its own, asked for one problem after the other.

Ray makes an actor of the class, in a process on some node. What is wrong there comes back as a
value: an exception that crosses processes would arrive as another one.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bench.errors import BenchError, DeadEngineError
from bench.evaluation.harness import Harness
from bench.evaluation.runner import Solve, Solved
from bench.evaluation.work import Work
from bench.search import Trace
from bench.types import Problem

PASSED_ON = ("RSTAR_", "OPENAI_BASE_URL", "OMP_NUM_THREADS")
"""Beginnings of the variables that an actor gets from the command."""
_KEY = "_KEY"
"""The end of those that it does not get."""


@dataclass(frozen=True, slots=True)
class Surroundings:
    """Where the command runs, for actors to run as it would."""

    folder: str = field(default_factory=os.getcwd)
    """Names of folders begin there."""
    variables: Mapping[str, str] = field(
        default_factory=lambda: {
            name: value
            for name, value in os.environ.items()
            if name.startswith(PASSED_ON) and not name.endswith(_KEY)
        }
    )


@dataclass(frozen=True, slots=True)
class Ready:
    """A work was started."""

    notes: Mapping[str, Any]
    slots: int


@dataclass(frozen=True, slots=True)
class Refused:
    """What an actor cannot do."""

    message: str
    is_dead: bool = False
    """Whether another actor can: this one's engine is gone."""


class Actor:
    """Solves the problems of one work."""

    def __init__(
        self, work: Work, make_harness: Callable[[], Harness], surroundings: Surroundings
    ) -> None:
        """Start nothing yet."""
        self._work, self._make_harness, self._surroundings = work, make_harness, surroundings
        self._stack = AsyncExitStack()
        self._solve: Solve | None = None

    async def start(self) -> Ready | Refused:
        """Start the work's parts here."""
        os.environ.update(self._surroundings.variables)
        folder = Path(self._surroundings.folder)
        if not folder.is_dir():
            return Refused(
                f"it does not see {folder}, where the command was given; run the command in a "
                "folder that every node has"
            )
        os.chdir(folder)
        try:
            harness = await self._stack.enter_async_context(self._make_harness())
            solver = await self._work.start(harness)
        except BenchError as error:
            return Refused(str(error), isinstance(error, DeadEngineError))
        self._solve = solver.solve
        return Ready(solver.notes, solver.concurrency)

    async def solve(self, problem: Problem, begun: Trace | None) -> Solved | Refused:
        """Solve one problem."""
        assert self._solve is not None, "it was started"
        try:
            return await self._solve(problem, begun=begun)
        except BenchError as error:
            return Refused(str(error), isinstance(error, DeadEngineError))

    async def stop(self) -> None:
        """Stop the parts."""
        await self._stack.aclose()
