"""The real server on the real small model, asked by the clients that people have."""

from __future__ import annotations

import gzip
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

for package in ("starlette", "uvicorn", "openai", "openvino_genai", "httpx"):
    pytest.importorskip(package)
import httpx  # noqa: E402
import openai  # noqa: E402

from bench.problems import load  # noqa: E402
from tests.serving.conftest import P  # noqa: E402
from tests.serving.process import (  # noqa: E402
    SECONDS,
    about,
    messages,
    read_url,
    start,
)

pytestmark = pytest.mark.slow

BENCHMARK = "embedded-grade-school"
KEY = "a-key-of-this-test"
TASK = r"""
task: sums
dataset_path: json
dataset_kwargs:
  data_files: {test: ROWS}
test_split: test
output_type: generate_until
doc_to_text: "{{question}}"
doc_to_target: "{{answer}}"
generation_kwargs: {until: ["Question:", "</s>"], do_sample: false, temperature: 0.0}
filter_list:
  - name: flexible-extract
    filter:
      - {function: regex, group_select: -1, regex_pattern: "(-?[$0-9.,]{2,})|(-?[0-9]+)"}
      - {function: take_first}
metric_list:
  - {metric: exact_match, aggregation: mean, higher_is_better: true}
"""


@dataclass(frozen=True)
class Served:
    """A running server."""

    url: str
    """Ends in /v1."""
    trees: Path
    process: subprocess.Popen[str]

    def client(self, key: str = KEY) -> openai.OpenAI:
        return openai.OpenAI(base_url=self.url, api_key=key, timeout=SECONDS, max_retries=0)


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    folder = tmp_path_factory.mktemp("served")
    key = folder / "key"
    key.write_text(f"{KEY}\n")
    limits = ("--port", "0", "--concurrency", "1", "--queue", "0", "--max-tokens", "20000")
    models = ("--policy", P, "--ppm", P, "--search", "mcts")
    process = start(
        "serve", *models, *limits, "--key-file", str(key), "--out", str(folder / "trees")
    )
    try:
        yield Served(read_url(process), folder / "trees", process)
        process.send_signal(signal.SIGTERM)
        assert process.wait(SECONDS) == 0
    finally:
        process.kill()
        process.wait()


def test_a_reply_is_what_run_finds_and_its_tree_is_the_runs(served: Served, tmp_path: Path) -> None:
    (problem,) = load(BENCHMARK, limit=1)
    reply = served.client().chat.completions.create(
        model=f"mcts-2/{P}",
        messages=messages(problem.question),
        seed=0,
        extra_body={"problem_id": problem.id, "search": {"candidates": 3}},
    )
    knobs = ("--search", "mcts", "--rollouts", "2", "--candidates", "3", "--seed", "0")
    run = start(
        *("run", "--benchmark", BENCHMARK, "--limit", "1", "--policy", P, "--ppm", P),
        *(*knobs, "--out", str(tmp_path / "run")),
    )
    assert run.wait(SECONDS) == 0
    record = json.loads((tmp_path / "run" / "records.jsonl").read_text())
    tree = json.loads(gzip.decompress((tmp_path / "run/trees/shard-0000.jsonl.gz").read_bytes()))
    told = about(reply)
    kept = json.loads(gzip.decompress((served.trees / f"{told['tree']}.json.gz").read_bytes()))
    assert kept["trace"] == tree["tree"]
    assert told["answer"] == record["selected"]["mcts"]["answer"]
    assert reply.usage is not None
    assert reply.usage.completion_tokens == record["tokens"]["policy_generated"]
    assert reply.usage.prompt_tokens == record["tokens"]["policy_prompt"]
    assert told["ppm_tokens"] == record["tokens"]["ppm"]
    page = httpx.get(told["tree_url"])
    assert page.status_code == 200 and "<!doctype html>" in page.text


def test_a_completion_and_a_stream_are_equal_searches(served: Served) -> None:
    client, model = served.client(), f"greedy/{P}"
    question = "State the final answer to the following arithmetic problem: 8 + 4 + 7 ="
    whole = client.completions.create(model=model, prompt=question)
    chunks = list(
        client.chat.completions.create(
            model=model,
            messages=messages(question),
            stream=True,
            stream_options={"include_usage": True},
        )
    )
    said = [chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices]
    assert "".join(said) == whole.choices[0].text
    assert f"\\boxed{{{about(whole)['answer']}}}" in whole.choices[0].text
    assert chunks[-1].usage == whole.usage
    assert len(said) > 3


def test_what_is_wrong_with_a_request_is_the_clients_error(served: Served) -> None:
    with pytest.raises(openai.AuthenticationError, match="asks for a key"):
        served.client("another").models.list()
    with pytest.raises(openai.BadRequestError, match="does not use rolouts; it uses"):
        served.client().chat.completions.create(
            model=P, messages=messages("1 + 1 ="), extra_body={"search": {"rolouts": 2}}
        )
    with pytest.raises(openai.NotFoundError, match="does not exist"):
        served.client().chat.completions.create(model="gpt-4", messages=messages("1 + 1 ="))
    with pytest.raises(openai.BadRequestError, match="may generate 20000"):
        served.client().completions.create(model=P, prompt="1 + 1 =", max_tokens=20_001)
    with pytest.raises(openai.BadRequestError, match="are too many for .* positions"):
        served.client().completions.create(model=f"greedy/{P}", prompt="1 + " * 9_000)


