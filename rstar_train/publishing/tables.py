"""The tables of a run, as text or Markdown: coverage by tier (the paper's Table 2), accuracy.

All are made from the rounds' `figures.json` alone, so one command prints them from `results/`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, TypeVar

from bench.errors import BenchError
from bench.files.lines import decode
from rstar_train.figures import (
    AblationFigures,
    BaseFigures,
    CountFigures,
    CoverageFigures,
    DifferenceFigures,
    EvaluationFigures,
    Figures,
    MethodFigures,
    OnPolicyRowFigures,
    PairCounts,
    PairFigures,
    PPMFigures,
    RoundFigures,
    ScorerFigures,
)
from rstar_train.recipes.settings import GREEDY

F = TypeVar("F", bound=Figures)

FIGURES = "figures.json"
"""In the folder of the base model, and of each round."""
SCORERS = "scorers.json"
"""In the folder of a round: what its PPM might have learnt instead."""
ABLATION = "ablation.json"
"""File of the ablations, beside the folders of the rounds."""


class RoundLike(Protocol):
    """What the rounds of every system leave."""

    @property
    def coverage(self) -> Mapping[str, CoverageFigures]:
        """How much of the pool was solved."""

    @property
    def evaluation(self) -> EvaluationFigures:
        """How the round's policy did."""


@dataclass(frozen=True, slots=True)
class TextTable:
    """A table whose cells are text."""

    title: str
    header: Sequence[str]
    rows: Sequence[Sequence[str]]

    def to_text(self) -> str:
        """Return the table in columns, under its underlined title."""
        widths = [max(map(len, column)) for column in zip(self.header, *self.rows, strict=True)]
        lines = [self.title, "-" * len(self.title)]
        for row in (self.header, *self.rows):
            cells = (cell.ljust(width) for cell, width in zip(row, widths, strict=True))
            lines.append("  ".join(cells).rstrip())
        return "\n".join(lines)

    def to_markdown(self) -> str:
        """Return the table in Markdown, under its title where it has one."""
        lines = [self.header, ["---"] * len(self.header), *self.rows]
        table = "\n".join(f"| {' | '.join(line)} |" for line in lines)
        return f"{self.title}:\n\n{table}" if self.title else table


def load_figures(publish: Path) -> list[RoundFigures]:
    """Read the figures of the rounds published in a folder. Raises BenchError."""
    return load_rounds(RoundFigures, publish)


def load_rounds(kind: type[F], publish: Path) -> list[F]:
    """Read the figures of the rounds of a system. Raises BenchError."""
    found: list[F] = []
    while (file := publish / f"round-{len(found) + 1}" / FIGURES).is_file():
        found.append(read_figures(kind, file, "train the round again"))
    if not found:
        raise BenchError(
            f"{publish} holds no round's figures; expected round-1/figures.json, which rstar-train "
            "evolve writes"
        )
    return found


def load_again(kind: type[F], publish: Path) -> dict[tuple[int, int], F]:
    """Read the figures of rounds that were trained again, by round and seed. Raises BenchError."""
    found = {}
    for file in publish.glob(f"round-*-seed-*/{FIGURES}"):
        number, seed = file.parent.name.removeprefix("round-").split("-seed-")
        if number.isdigit() and seed.isdigit():
            found[int(number), int(seed)] = read_figures(kind, file, "train the round again")
    return dict(sorted(found.items()))


def load_ablation(publish: Path) -> AblationFigures | None:
    """Read the ablations published beside the rounds; None where there are none."""
    file = publish / ABLATION
    remedy = "run rstar-train ablate again"
    return read_figures(AblationFigures, file, remedy) if file.is_file() else None


def load_base(publish: Path) -> EvaluationFigures | None:
    """Read the base model's evaluation, published beside the rounds; None where there is none."""
    file = publish / "base" / FIGURES
    if not file.is_file():
        return None
    return read_figures(BaseFigures, file, "run rstar-train evolve again").evaluation


def read_figures(kind: type[F], file: Path, remedy: str) -> F:
    """Read a file of figures; `remedy` says what makes it anew. Raises BenchError."""
    try:
        data = decode(file.read_bytes())
    except ValueError as error:
        raise BenchError(f"{file} is damaged ({error}); {remedy}") from error
    try:
        return kind.from_json(data)
    except ValueError as error:
        raise BenchError(
            f"{file} cannot be read ({error}): another version of rstar-train wrote it; {remedy}"
        ) from error


