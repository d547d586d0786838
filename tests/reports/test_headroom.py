"""The headroom report counts as the selectors choose, and says what it cannot tell."""

from __future__ import annotations

import io
import json
import random
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from bench.answers import canonicalize
from bench.errors import MissingRunError
from bench.reports.grid import COLUMNS, grid_to_markdown, grids_to_rich
from bench.reports.headroom import headroom, lay_out, to_json
from bench.reports.headroom.choosing import (
    CeilingVerdict,
    Choosing,
    describe,
    draw_curves,
    selectors,
)
from bench.reports.headroom.groups import Sampled
from bench.reports.headroom.report import GroupReport, Kind, Part
from bench.reports.headroom.scoring import Worth, read_sign, read_size
from bench.reports.headroom.token_use import read_token_use
from bench.runs.reader import Run, load_run
from bench.runs.record import Sample
from bench.runs.writer import RunDir
from bench.search import (
    AGGREGATES,
    EventKind,
    Finished,
    NodeKind,
    Trace,
    select_best,
    select_majority,
    select_weighted,
)
from bench.search.tree import new_trace
from bench.types import Outcome
from tests.made_runs import C, E, G, T, W, greedy, make_record, make_run

RIGHT, WRONG = "3", "-4"
Kinds = Mapping[str, Kind]


def make_sample(answer: str | None, *scores: float, outcome: Outcome | None = None) -> Sample:
    judged = T if answer is None else C if canonicalize(answer) == RIGHT else W
    return Sample(answer, outcome or judged, None, scores, 10, "")


def sampled(problems: Sequence[Sequence[Sample]], **options: Any) -> Run:
    records = [
        replace(make_record(i, {"majority": W}), samples=tuple(samples))
        for i, samples in enumerate(problems)
    ]
    return make_run(records, search="sample", **options)


def report(*runs: Run, kinds: Kinds | None = None) -> GroupReport:
    (group,) = headroom(runs, lambda benchmark: kinds or {})
    return group


def whole(*runs: Run) -> Part:
    return report(*runs).sampled[0].parts[0]


def choosing(*runs: Run) -> Choosing:
    return whole(*runs).choosing


ONE_OF_THREE = [make_sample(WRONG), make_sample(RIGHT), make_sample(WRONG)]
ALL_RIGHT = [make_sample(RIGHT)] * 3
ALL_WRONG = [make_sample(WRONG)] * 3


@pytest.mark.parametrize("seed", range(20))
def test_with_all_samples_every_selector_chooses_what_it_chose(seed: int) -> None:
    rng = random.Random(seed)
    samples = tuple(
        make_sample(None, 0.9)
        if rng.random() < 0.2
        else make_sample(
            rng.choice(("3", "6/2", "1", "0.5")), rng.choice((-0.2, 0.4)), rng.random()
        )
        for _ in range(rng.randint(2, 9))
    )
    curves = draw_curves(Sampled("p", samples, None), scored=True)
    assert set(curves) == {"oracle", *selectors(scored=True)}
    options = [Finished(s.answer, s.step_scores) for s in samples if s.answer is not None]
    outcomes = [s.outcome for s in samples if s.answer is not None]
    choose = {"majority": select_majority}
    for each in AGGREGATES:
        choose[f"best_of_n {each}"] = partial(select_best, aggregate=each)
        choose[f"weighted {each}"] = partial(select_weighted, aggregate=each)
    for name, selector in choose.items():
        place = selector(options)
        right = place is not None and outcomes[place] is C
        assert curves[name][-1] == pytest.approx(float(right)), name


def test_shares_of_k_samples_are_means_over_subsets_and_problems() -> None:
    of = choosing(sampled([ONE_OF_THREE, ALL_RIGHT, ALL_WRONG]))
    assert of.oracle == pytest.approx([(1 / 3 + 1) / 3, (2 / 3 + 1) / 3, 2 / 3])
    # Of two that differ the first counts: the right one comes first in one of three pairs.
    assert of.chosen["majority"] == pytest.approx([4 / 9, 4 / 9, 1 / 3])
    assert of.generation_loss[-1] == pytest.approx(1 / 3)
    assert of.selection_loss["majority"][-1] == pytest.approx(1 / 3)
    assert of.mixed == pytest.approx(1 / 3)
    assert of.problems == 3


