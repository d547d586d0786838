"""A claim is judged link by link, corrected for all of them; where it cannot be, that is said."""

from __future__ import annotations

import io
import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from rich.console import Console

from bench import stats
from bench.cli import main
from bench.errors import BenchError, UnknownNameError
from bench.reports.chain import Link, LinkVerdict, check_order, judge_chains
from bench.reports.grid import COLUMNS, grids_to_rich
from bench.reports.leaderboard import leaderboard
from bench.reports.render import chain_to_grid, to_json, to_markdown
from bench.runs.reader import Run
from tests.made_runs import C, W, greedy, make_record, make_run, sampled
from tests.reports.test_token_budget import run

N = 40


def voting(only_majority: int, only_greedy: int, **options: str) -> list[Run]:
    """Samples and greedy solutions of N problems, right on different ones of them."""
    neither = N - only_majority - only_greedy
    votes = [C] * only_majority + [W] * (only_greedy + neither)
    alone = [W] * only_majority + [C] * only_greedy + [W] * neither
    return [sampled([(vote, W) for vote in votes], **options), greedy(alone, **options)]


def links(*cuts: Sequence[Run]) -> list[Link]:
    return [link for chain in judge_chains(cuts, ["majority", "greedy"]) for link in chain]


def test_the_links_are_the_neighbours_in_the_order_claimed() -> None:
    runs = [greedy([W, W, C]), sampled([(C, C), (W, C), (C, C)])]
    (chain,) = judge_chains([runs], ["best_of_n", "majority", "greedy"])
    assert [(link.above, link.below) for link in chain] == [
        ("best_of_n", "majority"),
        ("majority", "greedy"),
    ]
    right, voted, alone = [True] * 3, [True, False, True], [False, False, True]
    assert [link.difference for link in chain] == [
        stats.paired_difference(right, voted),
        stats.paired_difference(voted, alone),
    ]


def test_a_link_is_shown_not_shown_or_shown_the_other_way() -> None:
    found = links(voting(12, 0), voting(3, 0), voting(0, 12))
    assert [link.verdict for link in found] == [
        *(LinkVerdict.SHOWN, LinkVerdict.NOT_SHOWN, LinkVerdict.OTHER_WAY)
    ]


def test_what_is_shown_alone_is_not_shown_among_others() -> None:
    """Six against none: p = 2 / 64, which is below 0.05, and twice it is not."""
    (alone,) = links(voting(6, 0))
    assert (alone.corrected_p, alone.tests, alone.verdict) == (2 / 64, 1, "shown")
    first, second = links(voting(6, 0), voting(2, 2))
    assert (first.corrected_p, first.tests, first.verdict) == (4 / 64, 2, "not shown")
    assert (second.corrected_p, second.tests, second.verdict) == (1.0, 2, "not shown")


def test_a_link_that_is_not_shown_says_what_would_have_been() -> None:
    shown, open_, hopeless, equal = links(voting(20, 0), voting(12, 8), voting(1, 0), voting(0, 0))
    assert open_.detectable == stats.minimum_detectable_difference(
        N, discordant=20 / N, alpha=0.05 / 4
    )
    assert [link.verdict for link in (open_, hopeless, equal)] == ["not shown"] * 3
    assert [link.detectable for link in (shown, hopeless, equal)] == [None, None, None]


def test_every_policy_on_every_benchmark_has_links_of_its_own() -> None:
    runs = [
        *voting(6, 0),
        *voting(0, 6, policy="round-1"),
        *voting(1, 1, benchmark="math500"),
    ]
    found = links(runs)
    assert [(link.policy, link.benchmark, link.difference.only_a) for link in found] == [
        ("base", "pool", 6),
        ("round-1", "pool", 0),
        ("base", "math500", 1),
    ]
    assert {link.tests for link in found} == {3}


def test_a_method_that_no_run_has_is_named_with_those_there_are() -> None:
    with pytest.raises(BenchError, match=r"no run of base on pool answers by it; those given") as e:
        judge_chains([voting(6, 0)], ["mcts", "majority"])
    assert "best_of_n, greedy, majority. Give such a run, or leave mcts out" in str(e.value)


def test_a_method_that_several_runs_have_is_refused_with_their_paths() -> None:
    one, other = (
        replace(make_run([make_record(0, {"beam": C})], search="mcts"), path=Path(f"beam-{width}"))
        for width in (1, 2)
    )
    with pytest.raises(BenchError, match=r"several runs of base on pool .*: beam-1, beam-2\. Give"):
        judge_chains([[one, other, greedy([C])]], ["beam", "greedy"])


def test_answers_under_several_seeds_cannot_be_linked() -> None:
    twice = make_run([make_record(0, {"greedy": C}, seed=seed) for seed in (0, 1)])
    with pytest.raises(BenchError, match="majority and greedy of base on pool cannot be compared"):
        links([sampled([(C, C)]), twice])