REFRESHED = "refreshed"
"""The round's own PPM among scorers, where it learnt other texts than they."""
_SCORERS = {"orm": "ORM", "pqm": "PQM", "ppm": "PPM", REFRESHED: "PPM, the policy's own texts"}
_VARIANTS = (
    ("data", "random", "greedy", "samples as they come"),
    ("data", "rejection", "greedy", "right samples, best by ORM"),
    ("data", "verified", "greedy", "verified by search"),
    ("scorers", "orm", "best_of_n", _SCORERS["orm"]),
    ("scorers", "pqm", "mcts", _SCORERS["pqm"]),
    ("scorers", "ppm", "best_of_n", _SCORERS["ppm"]),
    ("scorers", "ppm", "mcts", _SCORERS["ppm"]),
    ("scorers", REFRESHED, "best_of_n", _SCORERS[REFRESHED]),
    ("scorers", REFRESHED, "mcts", _SCORERS[REFRESHED]),
)


def ablation_tables(figures: AblationFigures) -> list[TextTable]:
    """Return the ablations of the last round: training data, and what scores steps."""
    header = ["varied", "variant", "method", "n", "accuracy, %", "against the round", "p", "tokens"]
    parts = {"data": figures.data, "scorers": figures.scorers}
    rows = []
    for part, name, method, words in _VARIANTS:
        found = parts[part].get(name)
        cell = None if found is None else found.methods.get(method)
        if cell is not None:
            # Compared with the round before, elsewhere.
            own = name in ("verified", REFRESHED if REFRESHED in figures.scorers else "ppm")
            gain = None if own else cell.against_before
            rows.append([part, words, *method_cells(cell, [gain])])
    title = f"Ablations of round {figures.round}, each variant paired with the round's own"
    return [TextTable(title, header, rows), _held_out_table(figures.held_out)]


def _held_out_table(held_out: Mapping[str, PairFigures]) -> TextTable:
    """Return how many held-out pairs of each kind every scorer orders; an ORM learns no steps."""
    rows = []
    for name in (each for each in _SCORERS if each in held_out):
        kinds = held_out[name].by_kind or {}
        cells = (kinds.get(kind) for kind in ("solution", "step"))
        rows.append([_SCORERS[name], *(_ordered(cell) for cell in cells)])
    title = "Held-out pairs that each scorer orders rightly, %"
    return TextTable(title, ["scorer", "whole solutions", "steps below one prefix"], rows)


def round_tables(
    figures: Sequence[RoundFigures], base: EvaluationFigures | None = None
) -> list[TextTable]:
    """Return the tables of coverage, training and evaluation."""
    coverage = [each.coverage for each in figures]
    tables = [coverage_table(coverage), training_table(figures)]
    if any(each.worth is not None for each in figures):
        tables += [worth_table(figures), headroom_table(figures)]
    return [*tables, accuracy_table(figures, base)]


def coverage_table(rounds: Sequence[Mapping[str, CoverageFigures]]) -> TextTable:
    """Return the share of the pool that each round solved, and in brackets all rounds so far."""
    tiers = [name for name in rounds[-1] if "/" not in name and name != "all"]
    header = ["round", *tiers, "all"]
    rows = []
    for number, coverage in enumerate(rounds, start=1):
        cells = [coverage[tier] for tier in (*tiers, "all")]
        shown = [f"{cell.percent:.1f} ({cell.ever_percent:.1f})" for cell in cells]
        rows.append([str(number), *shown])
    sizes = [str(rounds[-1][tier].problems) for tier in (*tiers, "all")]
    title = "Coverage of the pool, % solved in the round (in it or before)"
    return TextTable(title, header, [*rows, ["problems", *sizes]])


def family_tables(
    figures: Sequence[RoundLike], base: EvaluationFigures | None = None
) -> list[TextTable]:
    """Return, by family, what each round solved of the pool, and its policy of the held-out rest.

    Raises BenchError where the problems of the last round's evaluation have no families.
    """
    solved = {
        str(at): {name: _Solved(cell.solved, cell.problems) for name, cell in each.coverage.items()}
        for at, each in enumerate(figures, start=1)
    }
    right = {
        name: {tier: _Solved(cell.correct, cell.n) for tier, cell in _by_tier(found).items()}
        for name, found in _evaluations(figures, base).items()
    }
    return [
        _by_family("Problems of the pool solved, by round", solved),
        _by_family("Held-out problems right, greedy, by round", right),
    ]


def _by_tier(evaluation: EvaluationFigures) -> Mapping[str, CountFigures]:
    alone = [evaluation.methods[name] for name in GREEDY if name in evaluation.methods]
    return alone[0].by_tier if alone else {}


@dataclass(frozen=True, slots=True)
class _Solved:
    """Problems of a family that were solved, and how many there are."""

    count: int
    of: int


