"""What the stages of a round leave as numbers: typed, and read and written as JSON.

A stage's manifest, a checkpoint's lineage, `figures.json` and `ablation.json` hold these. A field
that is None by default is left out of the JSON while it is None; keys that a later version added
are passed over when an older one reads.
"""

from __future__ import annotations

import dataclasses
import typing
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import NoneType
from typing import Self

Json = Mapping[str, object]
"""An object as `json.loads` returns it."""


@dataclass(frozen=True, slots=True)
class Figures:
    """Numbers that are read and written as a JSON object."""

    def to_json(self) -> dict[str, object]:
        """Return plain JSON values, in the order of the fields."""
        written = {}
        for each in dataclasses.fields(self):
            value = getattr(self, each.name)
            if value is not None or each.default is not None:
                written[each.name] = _plain(value)
        return written

    @classmethod
    def from_json(cls, data: object) -> Self:
        """Read what `to_json` wrote. Raises ValueError, naming the key that is wrong."""
        if not isinstance(data, Mapping):
            raise ValueError(f"expected an object, found {type(data).__name__}")
        types = typing.get_type_hints(cls)
        values = {}
        for each in dataclasses.fields(cls):
            if each.name in data:
                values[each.name] = _typed(types[each.name], data[each.name], each.name)
            elif each.default is dataclasses.MISSING:
                raise ValueError(f"no {each.name!r}")
        return cls(**values)


@dataclass(frozen=True, slots=True)
class StageFigures(Figures):
    """What a stage leaves."""

    stage_seconds: float | None = field(default=None, kw_only=True)
    """The stage took; last in the JSON."""

    def to_json(self) -> dict[str, object]:
        """Return plain JSON values, in the order of the fields, the seconds last."""
        written = Figures.to_json(self)
        if "stage_seconds" in written:
            written["stage_seconds"] = written.pop("stage_seconds")
        return written


def _plain(value: object) -> object:
    if isinstance(value, Figures):
        return value.to_json()
    if isinstance(value, Mapping):
        return {key: _plain(each) for key, each in value.items()}
    return value


def _typed(expected: object, value: object, key: str) -> object:
    arguments = typing.get_args(expected)
    if NoneType in arguments:
        if value is None:
            return None
        (expected,) = (each for each in arguments if each is not NoneType)
        arguments = typing.get_args(expected)
    try:
        if isinstance(expected, type) and issubclass(expected, Figures):
            return expected.from_json(value)
        if typing.get_origin(expected) is Mapping and isinstance(value, Mapping):
            return {name: _typed(arguments[1], each, name) for name, each in value.items()}
    except ValueError as error:
        raise ValueError(f"{key}: {error}") from error
    if expected is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if isinstance(expected, type) and isinstance(value, expected) and not isinstance(value, bool):
        return value
    raise ValueError(f"{key!r} is of type {type(value).__name__}")


@dataclass(frozen=True, slots=True)
class ShareFigures(Figures):
    """A share with its 95 % interval."""

    estimate: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class DifferenceFigures(Figures):
    """How much more often this round's selector was right than another's, on the same problems."""

    estimate: float
    low: float
    high: float
    only_now: int
    """Problems that this round solved and the other did not."""
    only_before: int
    mcnemar_p: float
    """Exact, two-sided."""

    @property
    def is_significant(self) -> bool:
        """Whether the exact p is below 0.05."""
        return self.mcnemar_p < 0.05


@dataclass(frozen=True, slots=True)
class CountFigures(Figures):
    """Right answers of some problems."""

    n: int
    correct: int
    estimate: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class MethodFigures(Figures):
    """One selector of an evaluation's search."""

    label: str
    n: int
    correct: int
    accuracy: ShareFigures | None
    """Share of the judged answers that are correct; None when none could be judged."""
    failures: int
    """Answers that the harness could not judge."""
    policy_tokens: float
    """Generated, mean of a problem."""
    ppm_tokens: float
    """Read by the PPM, mean of a problem."""
    by_tier: Mapping[str, CountFigures]
    """By tier, and by `tier/family`."""
    against_before: DifferenceFigures | None = None
    """The same selector of the round before."""
    against_base: DifferenceFigures | None = None
    """The same selector of the base model."""


