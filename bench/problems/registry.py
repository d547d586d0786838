"""What is known of a benchmark or a training pool, and where its rows are; nothing is read here.

The entries are in `bench.problems.evaluation_sets` and `bench.problems.training_pools`;
`bench.problems.mirror` and `bench.problems.hub` read the rows they name. No hub revision was
verified when they were written, and each entry says so: `revision` is `UNVERIFIED`, and `evidence`
names where the address and the columns were seen.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from bench.types import Verifier

UNVERIFIED = "unverified"
"""The revision of a hub dataset that nobody has pinned: what its `main` holds today is read."""

MATH_LICENCE = "MIT as released by hendrycks/math; the problems come from AoPS and MAA contests"
LM_EVAL = "lm-evaluation-harness"

MATH_SUBJECTS = (
    "algebra",
    "counting_and_probability",
    "geometry",
    "intermediate_algebra",
    "number_theory",
    "prealgebra",
    "precalculus",
)


class Role(StrEnum):
    """What a set of problems may be used for."""

    EVAL = "eval"
    TRAIN = "train"
    PROOF = "proof"
    """Measures provers: an answer is a certificate, which no task of lm-eval can grade."""


class Gold(StrEnum):
    """How the reference answer is taken out of the hub's answer column."""

    AS_IS = "as_is"
    AFTER_HASHES = "after_hashes"
    """What follows the last `####` of a GSM8K solution."""
    LAST_BOXED = "last_boxed"
    r"""The content of the last `\boxed{}` of a MATH solution; empty where there is none."""
    INTEGER = "integer"
    """A contest integer, printed as `025`, `25.0` or `25`."""
    FIRST_OF_LIST = "first_of_list"
    OPTION = "option"
    """The place of the right option, counted from 0 and perhaps in a list, for its letter."""


@dataclass(frozen=True, slots=True)
class Hub:
    """Where the hub keeps the rows, and under which column names."""

    id: str
    split: str
    configs: tuple[str | None, ...] = (None,)
    """Read one after the other; `None` is the dataset's default configuration."""
    question: str = "problem"
    answer: str = "answer"
    gold: Gold = Gold.AS_IS
    context: str | None = None
    """A column to put before the question, where a row has it."""
    key: str | None = None
    """The column that identifies a row; without one, rows are numbered from 0."""
    key_prefix: str | None = None
    """Put before the key, so that ids equal the mirror's; the default is `<name>-`."""
    level: str | None = None
    subject: str | None = None
    not_after: tuple[str, int] | None = None
    """A column and its last value: rows with a greater one belong to another benchmark."""
    rows: int | None = None
    """Where the hub's copy has fewer rows than were published."""
    revision: str = UNVERIFIED
    evidence: str = "from memory, not checked"
    """Where the address and the columns were read."""


@dataclass(frozen=True, slots=True)
class Benchmark:
    """One named set of problems."""

    name: str
    title: str
    file: str
    """Its file in a mirror directory."""
    rows: int
    sha256: str
    """SHA-256 of the mirror's file: a changed row is a different benchmark."""
    rows_sha256: str
    """SHA-256 of the normalised rows (`bench.problems.fingerprint`), wherever they come from."""
    licence: str
    origin: str
    """The repository, commit and path that the mirror's rows were taken from."""
    hub: Hub | None = None
    """None where only a mirror has these rows."""
    role: Role = Role.EVAL
    published: bool = True
    """Whether the authors state this number of rows."""
    language: str = "en"
    verifier: str | None = None
    """What decides where there are no references; it is told the question as `statement`."""
    statement: str | None = None
    """The key of a row's `meta` whose text is the question, in place of the row's `problem`."""
    folder: Path | None = None
    """Where its file lies, of a benchmark that a package brings along; None: in a mirror."""
    defects: tuple[str, ...] = ()
    """What is wrong with the rows and stays so; corrected references are in the errata."""

    def verifier_of(self, question: str) -> Verifier | None:
        """Return what decides about answers to a question; None where its reference does."""
        return None if self.verifier is None else Verifier(self.verifier, {"statement": question})