def _by_family(title: str, rounds: Mapping[str, Mapping[str, _Solved]]) -> TextTable:
    """Return a table of families down and rounds across, with the size of each family."""
    last = rounds[list(rounds)[-1]]
    families = [name for name in last if "/" in name]
    if not families:
        raise BenchError(
            "the evaluated problems have no families, or an earlier version of rstar-train "
            "evaluated them; leave out --families"
        )
    rows = [
        [
            *name.removeprefix("embedded-").split("/", 1),
            *(str(found[name].count) if name in found else "-" for found in rounds.values()),
            str(last[name].of),
        ]
        for name in families
    ]
    return TextTable(title, ["tier", "family", *rounds, "of"], rows)


def training_table(figures: Sequence[RoundFigures]) -> TextTable:
    """Return what each round was trained on and how well its PPM orders held-out pairs."""
    header = ["round", "SFT rows", "loss", "pairs", "loss", "held-out pairs ordered, %"]
    rows = []
    for number, found in enumerate(figures, start=1):
        policy, ppm = found.policy, found.ppm
        rows.append(
            [
                str(number),
                str(policy.rows),
                f"{policy.loss_first:.2f} to {policy.loss_last:.2f}",
                _learnt(found),
                f"{ppm.loss_first:.2f} to {ppm.loss_last:.2f}",
                _ordered(found.pair_accuracy.counts),
            ]
        )
    return TextTable("Training", header, rows)


def _learnt(found: RoundFigures) -> str:
    """Return how many pairs a PPM learnt, and values where it learnt any."""
    made = found.on_policy_rows
    values = 0 if made is None else found.ppm.pairs - made.pairs
    return f"{found.ppm.pairs - values} + {values} values" if values > 0 else str(found.ppm.pairs)


def worth_table(figures: Sequence[RoundFigures]) -> TextTable:
    """Return how each round's PPM tells its own policy's right solutions from wrong ones.

    An AUC of 50 % is chance. Best-of-n and the weighted vote are of all samples, under the
    aggregate that is the PPM's own from then on.
    """
    names = ("last", "min", "mean", "product")
    header = ["round", "pairs", "values", *(f"AUC, {name}" for name in names), "problems"]
    rows = []
    for number, found in enumerate(figures, start=1):
        worth, made = found.worth, found.on_policy_rows
        if worth is None or made is None:
            continue
        auc = (worth.auc.get(name) for name in names)
        rows.append(
            [
                str(number),
                str(made.pairs),
                str(made.values),
                *("-" if a is None else percent(a.estimate, a.low, a.high) for a in auc),
                str(worth.problems_with_both),
                worth.aggregate,
                f"{100 * worth.best_of_n.get(worth.aggregate, 0):.1f}",
                f"{100 * worth.weighted.get(worth.aggregate, 0):.1f}",
            ]
        )
    title = "Each PPM on solutions of its own policy, of problems held out of the pool, %"
    return TextTable(title, [*header, "aggregate", "best of n", "weighted"], rows)


def head_table(rows: OnPolicyRowFigures, training: PPMFigures) -> TextTable:
    """Return what a head was fitted to."""
    return TextTable(
        "A head on the policy's states",
        ["problems", "of two kinds", "pairs", "values", "steps", "loss", "seconds"],
        [
            [
                *(str(each) for each in (rows.problems, rows.mixed, rows.pairs, rows.values)),
                str(training.steps),
                f"{training.loss_first:.3f} to {training.loss_last:.3f}",
                f"{training.seconds:.0f}",
            ]
        ],
    )


def scorers_table(figures: ScorerFigures) -> TextTable:
    """Return what each variant of a round's PPM is worth, under each aggregate."""
    names = ("last", "min", "mean", "product")
    header = ["scorer", *(f"AUC, {name}" for name in names)]
    rows = []
    for words, worth in figures.variants.items():
        auc = [worth.auc.get(name) for name in names]
        rows.append(
            [
                words,
                *("-" if a is None else percent(a.estimate, a.low, a.high) for a in auc),
                *(
                    "/".join(f"{100 * found.get(name, 0):.0f}" for name in names)
                    for found in (worth.best_of_n, worth.weighted)
                ),
            ]
        )
    some = next(iter(figures.variants.values()))
    title = (
        f"What scores of round {figures.round} might be, on {some.problems_with_both} of "
        f"{some.headroom.problems} held-out problems, % (majority "
        f"{100 * some.headroom.majority:.0f}, oracle {100 * some.headroom.oracle:.0f})"
    )
    choices = ["best of n, l/m/m/p", "weighted, l/m/m/p"]
    return TextTable(title, [*header, *choices], rows)