def test_the_ceiling_is_over_the_better_of_greedy_and_majority() -> None:
    samples = sampled([ONE_OF_THREE] * 6 + [ALL_WRONG] * 4)
    assert choosing(samples).ceiling[-1].estimate == pytest.approx(0.6)
    assert choosing(samples).greedy is None
    of = choosing(samples, greedy([C] * 2 + [W] * 8))
    assert of.ceiling[-1].estimate == pytest.approx(0.4)
    assert of.ceiling[0].estimate == pytest.approx(0.0)
    assert of.greedy is not None
    assert of.greedy.estimate == pytest.approx(0.2)


def test_the_ceiling_compares_problems_that_greedy_was_judged_on() -> None:
    of = choosing(sampled([ONE_OF_THREE] * 4), greedy([C, W, E, G]))
    assert of.greedy is not None
    assert (of.greedy.n, of.greedy.estimate, of.ceiling[-1].n) == (2, 0.5, 2)
    assert of.ceiling[-1].estimate == pytest.approx(0.5)
    assert of.problems == 4


def test_search_can_win_where_samples_hold_what_majority_does_not_choose() -> None:
    of = choosing(sampled([ONE_OF_THREE] * 30 + [ALL_RIGHT] * 70))
    assert of.verdict is CeilingVerdict.CAN_WIN
    last = of.ceiling[-1]
    # As the normal approximation has it: 30 +- 1.96 x 4.6.
    assert (last.low, last.high) == pytest.approx((0.21, 0.39), abs=0.015)
    assert describe(of).startswith("search can win up to 30 points here [2")


def test_search_cannot_help_where_many_problems_leave_nothing() -> None:
    of = choosing(sampled([ALL_RIGHT] * 60 + [ALL_WRONG] * 60))
    assert of.verdict is CeilingVerdict.CANNOT_HELP
    assert describe(of) == (
        "search cannot help here: its ceiling is 0 points [-3, 3], and the upper bound is below 5"
    )


def test_a_few_problems_that_are_all_alike_tell_nothing() -> None:
    of = choosing(sampled([ALL_WRONG] * 8))
    assert of.verdict is CeilingVerdict.UNDECIDED
    assert of.ceiling[-1].high == pytest.approx(1.96**2 / (8 + 1.96**2), abs=1e-3)
    assert describe(of).startswith("8 problems do not tell whether search can help here")


def test_failures_are_left_out_and_counted_and_never_wrong() -> None:
    timeout = make_sample(WRONG, outcome=Outcome.CHECKER_TIMEOUT)
    run = sampled(
        [
            [timeout, make_sample(RIGHT), make_sample(RIGHT)],
            ALL_RIGHT,
            [timeout, timeout, make_sample(WRONG)],
            [timeout, make_sample(RIGHT)],
            [make_sample(WRONG, outcome=G)] * 3,
        ]
    )
    broken = make_record(9, {"majority": E}, error="EngineError: gone")
    group = report(replace(run, records=(*run.records, broken)))
    (found,) = group.sampled
    assert (found.failed_problems, found.failed_samples, found.samples) == (4, 1, 2)
    assert found.parts[0].choosing.problems == 2
    assert found.parts[0].choosing.oracle == (1.0, 1.0)
    assert "harness failed on them: 4 problems, and 1 samples of others" in to_markdown([group])


def test_samples_that_go_on_past_others_count_up_to_the_fewest() -> None:
    (found,) = report(sampled([ONE_OF_THREE, [*ONE_OF_THREE, *ALL_RIGHT]])).sampled
    assert found.samples == 3
    assert len(found.parts[0].choosing.oracle) == 3
    assert found.parts[0].choosing.oracle[0] == pytest.approx((1 / 3 + 4 / 6) / 2)


def test_without_samples_it_is_said_what_to_run() -> None:
    command = "rstar-bench run --search sample --n 16 --benchmark pool --policy base --out DIR"
    with pytest.raises(MissingRunError, match=f"none of these runs has any. Run: {command}"):
        headroom([greedy([C, W])])
    with pytest.raises(MissingRunError, match=f"run has 1 of some problem. Run: {command}"):
        report(sampled([[make_sample(RIGHT)], ALL_RIGHT]))
    with pytest.raises(MissingRunError, match="run has no problem judged"):
        report(sampled([[make_sample(WRONG, outcome=G)] * 4]))


