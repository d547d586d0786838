"""What is wrong with a command is one line, with what was typed and what was perhaps meant."""

from __future__ import annotations

import pytest

import bench.cli
import rstar_train.cli

RUN = ["run", "--benchmark", "gsm8k", "--search", "greedy", "--out", "x"]


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (
            ["run", "--benchmrk", "gsm8k"],
            "run: unknown option --benchmrk; did you mean --benchmark?",
        ),
        ([*RUN, "--limti=3"], "run: unknown option --limti; did you mean --limit?"),
        ([*RUN, "--zzz"], "run: unknown option --zzz; see rstar-bench run --help"),
        (["run"], "run: --search, --out and --benchmark are missing; see rstar-bench run --help"),
        (["tree", "x"], "tree: --problem is missing; see"),
        (["tree", "x", "y", "--problem", "p"], "tree: not expected: y; see"),
        (["rnu"], ": unknown command 'rnu'; did you mean 'run'? Known: "),
        ([], ": COMMAND is missing; see rstar-bench --help"),
        (["--verbos", "run"], ": unknown option --verbos; did you mean --version?"),
        (["checkers", "gaet"], "checkers: unknown command 'gaet'; did you mean 'gate'? Known: "),
        (
            ["checkers", "gate", "--basline", "x"],
            "checkers gate: unknown option --basline; did you",
        ),
        (
            ["report", "x", "--format", "tabel"],
            "report: argument --format: unknown value 'tabel'; did you mean 'table'? Known: json, ",
        ),
        ([*RUN, "--limit", "0"], "run: argument --limit: '0' is wrong; it must be at least 1; see"),
        (["exec", "--cases"], "exec: argument --cases: expected one argument; see"),
    ],
)
def test_a_mistake_is_one_line(
    arguments: list[str], line: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as stopped:
        bench.cli.main(arguments)
    told = capsys.readouterr()
    assert (stopped.value.code, told.out) == (2, "")
    assert told.err.startswith("rstar-bench" + (line if line[0] == ":" else f" {line}"))
    assert told.err.count("\n") == 1


def test_the_trainer_says_it_alike(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        rstar_train.cli.main(["evolve", "--reciep", "smollm2-cpu"])
    told = capsys.readouterr().err
    assert told == (
        "rstar-train evolve: unknown option --reciep; did you mean --recipe? "
        "See rstar-train evolve --help\n"
    )


def test_an_option_may_be_shortened_and_what_follows_two_dashes_is_none(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert bench.cli.main(["check", "--gol", "3", "--pred", "3"]) == 0
    assert bench.cli.main(["report", "--", "--no-such-run"]) == 2
    assert "--no-such-run is not a run directory" in capsys.readouterr().err


@pytest.mark.parametrize("spelled", ["MATH500", "math-500", "Math_500"])
def test_a_benchmark_in_another_spelling_is_recognised(
    spelled: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert bench.cli.main([*RUN, "--benchmark", spelled]) == 2
    said = f"unknown benchmark '{spelled}'; did you mean 'math500'? Known: "
    assert said in capsys.readouterr().err
