"""What is wrong with a command is one line, with what was typed and what was perhaps meant."""

from __future__ import annotations

import argparse
from contextlib import suppress
from pathlib import Path

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


def test_an_option_is_named_whole_and_what_follows_two_dashes_is_none(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with pytest.raises(SystemExit):
        bench.cli.main(["check", "--gol", "3", "--pred", "3"])
    assert "unknown option --gol; did you mean --gold?" in capsys.readouterr().err
    assert bench.cli.main(["report", "--", "--no-such-run"]) == 2
    assert "--no-such-run is not a run directory" in capsys.readouterr().err


@pytest.mark.parametrize("spelled", ["MATH500", "math-500", "Math_500"])
def test_a_benchmark_in_another_spelling_is_recognised(
    spelled: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert bench.cli.main([*RUN, "--benchmark", spelled]) == 2
    said = f"unknown benchmark '{spelled}'; did you mean 'math500'? Known: "
    assert said in capsys.readouterr().err


# Configuration files.


def parse(*words: str) -> argparse.Namespace:
    return bench.cli._parser().parse_args(words)


def test_options_come_from_a_file_and_those_of_the_command_line_go_before(tmp_path: Path) -> None:
    file = tmp_path / "run.yaml"
    file.write_text(
        "benchmark: gsm8k\nsearch: sample\nout: x\nn: 4\nat_once: 2\ngreedy-first: true\n"
        "no_errata: true\nlimit: 7\nppm:\n"
    )
    found = parse("run", "--config", str(file), "--limit", "3")
    assert (found.benchmark, found.search, found.out) == ("gsm8k", "sample", Path("x"))
    assert (found.n, found.at_once, found.greedy_first, found.errata) == (4, 2, True, False)
    assert found.limit == 3
    assert parse("run", f"--config={file}").limit == 7


def test_lists_are_given_as_an_option_takes_them(tmp_path: Path) -> None:
    file = tmp_path / "c.yaml"
    file.write_text("benchmark: gsm8k\nout: x\ntokens: [512, 1024]\nbeam_widths: none\n")
    found = parse("compare", "--config", str(file))
    assert (found.tokens, found.beam_widths) == ((512, 1024), ())
    file.write_text("pair: [a:b, c]\n")
    assert parse("compare-runs", "x", "y", "--config", str(file)).pair == ["a:b", "c"]
    given = parse("compare-runs", "x", "y", "--config", str(file), "--pair", "d")
    assert given.pair == ["d"]
    file.write_text("train: t\nagainst: [math500, gsm8k]\n")
    assert parse("contamination", "--config", str(file)).against == ["math500", "gsm8k"]
    given = parse("contamination", "--against", "all", "--config", str(file))
    assert (given.against, given.train) == (["all"], "t")


@pytest.mark.parametrize(("text", "ray"), [("true", "local"), ("false", None), ("a:1", "a:1")])
def test_an_option_with_a_value_or_none_is_a_switch_as_well(
    text: str, ray: str | None, tmp_path: Path
) -> None:
    file = tmp_path / "c.yaml"
    file.write_text(f"ray: {text}\n")
    assert parse(*RUN, "--config", str(file)).ray == ray


def test_what_has_no_option_stays_on_the_command_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "c.yaml"
    file.write_text("runs: [a, b]\n")
    assert bench.cli.main(["compare-runs", "--config", str(file)]) == 2
    assert "runs is no option; give it on the command line" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("benchmrk: gsm8k", "unknown option in c.yaml: 'benchmrk'; did you mean 'benchmark'?"),
        ("help: true", "unknown option in c.yaml: 'help'"),
        ("config: d.yaml", "unknown option in c.yaml: 'config'"),
        ("no-errata: perhaps", "c.yaml: no-errata is 'perhaps'; true or false is expected"),
        ("limit: {a: 1}", "c.yaml: limit is {'a': 1}; a value or a list is expected"),
        ("limit: many", "argument --limit: 'many' is wrong; it must be a whole number"),
        ("- a", "c.yaml: expected keys with values"),
        ("a: [", "the configuration c.yaml is no YAML"),
    ],
)
def test_what_is_wrong_in_a_file_is_one_line(
    text: str,
    said: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("c.yaml").write_text(f"{text}\n")
    with suppress(SystemExit):
        assert bench.cli.main([*RUN, "--config", "c.yaml"]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert said in line


def test_a_file_that_is_not_there_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    assert bench.cli.main([*RUN, "--config", "nowhere.yaml"]) == 2
    assert "cannot read the configuration nowhere.yaml" in capsys.readouterr().err