def test_families_and_levels_are_parts_of_their_own() -> None:
    run = sampled([ONE_OF_THREE, ONE_OF_THREE, ALL_RIGHT])
    kinds = {
        "p00": Kind("sums", "5"),
        "p01": Kind("sums", "Level 6"),
        "p02": Kind("gcd", "Level 6"),
    }
    (found,) = report(run, kinds=kinds).sampled
    assert [(p.name, p.kind, p.choosing.problems) for p in found.parts] == [
        ("all", "all", 3),
        ("gcd", "family", 1),
        ("sums", "family", 2),
        ("Level 6", "level", 2),
        ("level 5", "level", 1),
    ]
    assert found.parts[1].choosing.oracle == (1.0, 1.0, 1.0)


def test_a_family_that_holds_every_problem_is_not_listed_twice() -> None:
    kinds = {f"p0{i}": Kind("sums", None) for i in range(2)}
    assert len(report(sampled([ALL_RIGHT] * 2), kinds=kinds).sampled[0].parts) == 1


def test_a_benchmark_that_cannot_be_read_has_no_families() -> None:
    (group,) = headroom([sampled([ALL_RIGHT] * 2)])
    assert [part.name for part in group.sampled[0].parts] == ["all"]


def with_policy(run: Run, **policy: str) -> Run:
    config = {**run.config, "policy": policy}
    return replace(run, header={**run.header, "config": config})


def test_only_a_greedy_run_of_the_same_weights_and_template_is_compared_with() -> None:
    run = with_policy(sampled([ALL_RIGHT] * 2), name="p", digest="1", template_digest="a")
    same = with_policy(greedy([C, W]), name="p", digest="1", template_digest="a")
    other = with_policy(greedy([W, W]), name="p", digest="2", template_digest="a")
    asked = with_policy(greedy([W, W]), name="p", digest="1", template_digest="b")
    groups = headroom([other, asked, run, same], lambda benchmark: {})
    assert [len(group.sampled) for group in groups] == [1, 0, 0]
    assert [len(group.tokens) for group in groups] == [2, 1, 1]
    found = groups[0].sampled[0].parts[0].choosing.greedy
    assert found is not None
    assert found.estimate == 0.5


def test_samples_of_two_ppms_share_one_greedy_run_and_are_not_pooled() -> None:
    runs = [sampled([ALL_RIGHT, ALL_WRONG], ppm=ppm) for ppm in ("a", "b")]
    groups = headroom([*runs, greedy([C, C])], lambda benchmark: {})
    assert [group.ppm for group in groups] == ["a", "b"]
    assert all(group.sampled[0].parts[0].choosing.greedy for group in groups)


def test_the_first_sample_of_a_run_that_begins_greedily_is_greedy_and_no_sample() -> None:
    run = sampled([[make_sample(RIGHT), *ALL_WRONG], [make_sample(WRONG), *ALL_RIGHT]])
    config = {**run.config, "search": {"name": "sample", "n": 4, "greedy_first": True}}
    run = replace(run, header={**run.header, "config": config})
    of = choosing(run)
    assert of.oracle == (0.5, 0.5, 0.5)
    assert of.greedy is not None
    assert of.greedy.estimate == 0.5
    given = choosing(run, greedy([C, C])).greedy
    assert given is not None
    assert given.estimate == 1.0


def scored(right: Sequence[float], wrong: Sequence[float]) -> list[Sample]:
    unfinished = make_sample(None, 0.9)
    return [make_sample(RIGHT, *right), make_sample(WRONG, *wrong), unfinished]


def worth(samples: Sequence[Sequence[Sample]]) -> dict[str, Worth]:
    scoring = whole(sampled(samples)).scoring
    assert scoring is not None
    return {name: auc.worth for name, auc in scoring.auc.items() if auc is not None}


def test_scores_are_useful_harmful_or_at_chance_by_aggregate() -> None:
    # The first step knows, the last one has it backwards, the mean cannot tell.
    backwards = [scored((0.5, -0.5), (-0.5, 0.5))] * 8
    assert worth(backwards) == {
        "last": Worth.HARMFUL,
        "min": Worth.AT_CHANCE,
        "mean": Worth.AT_CHANCE,
        "product": Worth.AT_CHANCE,
    }
    assert set(worth([scored((0.5,), (-0.5,))] * 8).values()) == {Worth.USEFUL}
    mixed = [scored((0.5,), (-0.5,)), scored((-0.5,), (0.5,)), scored((-0.5,), (0.5,))]
    assert set(worth(mixed * 3).values()) == {Worth.AT_CHANCE}
    assert set(worth([scored((0.5,), (-0.5,))] * 5).values()) == {Worth.TOO_FEW}
    assert worth([[make_sample(RIGHT, 0.1), make_sample(RIGHT, 0.2)]] * 8) == {}