def test_a_full_queue_is_a_rate_limit_and_a_hang_up_frees_the_place(served: Served) -> None:
    client = served.client()
    stream = client.chat.completions.create(
        model=f"mcts-64/{P}", messages=messages("What is 31 * 42 - 17?"), stream=True
    )
    with pytest.raises(openai.RateLimitError, match="ask again later") as refused:
        client.chat.completions.create(model=P, messages=messages("1 + 1 ="))
    assert int(refused.value.response.headers["retry-after"]) >= 1
    stream.close()
    deadline = time.monotonic() + SECONDS
    health = served.url.replace("/v1", "/health")
    while httpx.get(health, timeout=SECONDS).json()["searching"]:
        assert time.monotonic() < deadline
        time.sleep(0.1)
    reply = client.chat.completions.create(
        model=f"greedy/{P}", messages=messages("State the final answer: 2 + 5 =")
    )
    assert reply.choices[0].message.content


def test_max_tokens_ends_a_search(served: Served) -> None:
    reply = served.client().chat.completions.create(
        model=f"mcts-64/{P}", messages=messages("What is 31 * 42 - 17?"), max_tokens=200
    )
    assert reply.choices[0].finish_reason == "length"
    assert about(reply)["ended"] == "tokens"
    assert reply.usage is not None and reply.usage.completion_tokens < 200 + 4 * 96


def test_lm_eval_asks_it(served: Served, tmp_path: Path) -> None:
    for package in ("lm_eval", "tenacity", "aiohttp"):
        pytest.importorskip(package)
    asked = "State the final answer to the following arithmetic problem: "
    rows = [
        {"question": f"{asked}8 + 4 =", "answer": "12"},
        {"question": f"{asked}30 - 9 =", "answer": "21"},
    ]
    (tmp_path / "rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    tasks = tmp_path / "tasks"
    tasks.mkdir()
    (tasks / "sums.yaml").write_text(TASK.replace("ROWS", str(tmp_path / "rows.jsonl")))
    arguments = f"base_url={served.url}/chat/completions,model=mcts-1/{P},timeout=1800,seed=0"
    done = subprocess.run(
        [
            *(sys.executable, "-m", "bench.cli", "lm-eval", "run"),
            *("--model", "local-chat-completions", "--model_args", arguments),
            *("--tasks", "sums", "--include_path", str(tasks), "--apply_chat_template"),
            *("--gen_kwargs", "temperature=1.0,max_gen_toks=4096"),
            *("--output_path", str(tmp_path / "out"), "--log_samples"),
        ],
        env={**os.environ, "OPENAI_API_KEY": KEY, "HF_HOME": str(tmp_path / "hf")},
        timeout=SECONDS,
    )
    assert done.returncode == 0
    (samples,) = (tmp_path / "out").rglob("samples_sums_*.jsonl")
    found = [json.loads(line) for line in samples.read_text().splitlines()]
    assert len(found) == 2
    for sample in found:
        text = sample["resps"][0][0]
        assert "\\boxed{" in text or text == "The search ended without an answer."
    (results,) = (tmp_path / "out").rglob("results_*.json")
    score = json.loads(results.read_text())["results"]["sums"]
    assert 0 <= score["exact_match,flexible-extract"] <= 1


@pytest.fixture(scope="module")
def open_to_all() -> Iterator[Served]:
    """A server without a key, that searches several requests at a time."""
    process = start("serve", "--policy", P, "--ppm", P, "--port", "0")
    try:
        yield Served(read_url(process), Path(), process)
    finally:
        process.kill()
        process.wait()


def test_a_reply_does_not_depend_on_what_is_asked_beside_it(open_to_all: Served) -> None:
    def ask(question: str) -> tuple[str | None, Any, Any]:
        reply = open_to_all.client().chat.completions.create(
            model=f"sample-2/{P}", messages=messages(question)
        )
        told = {k: v for k, v in about(reply).items() if k not in ("seconds", "waited")}
        return reply.choices[0].message.content, reply.usage, told

    questions = [f"State the final answer: {number} + 5 =" for number in (2, 31, 7)]
    with ThreadPoolExecutor(3) as together:
        beside = list(together.map(ask, questions))
    assert ask(questions[1]) == beside[1]


def test_ctrl_c_ends_a_server_that_searches(open_to_all: Served) -> None:
    process, url = open_to_all.process, open_to_all.url
    told: list[Exception] = []

    def ask() -> None:
        try:
            open_to_all.client().chat.completions.create(
                model=f"mcts-64/{P}", messages=messages("What is 31 * 42 - 17?")
            )
        except openai.OpenAIError as error:
            told.append(error)

    asking = threading.Thread(target=ask)
    asking.start()
    while not httpx.get(url.replace("/v1", "/health"), timeout=SECONDS).json()["searching"]:
        time.sleep(0.1)
    process.send_signal(signal.SIGINT)
    assert process.wait(SECONDS) == 0
    asking.join(SECONDS)
    (error,) = told
    assert isinstance(error, openai.InternalServerError) and error.status_code == 503
    assert "the server is ending" in str(error)