def load_scorers(publish: Path) -> list[ScorerFigures]:
    """Read what is published of variants of the rounds' PPMs."""
    files = sorted(publish.glob(f"round-*/{SCORERS}"))
    return [read_figures(ScorerFigures, file, "run rstar-train scorers again") for file in files]


def headroom_table(figures: Sequence[RoundFigures]) -> TextTable:
    """Return what the last round's policy leaves for a search to win, by family."""
    found = [(at, each.worth) for at, each in enumerate(figures, start=1) if each.worth is not None]
    number, worth = found[-1]
    rows = []
    for name, cell in {"all": worth.headroom, **worth.by_family}.items():
        ceiling = cell.ceiling
        rows.append(
            [
                name,
                str(cell.problems),
                *(f"{100 * share:.0f}" for share in (cell.pass_at_1, cell.oracle)),
                "-" if cell.greedy is None else f"{100 * cell.greedy:.0f}",
                f"{100 * cell.majority:.0f}",
                percent(ceiling.estimate, ceiling.low, ceiling.high, sign=True),
            ]
        )
    k = worth.headroom.samples
    header = ["family", "n", "pass@1", f"oracle@{k}", "greedy", f"majority@{k}", "ceiling"]
    return TextTable(f"Headroom of round {number}'s policy on those problems, %", header, rows)


def _ordered(pairs: PairCounts | None) -> str:
    """Return a scorer's accuracy on pairs with its interval, or a dash where there were none."""
    return "-" if pairs is None else percent(pairs.accuracy, pairs.low, pairs.high)


def accuracy_table(
    figures: Sequence[RoundLike], base: EvaluationFigures | None = None
) -> TextTable:
    """Return accuracy by round and method, with paired gains over the round before and the base.

    `base` is the base model's evaluation, where there is one.
    """
    header = ["round", "method", "n", "accuracy, %", "against the round before", "p"]
    rows = [
        [name, *method_cells(cell, [cell.against_before, cell.against_base])]
        for name, evaluation in _evaluations(figures, base).items()
        for cell in evaluation.methods.values()
    ]
    title = (
        "Accuracy on held-out problems, 95 % intervals (tokens: policy + PPM, mean of a problem)"
    )
    return TextTable(title, [*header, "against the base", "p", "tokens"], rows)


def seeds_table(
    figures: Sequence[RoundLike], again: Mapping[tuple[int, int], RoundLike]
) -> TextTable:
    """Return accuracy by seed of rounds that were trained again, the recipe's own seed first."""
    header = ["round", "seed", "method", "n", "accuracy, %", "against the round before", "p"]
    rows = []
    for number in sorted({number for number, _ in again}):
        of = {"the recipe's": figures[number - 1].evaluation} if number <= len(figures) else {}
        of |= {str(seed): each.evaluation for (at, seed), each in again.items() if at == number}
        rows += [
            [str(number), seed, *cells]
            for seed, evaluation in of.items()
            for cells in accuracy_cells(evaluation)
        ]
    return TextTable("Trained again with another seed", [*header, "tokens"], rows)


def _evaluations(
    figures: Sequence[RoundLike], base: EvaluationFigures | None
) -> dict[str, EvaluationFigures]:
    """Return the evaluations by round, the base model's first."""
    rounds = {str(number): each.evaluation for number, each in enumerate(figures, start=1)}
    return rounds if base is None else {"base": base, **rounds}


def accuracy_cells(evaluation: EvaluationFigures) -> list[list[str]]:
    """Return a row for each method: label, n, accuracy, gain over the round before, p, tokens."""
    return [method_cells(cell, [cell.against_before]) for cell in evaluation.methods.values()]


def method_cells(cell: MethodFigures, gains: Sequence[DifferenceFigures | None]) -> list[str]:
    """Return a method's label, n, accuracy, each of some gains with its p, and tokens."""
    accuracy = cell.accuracy
    shown = "-" if accuracy is None else percent(accuracy.estimate, accuracy.low, accuracy.high)
    compared = [text for gain in gains for text in _gain(gain)]
    tokens = f"{cell.policy_tokens:.0f} + {cell.ppm_tokens:.0f}"
    return [cell.label, str(cell.n), shown, *compared, tokens]


def _gain(gain: DifferenceFigures | None) -> tuple[str, str]:
    if gain is None:
        return "-", "-"
    return percent(gain.estimate, gain.low, gain.high, sign=True), f"{gain.mcnemar_p:.2g}"


def percent(estimate: float, low: float, high: float, *, sign: bool = False) -> str:
    """Return a share with its interval, in percent."""
    form = "+.1f" if sign else ".1f"
    return f"{100 * estimate:{form}} [{100 * low:{form}}, {100 * high:{form}}]"
