"""Every Eval Ever: valid by its own schemas, with intervals, and without failures."""

from __future__ import annotations

import hashlib
import json
from typing import Any

import pytest

from bench.errors import RunDirError
from bench.exports.bundle import Bundle
from bench.exports.eee import encode
from tests.exports.made_sources import make_source, of_failures, of_samples
from tests.exports.schemas import faults_of
from tests.made_runs import C, W, greedy

AGGREGATE, SAMPLE = "eval.schema.json", "instance_level_eval.schema.json"


def read(bundle: Bundle) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """The only aggregate of an export, and its samples."""
    aggregate, samples = bundle.files.values()
    return json.loads(aggregate), [json.loads(line) for line in samples.splitlines()]


def test_both_files_are_valid() -> None:
    aggregate, samples = read(encode([of_samples()]))
    assert faults_of(aggregate, AGGREGATE) == []
    assert [fault for sample in samples for fault in faults_of(sample, SAMPLE)] == []


@pytest.mark.parametrize(
    ("key", "value"), [("evaluation_id", 1), ("model_info", {}), ("unknown", "x")]
)
def test_the_schema_refuses_what_is_not_valid(key: str, value: object) -> None:
    aggregate, _ = read(encode([of_samples()]))
    assert faults_of({**aggregate, key: value}, AGGREGATE)


def test_a_selector_is_a_result_with_its_interval() -> None:
    source = of_samples()
    aggregate, _ = read(encode([source]))
    results = aggregate["evaluation_results"]
    assert [r["metric_config"]["metric_parameters"]["selector"] for r in results] == [
        "majority",
        "best_of_n",
    ]
    accuracy = source.rows[0].accuracy
    assert accuracy is not None
    interval = results[0]["score_details"]["uncertainty"]["confidence_interval"]
    assert (interval["lower"], interval["upper"]) == (accuracy.low, accuracy.high)
    assert results[0]["score_details"]["score"] == accuracy.estimate == 0.5


def test_failures_are_left_out_and_counted() -> None:
    bundle = encode([of_samples()])
    _, samples = read(bundle)
    assert len(samples) == 5  # of six
    assert "1 of 3 answers by majority left out" in bundle.notes[0]


def test_samples_name_the_aggregate_and_keep_the_outcome_and_the_text() -> None:
    aggregate, samples = read(encode([of_samples()]))
    ids = {each["evaluation_result_id"] for each in aggregate["evaluation_results"]}
    assert {sample["evaluation_result_id"] for sample in samples} == ids
    truncated = samples[-1]
    assert truncated["metadata"]["outcome"] == "truncated"
    assert truncated["evaluation"] == {"score": 0.0, "is_correct": False}
    assert truncated["output"]["raw"] == ["solution 0"]
    assert truncated["input"]["raw"] == "What is p02?"


def test_the_aggregate_has_the_checksum_of_the_samples() -> None:
    bundle = encode([of_samples()])
    details = read(bundle)[0]["detailed_evaluation_results"]
    data = bundle.files[details["file_path"]]
    assert details["checksum"] == hashlib.sha256(data).hexdigest()
    assert details["total_rows"] == len(data.splitlines())


def test_an_export_repeated_is_the_same() -> None:
    assert encode([of_samples()]).files == encode([of_samples()]).files


def test_a_published_benchmark_names_its_data_set() -> None:
    aggregate, _ = read(encode([make_source(greedy([C, W], benchmark="gsm8k"))]))
    data = aggregate["evaluation_results"][0]["source_data"]
    assert (data["source_type"], data["hf_repo"]) == ("hf_dataset", "openai/gsm8k")
    assert faults_of(aggregate, AGGREGATE) == []


def test_a_model_of_the_hub_keeps_its_name() -> None:
    aggregate, _ = read(encode([make_source(greedy([C], policy="Qwen/Qwen2.5-7B@main"))]))
    assert aggregate["model_info"]["id"] == "Qwen/Qwen2.5-7B"


def test_a_run_without_a_judged_answer_is_left_out_with_a_note() -> None:
    bundle = encode([of_failures()])
    assert bundle.files == {}
    assert any("no answer could be judged" in note for note in bundle.notes)


def test_a_run_that_does_not_say_when_it_was_made_is_refused() -> None:
    with pytest.raises(RunDirError, match="does not say when"):
        encode([make_source(greedy([C]), created="yesterday")])