def test_auc_by_step_reads_the_samples_that_have_the_step() -> None:
    long = [make_sample(RIGHT, 0.1, 0.9, 0.3), make_sample(WRONG, 0.2, 0.1), make_sample(WRONG, 0)]
    scoring = whole(sampled([long] * 6)).scoring
    assert scoring is not None
    first, second, third = scoring.by_step
    assert first is not None
    assert second is not None
    assert (first.interval.estimate, second.interval.estimate, third) == (0.5, 1.0, None)


def test_a_score_that_follows_the_sign_is_found_out() -> None:
    rng = random.Random(4)
    answers = ["3", "-3", "7", "-20", "6/2", "0"]
    problems = []
    for _ in range(20):
        rng.shuffle(answers)
        problems.append(
            [
                make_sample(a, -0.5 if a.startswith("-") else 0.5 + rng.random() / 10)
                for a in answers
            ]
        )
    scoring = whole(sampled(problems)).scoring
    assert scoring is not None
    by = scoring.explained["last"]
    shares = {name: found.adjusted for name, found in by.items() if found is not None}
    assert shares["sign"] > 0.95
    assert shares["right"] < 0.5
    assert abs(shares["length"]) < 0.5
    assert by["sign"] is not None
    assert (by["sign"].n, by["sign"].clusters) == (120, 20)


def test_without_a_ppm_there_is_majority_alone() -> None:
    part = whole(sampled([ONE_OF_THREE] * 2))
    assert part.scoring is None
    assert list(part.choosing.chosen) == ["majority"]
    assert "AUC" not in to_markdown([report(sampled([ONE_OF_THREE] * 2))])


@pytest.mark.parametrize(
    ("answer", "sign", "size"),
    [
        ("12", 1, 1),
        ("-0.5", -1, -1),
        ("0", 0, "zero"),
        (r"\frac{-1}{8}", None, None),
        (r"-\frac{1}{8}", -1, -1),
        ("1,080", 1, 3),
        ("7" * 390, 1, 5),
        ("1/" + "7" * 390, 1, -2),
        ("3/0", None, None),
        ("x + 1", None, None),
        ("", None, None),
    ],
)
def test_the_sign_and_size_of_an_answer_are_read(
    answer: str, sign: int | None, size: int | str | None
) -> None:
    assert (read_sign(answer), read_size(answer)) == (sign, size)


def grow(trace: Trace, parent: int, text: str, kind: NodeKind, tokens: int) -> int:
    node = trace.add(trace.nodes[parent], len(trace.nodes), text, kind, tokens)
    if kind is NodeKind.ANSWER:
        node.answer = "3"
    return node.index


def stored(path: Path, search: str, trace: Trace, *, tree: bool = True) -> Run:
    config = make_run([], search=search).header["config"]
    with RunDir.open(path, {"config": config}) as run:
        for index in range(2):
            record = replace(make_record(index, {"majority": W}), samples=tuple(ONE_OF_THREE))
            run.append(record, trace.to_json() if tree or index else {}, {"total": 1.0}, index)
    return load_run(path)


def samples_trace() -> Trace:
    """Three equal programs, one of them without an answer, and a fourth."""
    trace = new_trace("p00", "sample", 0, "")
    for text, kind in (
        ("x", NodeKind.ANSWER),
        ("x", NodeKind.NO_ANSWER),
        ("x", NodeKind.ANSWER),
        ("y", NodeKind.ANSWER),
    ):
        step = grow(trace, 0, text, NodeKind.CODE_END, 20)
        end = grow(trace, step, "answer", kind, 5)
        trace.record(EventKind.ROLLOUT, trace.nodes[end])
    return trace


def test_tokens_of_samples_go_into_duplicates_unfinished_ones_and_answers(tmp_path: Path) -> None:
    use = read_token_use(stored(tmp_path / "run", "sample", samples_trace()))
    assert (use.problems, use.missing, use.generated) == (2, 0, 200)
    assert (use.duplicates, use.unfinished, use.answers) == (50, 50, 30)
    assert (use.solutions, use.distinct, use.per_distinct) == (6, 4, 50.0)


