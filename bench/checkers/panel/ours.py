"""This project's own checker as a member of the panel."""

from __future__ import annotations

import bench
from bench.answers import workers
from bench.answers.checking import check
from bench.answers.conventions import DEFAULT, Conventions
from bench.types import Verdict


class Ours:
    """`bench.answers.check`, under the conventions given."""

    name = "rstar-bench"
    version = f"rstar-bench {bench.__version__}"
    about = "ordered comparers over normal forms; the verdict names the one that decided"

    def __init__(self, conventions: Conventions = DEFAULT) -> None:
        """Start nothing yet."""
        self.conventions = conventions

    def check(self, gold: str, prediction: str | None) -> Verdict:
        """Judge one prediction."""
        return check(gold, prediction, self.conventions)

    def warm(self) -> None:
        """Start the shared workers, which few questions need."""
        workers.result_of(workers.submit("1", "1", self.conventions))

    def close(self) -> None:
        """End the shared workers; the next question starts new ones."""
        workers.close_checkers()
