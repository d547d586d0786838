"""What experiment trackers are told of a run: its settings, and a few numbers of each selector."""

from __future__ import annotations

import importlib
import json
from typing import Any

from bench.errors import BenchError
from bench.exports.sources import Source


def open_package(name: str) -> Any:
    """Return a tracker's package. Raises BenchError: it is not installed."""
    try:
        return importlib.import_module(name)
    except ImportError as error:
        raise BenchError(
            f"--to {name} needs the package {name!r}, which is not installed; install it with: "
            f"pip install {name}"
        ) from error


def measure(source: Source) -> dict[str, float]:
    """Return the numbers of a run, by selector and name; what could not be judged is counted."""
    found: dict[str, float] = {}
    for row in source.rows:
        if row.accuracy is not None:
            found[f"{row.method}/accuracy"] = row.accuracy.estimate
            found[f"{row.method}/accuracy_low"] = row.accuracy.low
            found[f"{row.method}/accuracy_high"] = row.accuracy.high
        found[f"{row.method}/answers"] = row.n
        found[f"{row.method}/failures"] = row.counts.failures
        found[f"{row.method}/policy_tokens"] = row.policy_tokens
        found[f"{row.method}/ppm_tokens"] = row.ppm_tokens
    return found


def list_settings(source: Source) -> dict[str, str]:
    """Return the configuration as texts, nested entries as JSON, and its digest."""
    texts = {
        name: value if isinstance(value, str) else json.dumps(value, sort_keys=True)
        for name, value in source.config.items()
    }
    return {**texts, "config_digest": source.digest}