def test_tokens_of_a_tree_search_go_into_repeated_candidates(tmp_path: Path) -> None:
    trace = new_trace("p00", "mcts", 0, "")
    kept = grow(trace, 0, "x", NodeKind.CODE_END, 10)
    grow(trace, 0, "x <output>", NodeKind.DUPLICATE, 10)
    grow(trace, 0, "y", NodeKind.STEP, 7)
    end = grow(trace, kept, "answer", NodeKind.ANSWER, 5)
    grow(trace, kept, "answer", NodeKind.ANSWER, 5)
    trace.record(EventKind.ROLLOUT, trace.nodes[end])
    trace.record(EventKind.ROLLOUT, trace.nodes[end])
    use = read_token_use(stored(tmp_path / "run", "mcts", trace))
    assert (use.generated, use.duplicates, use.unfinished, use.answers) == (74, 30, 14, 20)
    assert (use.distinct, use.per_distinct) == (2, 37.0)


def test_a_tree_that_is_not_stored_is_counted(tmp_path: Path) -> None:
    run = stored(tmp_path / "run", "sample", samples_trace(), tree=False)
    group = report(run)
    assert (group.tokens[0].problems, group.tokens[0].missing) == (1, 1)
    assert "1 problems have no stored tree" in to_markdown([group])


def test_of_a_tree_search_alone_only_the_tokens_are_told() -> None:
    searched = make_run([make_record(0, {"mcts": C})], search="mcts", ppm="round-2")
    groups = headroom([sampled([ALL_RIGHT] * 2, ppm="round-1"), searched], lambda benchmark: {})
    assert [len(group.sampled) for group in groups] == [1, 0]
    assert [use.search for use in groups[1].tokens] == ["mcts"]
    assert "nothing is said of k" in to_markdown(groups)


def to_markdown(groups: Sequence[GroupReport]) -> str:
    return "\n".join(map(grid_to_markdown, lay_out(groups)))


def full(problems: int = 12) -> GroupReport:
    samples = [scored((0.5, 0.2, 0.1), (-0.5, 0.1, 0.2)) * 8] * problems
    kinds = {f"p{i:02}": Kind("a family with a long name", str(i % 3)) for i in range(6)}
    return report(sampled(samples, ppm="round-1"), greedy([C] * 2 + [W] * 10), kinds=kinds)


def test_the_terminal_report_fits_into_80_columns() -> None:
    console = Console(file=io.StringIO(), width=COLUMNS, record=True)
    console.print(grids_to_rich(lay_out([full()])))
    text = console.export_text()
    assert max(len(line.rstrip()) for line in text.splitlines()) <= COLUMNS
    for cell in ("a family", "level 2", "last/min/mean/product", "ceiling", "24"):
        assert cell in text
    assert "…" not in text


def test_random_subsets_are_owned_up_to() -> None:
    assert "mean over 1,000 random subsets" not in to_markdown([full()])
    many = [scored((0.5,), (0.1,)) * 9] * 2  # 18 scored samples of a problem
    assert "Weighted votes of 2 problems with more than 16" in to_markdown([report(sampled(many))])


def test_json_holds_every_k_as_fractions_and_reads_back() -> None:
    data = json.loads(json.dumps(to_json([full()]), allow_nan=False))
    (run,) = data["groups"][0]["sampled"]
    first = run["parts"][0]
    assert len(first["choosing"]["chosen"]["weighted mean"]) == run["samples"] == 24
    assert len(first["choosing"]["ceiling"]) == 24
    assert first["choosing"]["verdict"] in set(CeilingVerdict)
    assert first["choosing"]["generation_loss"][0] == pytest.approx(2 / 3)
    assert first["choosing"]["selection_loss"]["majority"][0] == pytest.approx(0.0)
    assert first["scoring"]["auc"]["last"]["worth"] == "harmful"
    assert first["scoring"]["explained"]["mean"]["right"]["n"] == 12 * 16


def test_verdicts_are_sentences_and_the_undecided_share_one() -> None:
    text = to_markdown([full()])
    assert "\n- all: " in text
    assert "Scores: min, mean, product useful; last harmful." in text
    assert "\n- Undecided: " in text


def test_two_readings_of_the_same_runs_are_equal() -> None:
    assert to_json([full()]) == to_json([full()])
