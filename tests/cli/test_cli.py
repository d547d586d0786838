"""The commands: what a user gets wrong costs a sentence, never a traceback; help needs no torch."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

import bench.cli
import rstar_train.cli
from bench.problems import BENCHMARKS, names
from bench.runs.record import Record, Sample, Selected, Tokens
from bench.runs.writer import RunDir
from bench.types import Outcome

ROOT = Path(__file__).parents[2]

RUN = ("run", "--benchmark", "embedded-grade-school", "--limit", "1", "--out", "out")


@pytest.fixture
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty working directory, and one published checkpoint of each kind, all of it names."""
    for kind in ("policy", "ppm"):
        folder = tmp_path / "checkpoints" / "smollm2-135m" / "round-1" / kind
        folder.mkdir(parents=True)
        (folder / "lineage.json").write_text(json.dumps({"kind": kind, "parent": "smollm2"}))
        for name in ("adapter_model.safetensors", "adapter_config.json"):
            (folder / name).write_bytes(b"")
    monkeypatch.setenv("RSTAR_BENCH_CHECKPOINTS", str(tmp_path / "checkpoints"))
    work = tmp_path / "work"
    work.mkdir()
    monkeypatch.chdir(work)
    return work


Main = Callable[[list[str]], int]


def refused(capsys: pytest.CaptureFixture[str], main: Main, *arguments: str) -> str:
    """Run a command that must be refused; return its one sentence on standard error."""
    status = main(list(arguments))
    captured = capsys.readouterr()
    assert status == 2
    assert captured.out == ""
    assert "Traceback" not in captured.err
    assert captured.err.count("\n") == 1
    return captured.err


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("--benchmark", "math5000"), "unknown benchmark 'math5000'; did you mean 'math500'"),
        (("--benchmark", "zzz"), "unknown benchmark 'zzz'. Known: 567neq, aime1983_2023, "),
        (
            ("--search", "mctss"),
            "unknown search 'mctss'; did you mean 'mcts' or 'abmcts' or 'closers'? "
            "Known: abmcts, beam, best_of_n",
        ),
        (
            ("--engine", "transfomers"),
            "unknown engine 'transfomers'; did you mean 'transformers'? Known: auto, invariant",
        ),
        (("--policy", "smollm3"), "unknown policy 'smollm3'; did you mean 'smollm2'"),
        (("--policy", "no/such/folder"), "no checkpoint folder 'no/such/folder'"),
        (("--policy", "."), ". is not a checkpoint: no config.json"),
        (
            ("--search", "mcts", "--ppm", "smolm2-r1"),
            "unknown PPM 'smolm2-r1'; did you mean 'smollm2-r1'? Known: smollm2-r1",
        ),
        (("--search", "greedy", "--ppm", "smollm2-r1"), "the search 'greedy' uses no PPM"),
    ],
)
def test_an_unknown_name_is_refused_with_the_known_ones(
    elsewhere: Path, capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...], sentence: str
) -> None:
    error = refused(capsys, bench.cli.main, *RUN, "--search", "greedy", *arguments)
    assert error.startswith(f"rstar-bench: {sentence}")
    assert list(elsewhere.iterdir()) == []


def test_a_search_that_needs_a_ppm_says_how_to_get_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("RSTAR_BENCH_CHECKPOINTS", str(tmp_path))
    error = refused(capsys, bench.cli.main, *RUN, "--search", "best_of_n")
    assert "'best_of_n' needs a PPM" in error
    assert "rstar-train evolve --recipe smollm2-cpu --rounds 1" in error


