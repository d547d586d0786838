"""The formats by name: those that are files, and the trackers that are told of a run."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from bench.exports import eee, hub, inspect_log, lm_eval, mlflow, parquet, trackio, wandb
from bench.exports.bundle import Bundle
from bench.exports.sources import Source
from bench.plugins import Registry

FORMATS: Registry[Callable[[Sequence[Source]], Bundle]] = Registry(
    "exporters",
    None,
    {
        "eee": eee.encode,
        "inspect": inspect_log.encode,
        "lm-eval": lm_eval.encode,
        "hf": hub.encode,
        "parquet": parquet.encode,
    },
)
TRACKERS: Mapping[str, Callable[[Sequence[Source], str], None]] = {
    "wandb": wandb.track,
    "mlflow": mlflow.track,
    "trackio": trackio.track,
}
"""Each takes the name of a project in place of a folder."""
