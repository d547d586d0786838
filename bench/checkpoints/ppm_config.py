"""The `reward.json` of a reward model that was trained here: how its raw scores are made and read.

That of a model of somebody else is `bench.checkpoints.reward`'s.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal, get_args

from bench.errors import CheckpointError
from bench.files.atomic import replace_json
from bench.files.lines import decode
from bench.prompts import Format, template

REWARD = "reward.json"
"""Where a reward model, ours or another's, says how it is read."""
_FORMERLY = "ppm.json"
"""What ours was called at first; such checkpoints are read as before."""

Squash = Literal["tanh", "tanh_fifth"]
"""tanh(raw), the paper's; or tanh(raw / 5), the official code's at inference."""


Aggregate = Literal["last", "min", "mean", "product"]
"""How the step scores of a trajectory become one number (`bench.search.selection`)."""
LAST: Aggregate = "last"
"""How scores are read where a `reward.json` does not say: the last one alone, as in the paper."""

Learnt = Literal["ppm", "orm", "pqm"]
"""Preferences between steps, the outcome of whole solutions, or Q itself: the last two are what the
paper compares its PPM with. All score a text at its last token, and are loaded and used alike."""


@dataclass(frozen=True, slots=True)
class PPMConfig:
    """What the `reward.json` of ours holds."""

    template: str
    """Name of the prompt template."""
    template_digest: str
    squash: Squash = "tanh"
    step_end: str = "end of the step's last tag; the output block belongs to the step"
    kind: Learnt = "ppm"
    aggregate: Aggregate = LAST
    """Chosen on held-out problems after training."""
    bias: float | None = None
    """What is added to raw scores, where the head was trained with a bias."""
    head_only: bool | None = None
    """Whether nothing but the head was trained, so that its backbone is its parent's."""

    @property
    def format(self) -> Format:
        """What its prompt template holds, and so what it reads."""
        return template(self.template).format

    def save(self, folder: Path) -> None:
        """Write `reward.json`."""
        values = {name: value for name, value in asdict(self).items() if value is not None}
        replace_json(folder / REWARD, values)

    @classmethod
    def load(cls, folder: Path) -> PPMConfig:
        """Read a `reward.json`. Raises CheckpointError: there is none, or its template changed."""
        try:
            config = cls(**decode(find_description(folder).read_bytes()))
        except (OSError, ValueError, TypeError) as error:
            raise CheckpointError(f"{folder} has no readable {REWARD}: {error}") from error
        for name, value, kinds in (
            ("squash", config.squash, Squash),
            ("kind", config.kind, Learnt),
            ("aggregate", config.aggregate, Aggregate),
        ):
            if value not in get_args(kinds):
                raise CheckpointError(
                    f"{folder}/{REWARD}: unknown {name} {value!r}; known: "
                    f"{', '.join(get_args(kinds))}"
                )
        digest = template(config.template).digest
        if digest != config.template_digest:
            raise CheckpointError(
                f"{folder} was trained on another version of the prompt template "
                f"{config.template!r} ({config.template_digest}, here {digest}); train it again"
            )
        return config


def find_description(folder: Path) -> Path:
    """Return the file in which a reward model says how it is read; there may be none."""
    file, former = folder / REWARD, folder / _FORMERLY
    # Where both are, the former one is of an earlier training into the same folder.
    return former if former.is_file() and not file.is_file() else file


def is_own(folder: Path) -> bool:
    """Whether a reward model says that it was trained here: it names a prompt template of ours."""
    file = find_description(folder)
    try:
        return file.name == _FORMERLY or "template" in decode(file.read_bytes())
    except (OSError, ValueError, TypeError):
        return False
