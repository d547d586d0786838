"""What a training says and writes while it runs: the loss curve, time left, and where to resume.

A training that is killed goes on at its last checkpoint; one is written every `SAVE_SECONDS`. A
checkpoint counts when its last file is there, and the one before is deleted only after that, so a
kill or a full disk while saving loses `SAVE_SECONDS` at most.
"""

from __future__ import annotations

import json
import logging
import shutil
import time
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from bench.console import Pace
from bench.files.atomic import replace
from bench.files.lines import decode, number_lines
from rstar_train.training.processes import first_process_first

if TYPE_CHECKING:
    from transformers import TrainerCallback, TrainerControl, TrainerState

SAVE_SECONDS = 120.0
"""Between two checkpoints: what a kill can cost. Saving an adapter of rank 16 takes a second."""
SAY_SECONDS = 15.0

log = logging.getLogger(__name__)


def find_checkpoint_to_resume(folder: Path, inputs: str) -> Path | None:
    """Return the last whole checkpoint below `folder`; what other inputs left there is deleted.

    `inputs` is a digest of everything the training depends on.
    """
    note = folder / "inputs.txt"
    whole = []
    with first_process_first():
        if not note.is_file() or note.read_text() != inputs:
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir(parents=True)
            note.write_text(inputs)
        for found in folder.glob("checkpoint-*"):
            try:
                json.loads((found / "trainer_state.json").read_text())  # written last
                whole.append(found)
            except (OSError, ValueError):
                shutil.rmtree(found, ignore_errors=True)
    return max(whole, key=lambda found: int(found.name.rpartition("-")[2]), default=None)


def cut_curve(path: Path, after: int) -> None:
    """Keep of a loss curve what came before a checkpoint: what follows is trained again."""
    if after and path.is_file():
        kept = [row for _, row in number_lines(path.read_bytes()) if _step_of(row) <= after]
        replace(path, b"".join(row + b"\n" for row in kept))
    else:
        path.unlink(missing_ok=True)


def _step_of(row: bytes) -> float:
    try:
        return int(decode(row)["step"])
    except (ValueError, TypeError, KeyError, OverflowError):  # cut by the kill, or damaged
        return float("inf")


def make_watcher(path: Path, label: str) -> TrainerCallback:
    """Return a callback that appends the loss curve to `path`, tells time left, and saves."""
    from transformers import TrainerCallback

    class Watcher(TrainerCallback):
        """Looks at the clock after every optimizer step."""

        def __init__(self) -> None:
            self.saving, self.pace = Pace(SAVE_SECONDS), Pace(SAY_SECONDS)
            self.began = time.monotonic()
            self.first = 0
            self.loss = float("nan")

        def on_train_begin(
            self, args: object, state: TrainerState, control: TrainerControl, **_: object
        ) -> None:
            self.saving = Pace(SAVE_SECONDS)
            self.began = time.monotonic()
            self.first = state.global_step

        def on_log(
            self,
            args: object,
            state: TrainerState,
            control: TrainerControl,
            logs: Mapping[str, float] | None = None,
            **_: object,
        ) -> None:
            row = {"step": state.global_step, **(logs or {})}
            self.loss = float(row.get("loss", self.loss))
            if state.is_world_process_zero:
                with path.open("a") as file:
                    file.write(json.dumps(row) + "\n")

        def on_step_end(
            self, args: object, state: TrainerState, control: TrainerControl, **_: object
        ) -> None:
            done, left = state.global_step - self.first, state.max_steps - state.global_step
            if (done > 1 and self.pace.is_due()) or not left:
                minutes = (time.monotonic() - self.began) / max(1, done) * left / 60
                log.info(
                    "%s: step %d of %d, loss %.3f, %.1f minutes left",
                    label,
                    state.global_step,
                    state.max_steps,
                    self.loss,
                    minutes,
                )
            if left and self.saving.is_due():
                control.should_save = True

    return Watcher()
