"""lm-eval's layout: the keys of a run of lm-eval 0.4.13 with two filters, and typed failures."""

from __future__ import annotations

import hashlib
import json
from typing import Any

from bench.exports.lm_eval import encode
from tests.exports.made_sources import of_samples

RESULTS = {
    *("results", "group_subtasks", "configs", "versions", "n-shot", "higher_is_better"),
    *("n-samples", "config", "git_hash", "date", "pretty_env_info", "transformers_version"),
    *("lm_eval_version", "upper_git_hash", "task_hashes", "model_source", "model_name"),
    *("model_name_sanitized", "system_instruction", "system_instruction_sha"),
    *("fewshot_as_multiturn", "chat_template", "chat_template_sha"),
    "total_evaluation_time_seconds",
}
CONFIG = {
    *("model", "model_args", "batch_size", "batch_sizes", "device", "use_cache", "limit"),
    *("bootstrap_iters", "gen_kwargs", "random_seed", "numpy_seed", "torch_seed"),
    "fewshot_seed",
}
SAMPLE = {
    *("doc_id", "doc", "target", "arguments", "resps", "filtered_resps", "filter", "metrics"),
    *("doc_hash", "prompt_hash", "target_hash"),
}


def read() -> tuple[dict[str, Any], list[dict[str, Any]]]:
    results, samples = encode([of_samples()]).files.values()
    return json.loads(results), [json.loads(line) for line in samples.splitlines()]


def test_the_keys_are_those_of_lm_eval_and_rstar() -> None:
    results, samples = read()
    assert set(results) == {*RESULTS, "rstar"}
    assert set(results["config"]) == CONFIG
    for sample in samples:
        assert set(sample) == {*SAMPLE, *sample["metrics"], "rstar"}


def test_the_files_are_named_as_lm_eval_names_them() -> None:
    stamp = "2026-01-31T12-00-00.ababab"
    assert list(encode([of_samples()]).files) == [
        f"base-sample/results_{stamp}.json",
        f"base-sample/samples_rstar_pool_{stamp}.jsonl",
    ]


def test_a_selector_is_a_filter() -> None:
    results, samples = read()
    found = results["results"]["rstar_pool"]
    assert found["verdict,majority"] == 0.5
    assert found["verdict_stderr,majority"] == 0.5
    assert found["truncated,best_of_n"] == found["no_answer,best_of_n"] == 1 / 3
    assert [sample["filter"] for sample in samples] == ["majority"] * 3 + ["best_of_n"] * 3


def test_a_failure_has_no_verdict() -> None:
    results, samples = read()
    failed = samples[2]
    assert failed["failed"] == 1
    assert "verdict" not in failed
    assert results["results"]["rstar_pool"]["failed,majority"] == 1 / 3


def test_hashes_are_those_of_lm_eval() -> None:
    _, samples = read()
    assert samples[0]["target_hash"] == hashlib.sha256(b"1").hexdigest()
    shown = json.dumps(samples[0]["doc"], indent=2).encode()
    assert samples[0]["doc_hash"] == hashlib.sha256(shown).hexdigest()
    assert samples[0]["resps"] == [[f"solution {at}" for at in range(4)]]
    assert samples[0]["filtered_resps"] == ["solution 0"]
