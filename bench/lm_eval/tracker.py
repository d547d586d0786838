"""Result and sample files of `rstar-bench lm-eval`, in lm-eval's own layout.

Two things are added to what lm-eval writes. The model's folder, which lm-eval names at random where
`model_args` has no `pretrained`, is named after policy and search. And what a search says of itself
leaves the logged arguments for a key of its own, `rstar`, beside lm-eval's: every key of lm-eval's
then holds what it holds for any other model.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import lm_eval.loggers
from lm_eval.loggers import EvaluationTracker
from lm_eval.utils import sanitize_model_name

from bench.lm_eval.arguments import read_arguments


class Tracker(EvaluationTracker):  # type: ignore[misc]
    """lm-eval's tracker, with the key `rstar` in the samples of a search."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        """Take what lm-eval's takes."""
        super().__init__(*arguments, **options)
        log_arguments = self.general_config_tracker.log_experiment_args

        def log_experiment_args(**given: Any) -> None:
            log_arguments(**given)
            if given["model_source"] == "rstar":
                name = _name(given["model_args"] or {})
                self.general_config_tracker.model_name = name
                self.general_config_tracker.model_name_sanitized = sanitize_model_name(name)

        self.general_config_tracker.log_experiment_args = log_experiment_args

    def save_results_samples(self, task_name: str, samples: list[dict[str, Any]]) -> None:
        """Write the samples of a task."""
        super().save_results_samples(task_name, [lift_searches(sample) for sample in samples])


def install() -> None:
    """Let lm-eval's command line, which looks the name up when it runs, use ours."""
    lm_eval.loggers.EvaluationTracker = Tracker


def lift_searches(sample: Mapping[str, Any]) -> dict[str, Any]:
    """Return a sample with its searches, one for each of `repeats`, under `rstar`."""
    arguments = [list(each) for each in sample["arguments"]]
    searches: list[Any] = []
    for each in arguments:
        if len(each) == 3 and isinstance(each[2], dict) and "rstar" in each[2]:
            searches += each.pop()["rstar"]
    lifted = {**sample, "arguments": [tuple(each) for each in arguments]}
    return {**lifted, "rstar": searches} if searches else lifted


def _name(given: Mapping[str, Any]) -> str:
    arguments = read_arguments(given)
    return f"{arguments.spec.policy}-{arguments.spec.search}"
