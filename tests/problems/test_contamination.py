from __future__ import annotations

import json
from collections import defaultdict
from pathlib import Path

import pytest

import bench.cli
from bench.errors import BenchError, DataError, UnknownNameError
from bench.problems import BENCHMARKS, Role, load, mirror
from bench.problems.contamination import (
    Overlap,
    choose,
    drop_overlaps,
    encode,
    find_overlaps,
    read_dropped_ids,
    read_training_file,
)
from bench.types import Problem

LONG = (
    "A farmer has 17 goats, sells 4 of them at the market on Monday, and buys twice as many "
    "as remain on Friday. How many goats does the farmer have now?"
)


def rows(*texts: str) -> list[Problem]:
    return [Problem(f"r{at}", text, "", "pool") for at, text in enumerate(texts)]


def found(train: str, problem: str) -> Overlap | None:
    overlaps = find_overlaps(rows(train), {"exam": rows(problem)})
    assert len(overlaps) <= 1
    return overlaps[0] if overlaps else None


@pytest.mark.parametrize(
    ("train", "problem"),
    [
        (r"Find $x^2+ \left(1\right)$.", "find x^{2} + (1)"),
        (r"What is $\dfrac12$ of 8?", r"What is $\frac12$ of $8$ ?"),
        (LONG, LONG.upper()),
    ],
)
def test_a_text_that_differs_in_layout_only_is_exact(train: str, problem: str) -> None:
    overlap = found(train, problem)
    assert overlap is not None
    assert overlap.exact


@pytest.mark.parametrize(
    ("train", "problem"),
    [
        ("Compute tan 225.", "Compute tan 22.5."),
        ("Compute cos(150).", "Compute cos(-150)."),
        ("Solve x^2 = 1.", "Solve x^3 = 1."),
    ],
)
def test_a_sign_or_a_point_makes_another_problem(train: str, problem: str) -> None:
    assert found(train, problem) is None


def test_half_of_the_13_grams_is_an_overlap_and_one_is_none() -> None:
    overlap = found(f"Old story: {LONG} Explain.", LONG.replace("now", "today"))
    assert overlap is not None
    assert not overlap.exact
    assert 0.5 <= overlap.share < 1
    shared = " ".join(LONG.split()[:13])
    assert found(f"{shared} " + "and so on " * 20, f"{LONG} {LONG[::-1]}") is None


def test_the_share_is_of_the_problem_not_of_the_training_row() -> None:
    overlap = found(f"{'Many other words come first. ' * 50} {LONG}", LONG)
    assert overlap is not None
    assert overlap.share == 1.0


def test_chinese_characters_are_words() -> None:
    text = "甲乙两人同时从同一地点出发沿同一方向步行甲每分钟走六十米乙每分钟走七十米"
    overlap = found(text + "问十分钟后相距多远", text)
    assert overlap is not None
    assert overlap.share == 1.0


def test_the_written_file_drops_the_rows_it_names(tmp_path: Path) -> None:
    train = rows(LONG, "What is 2 + 3?", "What is 7 - 5?")
    overlaps = find_overlaps(train, {"exam": rows(LONG), "quiz": rows("What is 7 - 5")})
    file = tmp_path / "drop.jsonl"
    file.write_bytes(encode(overlaps))
    assert [row.id for row in drop_overlaps(train, file)] == ["r1"]
    with pytest.raises(UnknownNameError, match="training row in .*drop.jsonl 'r0'"):
        drop_overlaps(train[1:], file)
    file.write_bytes(encode([]))
    assert drop_overlaps(train, file) == train
    file.write_text('{"id": "r0"}\n')
    with pytest.raises(DataError, match="line 1: no 'train_id'"):
        drop_overlaps(train, file)


