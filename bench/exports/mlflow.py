"""MLflow: a run for each run, its settings and its numbers (`pip install mlflow`)."""

from __future__ import annotations

from collections.abc import Sequence

from bench.exports.sources import Source
from bench.exports.tracking import list_settings, measure, open_package


def track(sources: Sequence[Source], experiment: str) -> None:
    """Log the runs to an experiment. Raises BenchError: mlflow is not installed."""
    mlflow = open_package("mlflow")
    mlflow.set_experiment(experiment)
    for source in sources:
        with mlflow.start_run(run_name=source.name):
            mlflow.log_params(list_settings(source))
            mlflow.log_metrics(measure(source))
