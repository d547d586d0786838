"""trackio: a run for each run, its settings and its numbers (`pip install trackio`)."""

from __future__ import annotations

from collections.abc import Sequence

from bench.exports.sources import Source
from bench.exports.tracking import list_settings, measure, open_package


def track(sources: Sequence[Source], project: str) -> None:
    """Log the runs to a project. Raises BenchError: trackio is not installed."""
    trackio = open_package("trackio")
    for source in sources:
        trackio.init(project=project, name=source.name, config=list_settings(source))
        trackio.log(measure(source))
        trackio.finish()