def test_the_ids_to_drop_are_read_from_the_file(tmp_path: Path) -> None:
    train = rows(LONG, "What is 2 + 3?", "What is 7 - 5?")
    exams = {"exam": rows(LONG), "quiz": rows("What is 7 - 5", LONG)}
    file = tmp_path / "drop.jsonl"
    file.write_bytes(encode(find_overlaps(train, exams)))
    assert read_dropped_ids(file) == {"r0", "r2"}
    file.write_bytes(b"")
    assert read_dropped_ids(file) == frozenset()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b'{"train_id": "a"}\n{"train', r"drop.jsonl, line 2: not valid JSON"),
        (b'["a"]\n', r"drop.jsonl, line 1: expected a JSON object, found list"),
        (b'{"train_id": 5}\n', r"drop.jsonl, line 1: no 'train_id'"),
        (None, r"cannot read the rows to drop from .*drop.jsonl .*contamination --train"),
    ],
)
def test_a_file_that_is_no_list_of_overlaps_drops_nothing_silently(
    content: bytes | None, message: str, tmp_path: Path
) -> None:
    if content is not None:
        (tmp_path / "drop.jsonl").write_bytes(content)
    with pytest.raises(DataError, match=message):
        read_dropped_ids(tmp_path / "drop.jsonl")


def test_a_training_file_may_call_its_text_what_it_likes(tmp_path: Path) -> None:
    file = tmp_path / "mine.jsonl"
    file.write_text('{"query": "What is 1?", "id": 5}\n{"question": "What is 2?"}\n')
    assert [(row.id, row.question) for row in read_training_file(file)] == [
        ("5", "What is 1?"),
        ("2", "What is 2?"),
    ]
    file.write_text('{"text": "What is 1?"}\n')
    with pytest.raises(DataError, match="line 1: no text in any of the columns .* it has text"):
        read_training_file(file)
    file.write_text('{"query": "a", "id": 1}\n{"query": "b", "id": 1}\n')
    with pytest.raises(DataError, match="ids repeat"):
        read_training_file(file)
    file.write_text('{"query": "a"')
    with pytest.raises(DataError, match="line 1: not valid JSON"):
        read_training_file(file)


def test_all_means_every_benchmark_and_an_unknown_one_is_refused() -> None:
    known = dict.fromkeys(("exam", "quiz"))
    assert choose(["all"], known) == ["exam", "quiz"]
    assert choose(["quiz", "quiz"], known) == ["quiz"]
    with pytest.raises(UnknownNameError, match="did you mean 'quiz'"):
        choose(["quizz"], known)
    with pytest.raises(BenchError, match="--against all"):
        choose([], known)


def test_the_command_counts_and_writes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    if mirror.locate(BENCHMARKS["amc2023"]) is None:
        pytest.skip("no mirror: RSTAR_BENCH_DATA is not set and ../shared/data does not exist")
    train = tmp_path / "train.jsonl"
    first = load("amc2023", limit=1)[0]
    train.write_text(json.dumps({"id": "mine", "problem": first.question}) + "\n")
    command = ["contamination", "--train", str(train), "--against", "amc2023", "aime2024"]
    assert bench.cli.main([*command, "--list", "--out", str(tmp_path / "drop.jsonl")]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split() == ["mine", "amc2023", first.id, "exact"]
    assert lines[2].split() == ["amc2023", "40", "1", "1", "1"]
    assert lines[3].split() == ["aime2024", "30", "0", "0", "0"]
    assert "1 of 1 rows are in a benchmark" in lines[4]


FILES = {
    entry.file.removesuffix(".jsonl"): name
    for name, entry in BENCHMARKS.items()
    if entry.role is not Role.PROOF  # their questions are formal statements, not the texts compared
}


@pytest.mark.parametrize("pool", ["gsm8k_train", "math_train", "aime1983_2023"])
def test_the_overlaps_that_others_found_are_found(pool: str) -> None:
    path = mirror.locate(BENCHMARKS[pool])
    if path is None or not (path.parent / "decontaminate.json").is_file():
        pytest.skip("no mirror with a decontaminate.json: see RSTAR_BENCH_DATA")
    listed = json.loads((path.parent / "decontaminate.json").read_text())
    known: dict[str, set[str]] = defaultdict(set)
    for id_, files in listed[path.stem].items():
        known[id_] |= {FILES[file] for file in files if file in FILES}
    named = sorted(set.union(*known.values()))
    benchmarks = {name: load(name, errata=False) for name in named}
    assert all(BENCHMARKS[name].role is Role.EVAL for name in named)
    mine: dict[str, set[str]] = defaultdict(set)
    for each in find_overlaps(load(pool, errata=False), benchmarks):
        mine[each.train_id].add(each.benchmark)
    missed = {id_: sets - mine[id_] for id_, sets in known.items() if sets - mine[id_]}
    assert not missed
    pairs = sum(map(len, known.values()))
    assert pairs <= sum(map(len, mine.values())) <= 1.1 * pairs + 2