@dataclass(frozen=True, slots=True)
class EvaluationFigures(StageFigures):
    """A round's evaluation. In JSON the methods stand beside `stage_seconds`."""

    methods: Mapping[str, MethodFigures]
    """By selector, in the order of the runs."""

    def to_json(self) -> dict[str, object]:
        """Return plain JSON values."""
        written: dict[str, object] = {name: each.to_json() for name, each in self.methods.items()}
        if self.stage_seconds is not None:
            written["stage_seconds"] = self.stage_seconds
        return written

    @classmethod
    def from_json(cls, data: object) -> Self:
        """Read what `to_json` wrote. Raises ValueError."""
        if not isinstance(data, Mapping):
            raise ValueError(f"expected an object, found {type(data).__name__}")
        seconds = data.get("stage_seconds")
        methods = {
            name: typing.cast(MethodFigures, _typed(MethodFigures, each, name))
            for name, each in data.items()
            if name != "stage_seconds"
        }
        return cls(methods, stage_seconds=None if seconds is None else float(seconds))


@dataclass(frozen=True, slots=True)
class SearchFigures(StageFigures):
    """The search of a pool."""

    problems: int
    searched: int
    not_searchable: int
    """Problems that the searcher can write no steps for, or that it was told to leave out."""
    solved: int
    trees: int
    policy_tokens: int
    """Generated, of all problems together."""
    ppm_tokens: int
    executions: int


@dataclass(frozen=True, slots=True)
class SampleFigures(StageFigures):
    """Solutions sampled without search."""

    problems: int
    samples: int
    """Samples drawn for each problem."""
    solved: int
    policy_tokens: int

    def plus(self, searched: SearchFigures) -> SampleFigures:
        """Return the figures with those of problems that were searched beside."""
        return dataclasses.replace(
            self,
            problems=self.problems + searched.searched,
            solved=self.solved + searched.solved,
            policy_tokens=self.policy_tokens + searched.policy_tokens,
        )


@dataclass(frozen=True, slots=True)
class RowFigures(StageFigures):
    """Training rows made of trees."""

    problems: int
    sft_rows: int
    pairs: int
    step_pairs: int
    """Pairs of steps below one prefix; the others are of whole solutions."""
    outcomes: int
    steps: int
    problems_with_solutions: int
    problems_with_pairs: int
    sft_by_family: Mapping[str, int]
    pairs_by_family: Mapping[str, int]
    dropped: Mapping[str, int]
    """Problems and rows left out, by reason."""


@dataclass(frozen=True, slots=True)
class TrainerFigures(Figures):
    """What every trainer tells when it ends."""

    steps: int
    """Optimizer steps."""
    resumed_at_step: int | None
    """Where a training that was killed went on; None for one that was not."""
    loss_first: float
    loss_last: float
    """Mean of the last five steps."""
    seconds: float


@dataclass(frozen=True, slots=True)
class PolicyFigures(StageFigures):
    """The training of a policy."""

    rows: int
    dropped_too_long: int
    steps: int
    loss_first: float
    loss_last: float
    seconds: float
    resumed_at_step: int | None = None


@dataclass(frozen=True, slots=True)
class ValueFigures(StageFigures):
    """The training of an ORM or a PQM."""

    rows: int
    problems: int
    dropped_too_long: int
    tokens_per_epoch: int
    """Computed: a prefix that several texts share counts once."""
    tokens_per_epoch_without_sharing: int
    steps: int
    loss_first: float
    loss_last: float
    seconds: float
    resumed_at_step: int | None = None


@dataclass(frozen=True, slots=True)
class PPMFigures(StageFigures):
    """The training of a PPM."""

    pairs: int
    problems: int
    dropped_too_long: int
    tokens_per_epoch: int
    tokens_per_epoch_without_sharing: int
    steps: int
    loss_first: float
    loss_last: float
    seconds: float
    resumed_at_step: int | None = None

    @classmethod
    def of(cls, figures: ValueFigures) -> PPMFigures:
        """Return the figures of a training whose rows were pairs."""
        values = {each.name: getattr(figures, each.name) for each in dataclasses.fields(figures)}
        return cls(pairs=values.pop("rows"), **values)

    def as_values(self) -> ValueFigures:
        """Return the figures as those of any scorer."""
        values = {each.name: getattr(self, each.name) for each in dataclasses.fields(self)}
        return ValueFigures(rows=values.pop("pairs"), **values)


