"""The command: what it recognises, what it writes, and a sentence for everything else."""

from __future__ import annotations

import gzip
import json
import re
from base64 import b64decode
from pathlib import Path
from typing import Any

import pytest

from bench.checkers import compare
from bench.checkers.flips import Question, Recorded
from bench.checkers.stored import to_json
from bench.cli import main
from bench.page.sources import SourceKind, recognise
from bench.speed.page import make_run
from bench.types import Outcome, Verdict
from tests.page.test_document import Elements

REFUTATION = {"refuted": {"a": "1/2", "b": "2"}, "claim": 0}


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("runs")
    for name in ("one", "two"):
        make_run(folder / name, problems=2, nodes=12, policy=name)
    return folder


def read(page: Path) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """The data of a page, and what its problems and proofs open to."""
    scripts = Elements(page.read_text()).of("script")
    details = [json.loads(gzip.decompress(b64decode(text))) for _, text in scripts[1:-2]]
    return json.loads(scripts[0][1]), details


def test_a_folder_of_runs_is_a_page_of_all_of_them(
    runs: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "page.html"
    assert main(["page", str(runs), "--out", str(out)]) == 0
    assert f"page: {out} (" in capsys.readouterr().out
    data, details = read(out)
    assert [column["policy"] for column in data["runs"]["columns"]] == ["one", "two"]
    assert data["title"] == "one, two · made-up · 2 problems"
    assert [len(detail["columns"]) for detail in details] == [2, 2]


def write_training(folder: Path) -> Path:
    """A training of one round, as the trainer publishes it."""
    share = {"estimate": 0.5, "low": 0.4, "high": 0.6}
    method = {"label": "greedy", "accuracy": share, "n": 10}
    figures = {
        "search": {"problems": 10, "solved": 4},
        "rows": {"sft_rows": 7, "pairs": 9},
        "pair_accuracy": {"accuracy": 0.7, "low": 0.6, "high": 0.8},
        "policy": {"loss_first": 1.5, "loss_last": 0.5},
        "ppm": {"loss_first": 0.7, "loss_last": 0.4},
        "evaluation": {"greedy": method, "stage_seconds": 3.0},
        "coverage": {"all": {"percent": 40.0, "ever_percent": 45.0}},
    }
    round_1 = folder / "round-1"
    (round_1 / "policy").mkdir(parents=True)
    (round_1 / "figures.json").write_text(json.dumps(figures))
    bins = [{"said": 0.5, "share": 0.6, "low": 0.4, "high": 0.8}]
    (round_1 / "calibration.json").write_text(json.dumps(bins))
    lines = [{"step": step, "loss": 1.0 / step} for step in range(1, 200)] + [{"train_runtime": 3}]
    (round_1 / "policy" / "loss.jsonl").write_text("".join(json.dumps(x) + "\n" for x in lines))
    searcher = {"policy": {"name": "r0", "digest": "d"}}
    (round_1 / "policy" / "lineage.json").write_text(json.dumps({"searcher": searcher}))
    return folder


def test_published_rounds_are_charts_and_a_table(tmp_path: Path) -> None:
    out = tmp_path / "page.html"
    assert main(["page", str(write_training(tmp_path / "made")), "--out", str(out)]) == 0
    (training,) = read(out)[0]["trainings"]
    titles = [chart["title"] for chart in training["charts"]]
    assert titles == [
        "Held-out accuracy",
        "Pool solved by the search",
        "Loss of the policy",
        "Calibration of the PPM on held-out pairs",
    ]
    assert training["charts"][0]["series"][0]["points"] == [[1, 50, 40, 60]]
    losses = training["charts"][2]["series"][0]["points"]
    assert len(losses) <= 60 and losses[-1][0] == 199
    assert training["tables"][0]["rows"] == [
        ["1", "r0", "4 of 10", "7", "9", "1.50 to 0.50", "0.70 to 0.40", "70.0 [60.0, 80.0]"]
    ]


def test_a_diff_of_checkers_is_shown_with_its_flips(tmp_path: Path) -> None:
    def checker(name: str, outcome: Outcome) -> Recorded:
        return Recorded(name, {("1", "one"): Verdict(outcome, name, "1", "one", "said so")})

    question = Question("p1", "1", "one", equal=True)
    found = compare(
        checker("old", Outcome.WRONG), checker("new", Outcome.CORRECT), {"accepted": [question]}
    )
    file, out = tmp_path / "diff.json", tmp_path / "page.html"
    file.write_text(json.dumps(to_json(found)))
    assert main(["page", str(file), "--out", str(out)]) == 0
    (diff,) = read(out)[0]["diffs"]
    assert (diff["a"], diff["b"], diff["asked"]) == ("old", "new", 1)
    assert diff["flips"][0]["right"] == "b"
    assert diff["flips"][0]["a"]["outcome"] == "wrong"
    assert diff["scores"][0]["b"]["estimate"] == 1


def test_checkers_diff_writes_what_a_page_is_made_of(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    cases, file, out = tmp_path / "cases.jsonl", tmp_path / "diff.json", tmp_path / "page.html"
    row = {"id": "p1", "gold": "1/2", "prediction": "0.5", "equal": True}
    cases.write_text(json.dumps(row) + "\n")
    names = "prm800k-style,rstar-bench"
    assert main(["checkers", "diff", str(cases), "--checkers", names, "--out", str(file)]) == 0
    assert f"the diff is {file}" in capsys.readouterr().out
    assert main(["page", str(file), "--out", str(out)]) == 0
    assert read(out)[0]["diffs"][0]["asked"] == 1


def test_proofs_are_told_in_sentences(tmp_path: Path) -> None:
    archive, out = tmp_path / "some.jsonl.gz", tmp_path / "page.html"
    row = {"id": "p1", "certificate": REFUTATION}
    archive.write_bytes(gzip.compress(json.dumps(row).encode() + b"\n"))
    (tmp_path / "one.json").write_text(json.dumps(REFUTATION))
    given = [str(archive), str(tmp_path / "one.json")]
    assert main(["page", *given, "--out", str(out)]) == 0
    data, details = read(out)
    assert [line["id"] for line in data["proofs"]] == ["p1", "one"]
    assert data["proofs"][0]["brief"] == "refuted at a = 1/2, b = 2"
    assert details[0] == {"proof": {"refuted": {"a": "1/2", "b": "2"}}}


def test_paths_are_recognised_by_what_is_in_them(runs: Path, tmp_path: Path) -> None:
    training = write_training(tmp_path / "made")
    kinds = [source.kind for source in recognise([runs / "one", training])]
    assert kinds == [SourceKind.RUN, SourceKind.TRAINING]


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("absent", None, "there is no .*absent; expected a run directory"),
        ("text.json", "{", "text.json is no JSON"),
        ("list.json", "[]", "list.json is neither a certificate nor a diff of checkers"),
        ("diff.json", '{"kind": "checkers diff"}', "diff.json is no whole diff of checkers"),
        ("empty/", "", "empty is a folder without runs and without rounds"),
        ("half.jsonl.gz", "x", "half.jsonl.gz is not a whole gzip file"),
    ],
)
def test_anything_else_is_a_sentence(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], name: str, content: str | None, said: str
) -> None:
    path = tmp_path / name
    if name.endswith("/"):
        path.mkdir()
    elif content is not None:
        path.write_text(content)
    assert main(["page", str(path), "--out", str(tmp_path / "page.html")]) == 2
    error = capfd.readouterr().err
    assert re.search(said, error), error


def test_the_page_is_a_file_that_ends_in_html(
    runs: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    assert main(["page", str(runs), "--out", str(tmp_path / "page.txt")]) == 2
    assert "a name that ends in .html is expected" in capfd.readouterr().err