@pytest.mark.parametrize(
    ("option", "value", "complaint"),
    [
        ("--limit", "0", "argument --limit: '0' is wrong; it must be at least 1"),
        ("--limit", "-3", "argument --limit: '-3' is wrong; it must be at least 1"),
        ("--limit", "ten", "argument --limit: 'ten' is wrong; it must be a whole number"),
        ("--n", "0", "argument --n/--epochs: '0' is wrong; it must be at least 1"),
        ("--rollouts", "1.5", "argument --rollouts: '1.5' is wrong; it must be a whole number"),
        ("--concurrency", "0", "argument --concurrency: '0' is wrong; it must be at least 1"),
        ("--temperature", "0", "it must be above 0; --search greedy takes no samples"),
        ("--temperature", "inf", "'inf' is wrong; it must be a finite number"),
        ("--temperature", "hot", "'hot' is wrong; it must be a finite number"),
        ("--c", "nan", "argument --c: 'nan' is wrong; it must be a finite number"),
        ("--c", "-1", "argument --c: '-1' is wrong; it must be at least 0"),
        ("--seed", "x", "argument --seed: 'x' is wrong; it must be a whole number"),
        ("--rules", "offical", "'offical' is wrong; it must be one of paper, official"),
    ],
)
def test_a_number_out_of_range_is_refused(
    capsys: pytest.CaptureFixture[str], option: str, value: str, complaint: str
) -> None:
    with pytest.raises(SystemExit) as stopped:
        bench.cli.main([*RUN, "--search", "greedy", f"{option}={value}"])
    assert stopped.value.code == 2
    assert complaint in capsys.readouterr().err


