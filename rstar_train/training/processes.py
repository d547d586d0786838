"""What a training must know of the processes it is spread over; one, unless launched otherwise.

`accelerate launch` starts one process a device (`rstar_train/launch/`). Batch sizes in recipes are
of all processes together.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

from bench.errors import BenchError


def count_processes() -> int:
    """Return how many processes train together."""
    return int(os.environ.get("WORLD_SIZE", "1"))


@contextmanager
def first_process_first() -> Iterator[None]:
    """Let the first process through alone, then the others: for what is done to files."""
    if count_processes() == 1:
        yield
        return
    from accelerate import PartialState

    with PartialState().main_process_first():
        yield


def is_first() -> bool:
    """Whether this is the process that writes."""
    return int(os.environ.get("RANK", "0")) == 0


def split_batch(batch_size: int, most: int) -> tuple[int, int]:
    """Return rows a pass and passes a step of one process, for a batch of all processes together.

    At most `most` rows a pass. Raises BenchError: the batch does not divide.
    """
    ours, left = divmod(batch_size, count_processes())
    if left or not ours:
        raise BenchError(
            f"a batch of {batch_size} rows cannot be shared by {count_processes()} processes; "
            "choose a multiple for sft.batch_size"
        )
    rows = max(size for size in range(1, min(ours, max(1, most)) + 1) if ours % size == 0)
    return rows, ours // rows
