"""`.eval_results`: whole benchmarks of the hub alone, read back by the hub's own client."""

from __future__ import annotations

import pytest
import yaml

from bench.errors import DataError
from bench.exports.hub import encode
from tests.exports.made_sources import make_source, of_samples
from tests.made_runs import C, E, W, greedy

hub = pytest.importorskip("huggingface_hub")
WHOLE = [C] * 659 + [W] * 659 + [E]


def test_a_whole_benchmark_is_an_entry_that_the_hub_reads() -> None:
    source = make_source(greedy(WHOLE, benchmark="gsm8k", policy="Qwen/Qwen2.5-7B"))
    bundle = encode([source])
    assert list(bundle.files) == ["Qwen/Qwen2.5-7B/.eval_results/gsm8k-greedy.yaml"]
    (data,) = bundle.files.values()
    (entry,) = hub.parse_eval_result_entries(yaml.safe_load(data))
    assert (entry.dataset_id, entry.task_id, entry.value) == ("openai/gsm8k", "gsm8k", 50.0)
    assert entry.date == "2026-01-31"
    assert entry.notes.startswith("greedy, n=1318, 95 % [47.3, 52.7]")
    assert "not judged: 1" in entry.notes


def test_two_results_that_would_be_one_file_are_refused() -> None:
    one, other = (make_source(greedy(each, benchmark="gsm8k")) for each in (WHOLE, [C] * 1319))
    with pytest.raises(DataError, match=r"would be the one file .*greedy\.yaml"):
        encode([one, other])


def test_part_of_a_benchmark_is_refused() -> None:
    with pytest.raises(DataError, match=r"it has 2 of 1319 problems"):
        encode([make_source(greedy([C, W], benchmark="gsm8k"))])


def test_a_benchmark_that_the_hub_does_not_have_is_refused() -> None:
    with pytest.raises(DataError, match="pool is no data set of the hub"):
        encode([of_samples()])


def test_a_data_set_that_is_no_benchmark_is_refused() -> None:
    with pytest.raises(DataError, match="not known to be a benchmark"):
        encode([make_source(greedy([C], benchmark="math500"))])
