"""What transformers says of a load, which it keeps from the handlers that pytest listens with."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager


class _Ear(logging.Handler):
    def __init__(self) -> None:
        super().__init__()
        self.said: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.said.append(record.getMessage())


@contextmanager
def hearing_transformers() -> Iterator[list[str]]:
    """Collect its warnings, whatever the verbosity that another test has left."""
    logger, ear = logging.getLogger("transformers.modeling_utils"), _Ear()
    level = logger.level
    logger.addHandler(ear)
    logger.setLevel(logging.WARNING)
    try:
        yield ear.said
    finally:
        logger.setLevel(level)
        logger.removeHandler(ear)