def test_a_missing_mirror_is_named_with_what_to_set(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("RSTAR_BENCH_DATA", "/nonexistent")
    arguments = ("run", "--benchmark", "math500", "--search", "greedy", "--out", "out")
    error = refused(capsys, bench.cli.main, *arguments)
    assert "RSTAR_BENCH_DATA is '/nonexistent', which is not a directory; set it to" in error
    assert "'math500'" in error


def stored_run(path: Path, problems: int = 2) -> Path:
    """A small run that really is on disk; its first problem failed in the engine."""
    with RunDir.open(path, {"command": ["rstar-bench", "run"], "config": config()}) as run:
        for index in range(problems):
            outcome = Outcome.CORRECT if index else Outcome.ENGINE_ERROR
            record = Record(
                problem_id=f"p{index}",
                seed=0,
                benchmark="pool",
                gold="3",
                search="greedy",
                samples=(Sample("3", outcome, None, (), 5, "string: equal"),) if index else (),
                selected={"greedy": Selected("3" if index else None, outcome, None)},
                tokens=Tokens(10, 5, 0),
                executions=1,
                error=None if index else "EngineError: out of memory",
            )
            run.append(record, {}, {"total": 1.0}, index)
    return path


def config() -> dict[str, object]:
    return {
        "benchmark": {"name": "pool"},
        "policy": {"name": "scripted"},
        "search": {"name": "greedy"},
        "ppm": None,
        "seed": 0,
    }


def test_a_report_is_a_table_whose_notes_are_printed_once(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = stored_run(tmp_path / "run")
    assert bench.cli.main(["report", str(run)]) == 0
    text = " ".join(capsys.readouterr().out.split())
    assert "scripted on pool · n = 2 · seed 0" in text
    assert "greedy 100.0 [21,100] 0/0/0/0 1 [50,100]" in text
    assert text.count("W/N/T/U: wrong, no answer") == 1
    assert text.count("Failed: could not be judged") == 1


def test_a_report_has_its_other_formats(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run = stored_run(tmp_path / "run")
    assert bench.cli.main(["report", str(run), "--format", "json"]) == 0
    (row,) = json.loads(capsys.readouterr().out)["rows"]
    assert (row["n"], row["counts"]["correct"], row["counts"]["failures"]) == (2, 1, 1)
    assert bench.cli.main(["report", str(run), "--format", "markdown"]) == 0
    assert "| scripted | greedy | 2 |" in capsys.readouterr().out


def stored_samples(path: Path) -> Path:
    """A small run of three samples a problem: in each the second one is right."""
    with RunDir.open(path, {"config": {**config(), "search": {"name": "sample", "n": 3}}}) as run:
        for index in range(2):
            samples = tuple(
                Sample(answer, outcome, None, (), 5, "")
                for answer, outcome in (
                    ("1", Outcome.WRONG),
                    ("3", Outcome.CORRECT),
                    ("1", Outcome.WRONG),
                )
            )
            record = Record(
                problem_id=f"p{index}",
                seed=0,
                benchmark="pool",
                gold="3",
                search="sample",
                samples=samples,
                selected={"majority": Selected("1", Outcome.WRONG, 0)},
                tokens=Tokens(10, 15, 0),
                executions=3,
            )
            run.append(record, {}, {"total": 1.0}, index)
    return path


def test_headroom_says_what_the_samples_hold(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    runs = [str(stored_samples(tmp_path / "samples")), str(stored_run(tmp_path / "greedy"))]
    assert bench.cli.main(["headroom", *runs]) == 0
    text = " ".join(capsys.readouterr().out.split())
    assert "scripted on pool, PPM - · 3 samples of a problem, seed 0" in text
    assert "3 100 100 0" in text  # k, greedy, oracle, majority
    assert bench.cli.main(["headroom", *runs, "--format", "json"]) == 0
    (group,) = json.loads(capsys.readouterr().out)["groups"]
    assert group["sampled"][0]["parts"][0]["choosing"]["oracle"] == pytest.approx([1 / 3, 2 / 3, 1])
    assert bench.cli.main(["headroom", *runs, "--format", "markdown"]) == 0
    assert "| all | 2 | 1 | 100 | 33 | 33 |" in capsys.readouterr().out


@pytest.mark.usefixtures("embedded_gguf")
def test_a_dry_run_says_what_would_be_run_and_writes_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("openvino_genai", reason="no engine: pip install 'rstar-bench[cpu]'")
    out = tmp_path / "out"
    asked = ("--benchmark", "embedded-grade-school", "--limit", "3", "--model", "smollm2-r4")
    run = ("run", *asked, "--search", "sample", "--epochs", "4", "--dry-run", "--out", str(out))
    assert bench.cli.main(run) == 0
    first, models, knobs = capsys.readouterr().out.splitlines()
    assert first == f"{out}: sample on embedded-grade-school, 3 problems"
    assert models.startswith("  policy smollm2-r4 on invariant, template rstar; PPM smollm2-r4 on ")
    assert knobs == "  seed 0, n 4, aggregate last"
    compare = ("compare", *asked, "--tokens", "256", "--also", "rebase", "--dry-run")
    assert bench.cli.main([*compare, "--out", str(out)]) == 0
    named = [line for line in capsys.readouterr().out.splitlines() if not line.startswith(" ")]
    assert [Path(line.partition(":")[0]).name for line in named] == [
        *("greedy", "sample-256", "beam-1x4", "beam-2x4", "mcts-256", "rebase-4", "rebase-8"),
    ]
    assert not out.exists()


@pytest.mark.usefixtures("embedded_gguf")
def test_several_benchmarks_are_a_run_each_below_the_folder(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("openvino_genai", reason="no engine: pip install 'rstar-bench[cpu]'")
    run = ["run", "--search", "greedy", "--dry-run", "--out", str(tmp_path), "--benchmark"]
    asked = ["embedded-dial,embedded-grade-school", "--limit", "3"]
    assert bench.cli.main([*run, *asked]) == 0
    named = [line for line in capsys.readouterr().out.splitlines() if not line.startswith(" ")]
    assert named == [
        f"{tmp_path}/embedded-dial: greedy on embedded-dial, 3 problems",
        f"{tmp_path}/embedded-grade-school: greedy on embedded-grade-school, 3 problems",
    ]
    (tmp_path / "run.json").touch()
    assert bench.cli.main([*run, "embedded-grade-school,embedded-dial"]) == 2
    assert "holds a run; 2 benchmarks need another --out" in capsys.readouterr().err


def test_stopping_says_what_rules_would_have_saved(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = str(stored_samples(tmp_path / "samples"))
    assert bench.cli.main(["stopping", run, "--confidence", "0.7", "--window", "2"]) == 0
    text = " ".join(capsys.readouterr().out.split())
    assert "Stopping rules · scripted on pool · 2 problems, 3 samples" in text
    assert "beta 0.7" in text and "window 2" in text
    assert bench.cli.main(["stopping", run, "--format", "json"]) == 0
    (found,) = json.loads(capsys.readouterr().out)
    rules = ["beta 0.8", "beta 0.9", "beta 0.95", "beta 0.99", "window 2", "window 4"]
    assert [each["rule"] for each in found["rules"]] == rules


def test_headroom_without_samples_says_what_to_run(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    error = refused(capsys, bench.cli.main, "headroom", str(stored_run(tmp_path / "run")))
    assert error.endswith(
        "Run: rstar-bench run --search sample --n 16 --benchmark pool --policy scripted --out DIR\n"
    )


@pytest.mark.parametrize(
    ("damage", "sentence"),
    [
        (b'{"problem_id": 7}\n', "records.jsonl, line 3 is unreadable (no 'selected'). Repeat"),
        (b'{"problem', "records.jsonl, line 3 is half-written. Repeat the command"),
    ],
)
def test_a_damaged_run_is_refused_with_the_line_and_what_resuming_does(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], damage: bytes, sentence: str
) -> None:
    run = stored_run(tmp_path / "run")
    with (run / "records.jsonl").open("ab") as file:
        file.write(damage)
    error = refused(capsys, bench.cli.main, "report", str(run))
    assert sentence in error
    assert "its problem is run again" in error


def test_a_folder_that_is_no_run_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    error = refused(capsys, bench.cli.main, "report", str(tmp_path))
    assert "is not a run directory: it holds no run.json" in error


def test_benchmarks_lists_every_name(capsys: pytest.CaptureFixture[str]) -> None:
    assert bench.cli.main(["benchmarks"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == names()
    assert len(lines) > len(BENCHMARKS) > 10
    assert "MATH-500" in lines[0]


def test_a_benchmark_is_shown_with_what_is_wrong_with_it(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert bench.cli.main(["benchmarks", "show", "gaokao2023en"]) == 0
    shown = capsys.readouterr().out
    assert "unverified" in shown
    assert "machine translation" in shown
    assert "gaokao2023en-167: empty gold; unusable -" in shown


def test_verify_names_what_is_missing_and_fails(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.setenv("RSTAR_BENCH_DATA", str(tmp_path))
    assert bench.cli.main(["benchmarks", "verify", "gsm8k"]) == 1
    out, err = capsys.readouterr()
    assert "gsm8k            missing: RSTAR_BENCH_DATA is" in out
    assert "0 of 1 verified" in out
    assert "not verified: gsm8k" in err


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("--recipe", "smolm2-cpu"), "unknown recipe 'smolm2-cpu'; did you mean 'smollm2-cpu'"),
        (("--recipe", "nowhere/mine.yaml"), "no recipe file 'nowhere/mine.yaml'"),
        (("--recipe", "smollm2-cpu", "--rounds", "5"), "5 rounds were asked for, and the recipe"),
        (("--recipe", "smollm2-cpu", "--rounds", "-1"), "-1 rounds were asked for, and the recipe"),
    ],
)
def test_what_the_trainer_cannot_do_is_refused_before_anything_is_written(
    elsewhere: Path, capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...], sentence: str
) -> None:
    error = refused(capsys, rstar_train.cli.main, "evolve", *arguments)
    assert error.startswith(f"rstar-train: {sentence}")
    assert list(elsewhere.iterdir()) == []


def test_a_recipe_with_a_wrong_value_is_refused_with_file_key_and_type(
    elsewhere: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shipped = (ROOT / "rstar_train" / "recipes" / "smollm2-cpu.yaml").read_text()
    mine = elsewhere / "mine.yaml"
    mine.write_text(shipped.replace("rollouts: 8 ", "rollouts: many "))
    error = refused(capsys, rstar_train.cli.main, "evolve", "--recipe", str(mine))
    assert error == "rstar-train: mine.yaml: search.rollouts must be a whole number, not 'many'\n"


HEAVY = ("torch", "transformers", "openvino_genai", "openvino", "peft", "trl", "datasets")

BARE = """
import sys
sys.modules.update(dict.fromkeys({heavy!r}))  # None: importing one raises ImportError
from {package}.cli import main
sys.exit(main(sys.argv[1:]))
"""

LOADED = """
import contextlib, io, sys
from bench.cli import main
with contextlib.redirect_stdout(io.StringIO()), contextlib.suppress(SystemExit):
    main(sys.argv[1:])
print(*[name for name in {heavy!r} if name in sys.modules])
"""


def in_a_bare_environment(
    *arguments: str, cwd: Path = ROOT, package: str = "bench"
) -> subprocess.CompletedProcess[str]:
    """Run a command where none of the heavy packages can be imported."""
    return subprocess.run(
        [sys.executable, "-c", BARE.format(heavy=HEAVY, package=package), *arguments],
        cwd=cwd,
        env={**os.environ, "PYTHONPATH": str(ROOT), "RSTAR_BENCH_CACHE": str(cwd / "cache")},
        capture_output=True,
        text=True,
        timeout=120,
    )


@pytest.mark.parametrize(
    ("package", "arguments", "expected"),
    [
        ("bench", ("--help",), "usage: rstar-bench"),
        ("bench", ("run", "--help"), "--benchmark"),
        ("bench", ("--version",), "rstar-bench "),
        ("bench", ("benchmarks",), "embedded-grade-school"),
        ("rstar_train", ("--help",), "usage: rstar-train"),
        ("rstar_train", ("evolve", "--help"), "--recipe"),
    ],
)
def test_help_and_listings_need_no_heavy_package(
    package: str, arguments: tuple[str, ...], expected: str
) -> None:
    done = in_a_bare_environment(*arguments, package=package)
    assert (done.returncode, done.stderr) == (0, "")
    assert expected in done.stdout


@pytest.mark.parametrize("verb", ["--help", "benchmarks"])
def test_help_and_listings_load_no_heavy_package_where_there_are_some(verb: str) -> None:
    program = LOADED.format(heavy=HEAVY)
    command = [sys.executable, "-c", program, verb]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout.strip(), done.stderr) == (0, "", "")


def test_a_report_needs_no_heavy_package(tmp_path: Path) -> None:
    done = in_a_bare_environment("report", str(stored_run(tmp_path / "run")))
    assert (done.returncode, done.stderr) == (0, "")
    assert "100.0 [21,100]" in done.stdout


@pytest.mark.parametrize(
    ("engine", "package"),
    [("auto", "transformers"), ("openvino", "openvino-genai"), ("transformers", "transformers")],
)
def test_a_missing_extra_is_refused_with_the_command_that_installs_it(
    tmp_path: Path, engine: str, package: str
) -> None:
    done = in_a_bare_environment(*RUN, "--search", "greedy", "--engine", engine, cwd=tmp_path)
    assert done.returncode == 2
    assert "Traceback" not in done.stderr
    sentence = done.stderr.splitlines()[-1]
    assert f"needs the package {package!r}, which is not installed" in sentence
    assert sentence.endswith("Install it with: pip install 'rstar-bench[cpu]'")


def test_a_reader_that_has_enough_is_no_error() -> None:
    done = subprocess.run(
        f"{sys.executable} -m bench.cli benchmarks | head -1",
        shell=True,
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.stderr == ""
    assert done.stdout.count("\n") == 1