@pytest.mark.parametrize("order", [["greedy"], ["greedy", "majority", "greedy"]])
def test_an_order_of_fewer_than_two_methods_is_refused(order: list[str]) -> None:
    with pytest.raises(BenchError, match="claims no order; name two or more different methods"):
        check_order(order)


def test_an_order_of_unknown_methods_is_refused_with_the_known_ones() -> None:
    with pytest.raises(UnknownNameError, match="unknown method 'best-of-n'; did you mean"):
        check_order(["best-of-n", "greedy"])


def test_markdown_has_a_line_for_each_link_below_its_table() -> None:
    runs = voting(6, 0)
    text = to_markdown(leaderboard(runs), links(runs, voting(12, 8))[:1])
    table, chain = text.split("\n\n**Chain · 0 of 1 links shown**\n\n")
    assert table == to_markdown(leaderboard(runs)).rstrip()
    assert chain.splitlines()[0] == (
        "| Claim | n | Points [95 %] | Only A/B | p | Holm p | Verdict | Detectable |"
    )
    assert chain.splitlines()[2] == (
        "| majority > greedy | 40 | +15.0 [+3.2, +29.1] | 6/0 | 0.031 | 0.062 | not shown | none |"
    )
    assert "corrected for the links of all tables, 2." in chain
    assert "p below 0.05/2" in chain


def test_links_of_several_policies_say_whose_they_are() -> None:
    chain = links([*voting(12, 0), *voting(12, 8, policy="round-1")])
    lines = to_markdown(leaderboard([]), chain).splitlines()
    assert "| base | majority > greedy | 40 | +30.0 " in "\n".join(lines)
    least = 100 * (chain[1].detectable or 0)
    assert any(
        line.startswith("| round-1 |") and line.endswith(f"| not shown | {least:.1f} |")
        for line in lines
    )


def test_the_terminal_shows_every_cell_of_a_chain() -> None:
    console = Console(file=io.StringIO(), width=COLUMNS, record=True)
    console.print(grids_to_rich([chain_to_grid(links(voting(12, 0)))]))
    text = console.export_text()
    for cell in ("majority > greedy", "+30.0 [", "12/0", "< 0.001", "shown", "1 of 1 links"):
        assert cell in text


def test_json_has_the_chain_only_where_one_was_asked_for() -> None:
    runs = voting(12, 8)
    assert "chain" not in to_json(leaderboard(runs))
    data = json.loads(json.dumps(to_json(leaderboard(runs), links(runs)), allow_nan=False))
    (link,) = data["chain"]
    assert (link["above"], link["below"], link["verdict"]) == ("majority", "greedy", "not shown")
    assert (link["difference"]["only_a"], link["tests"]) == (12, 1)
    assert link["corrected_p"] == link["difference"]["p"] == stats.mcnemar(12, 8)
    assert link["detectable"] == stats.minimum_detectable_difference(N, discordant=0.5)


@pytest.fixture(scope="module")
def samples(tmp_path_factory: pytest.TempPathFactory) -> str:
    return str(run(tmp_path_factory.mktemp("runs") / "samples", "sample", n=4).path)


def test_report_corrects_for_the_links_of_all_budgets_in_tokens_and_flops(
    samples: str, capsys: pytest.CaptureFixture[str]
) -> None:
    chain = ("--chain", "best_of_n,majority")
    asked = ["report", samples, "--tokens", "100,200", "--flops", *chain, "--format", "json"]
    assert main(asked) == 0
    tables = json.loads(capsys.readouterr().out)
    cuts = [{**table["rows"][0]["budget"]} for table in tables]
    assert cuts == [
        *({"cut_at": 100}, {"cut_at": 200}),
        *({"cut_at_flops_of": 100}, {"cut_at_flops_of": 200}),
    ]
    assert [link["tests"] for table in tables for link in table["chain"]] == [4, 4, 4, 4]
    assert main(["report", samples, "--tokens", "100", "--flops", *chain]) == 0
    text = " ".join(capsys.readouterr().out.split())
    assert text.count("best_of_n > majority") == 2
    assert "cut at the FLOPs of 100 tokens" in text


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (("--flops",), "--flops cuts at the FLOPs of a budget in tokens; give that with --tokens"),
        (("--chain", "best_of_n,majorty"), "unknown method 'majorty'; did you mean 'majority'"),
    ],
)
def test_report_refuses_before_it_reads_a_run(
    capsys: pytest.CaptureFixture[str], options: tuple[str, ...], sentence: str
) -> None:
    assert main(["report", "nowhere", *options]) == 2
    assert sentence in capsys.readouterr().err