@dataclass(frozen=True, slots=True)
class PairCounts(Figures):
    """Held-out pairs that a scorer orders rightly."""

    pairs: int
    right: int
    accuracy: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class PairFigures(StageFigures):
    """How a scorer orders held-out pairs; where there are none, only that is said."""

    held_out_pairs: int
    pairs: int | None = None
    right: int | None = None
    accuracy: float | None = None
    low: float | None = None
    high: float | None = None
    by_kind: Mapping[str, PairCounts] | None = None
    """Counts for `step` (two steps below one prefix) and `solution` (two whole solutions)."""
    calibration_error: float | None = None

    @property
    def counts(self) -> PairCounts | None:
        """The pairs of all kinds together; None where there are none."""
        if (
            self.pairs is None
            or self.right is None
            or self.accuracy is None
            or self.low is None
            or self.high is None
        ):
            return None
        return PairCounts(self.pairs, self.right, self.accuracy, self.low, self.high)


@dataclass(frozen=True, slots=True)
class CoverageFigures(Figures):
    """How much of a group of the pool's problems was solved."""

    problems: int
    solved: int
    percent: float
    ever: int
    """Solved in this round or in an earlier one."""
    ever_percent: float


@dataclass(frozen=True, slots=True)
class OnPolicyRowFigures(StageFigures):
    """Rows made of what a round's new policy wrote."""

    problems: int
    mixed: int
    """Problems with right and wrong solutions."""
    pairs: int
    step_pairs: int
    values: int
    """Texts whose worth is known."""


@dataclass(frozen=True, slots=True)
class HeadroomFigures(Figures):
    """What is left for a search to win on some problems (`rstar-bench headroom`)."""

    problems: int
    samples: int
    """Of each problem, the greedy one not counted."""
    pass_at_1: float
    greedy: float | None
    majority: float
    """Of all samples."""
    oracle: float
    """Share of the problems of which some sample is right."""
    ceiling: ShareFigures
    """Oracle less the better of greedy and majority; it may be below 0."""


@dataclass(frozen=True, slots=True)
class WorthFigures(StageFigures):
    """What a round's PPM is worth on solutions of its own policy, of held-out problems."""

    aggregate: str
    """The best by AUC, which the PPM is read by from then on."""
    auc: Mapping[str, ShareFigures]
    """By aggregate: how often a right solution scores above a wrong one of the same problem."""
    problems_with_both: int
    """Those that the AUC is read on."""
    best_of_n: Mapping[str, float]
    """Accuracy by aggregate, of all samples."""
    weighted: Mapping[str, float]
    headroom: HeadroomFigures
    by_family: Mapping[str, HeadroomFigures]


@dataclass(frozen=True, slots=True)
class ScorerFigures(Figures):
    """What a round's PPM might have learnt instead: `scorers.json` beside the round's figures."""

    round: int
    variants: Mapping[str, WorthFigures]
    """By what was learnt, in words."""


@dataclass(frozen=True, slots=True)
class RoundFigures(Figures):
    """One round: `figures.json` beside its checkpoints."""

    search: SearchFigures
    rows: RowFigures
    held_out_rows: RowFigures
    policy: PolicyFigures
    ppm: PPMFigures
    pair_accuracy: PairFigures
    evaluation: EvaluationFigures
    coverage: Mapping[str, CoverageFigures]
    """By tier, by `tier/family`, and for `all`."""
    on_policy_rows: OnPolicyRowFigures | None = None
    """None where the PPM was trained on the search's trees."""
    worth: WorthFigures | None = None


@dataclass(frozen=True, slots=True)
class BaseFigures(Figures):
    """The base model, before any round."""

    evaluation: EvaluationFigures


@dataclass(frozen=True, slots=True)
class ComparedRowFigures(StageFigures):
    """Rows of the texts that the last round's pairs compare."""

    outcomes: int
    steps: int


@dataclass(frozen=True, slots=True)
class SampledRowFigures(StageFigures):
    """Rows made of samples, as they come and the right ones ranked."""

    random: int
    rejection: int


@dataclass(frozen=True, slots=True)
class AblationRowFigures(StageFigures):
    """Rows that the ablation's variants were trained on."""

    outcomes: int
    steps: int
    random: int
    rejection: int


@dataclass(frozen=True, slots=True)
class AblationFigures(Figures):
    """The ablations after the last round: `ablation.json` beside the rounds."""

    round: int
    scorers: Mapping[str, EvaluationFigures]
    """By `orm`, `pqm` and `ppm`."""
    data: Mapping[str, EvaluationFigures]
    """By `random`, `rejection` and `verified`."""
    held_out: Mapping[str, PairFigures]
    """By scorer."""
    rows: AblationRowFigures
