"""What a request may ask: search and budget by the model's name, knobs in the body, no more."""

from __future__ import annotations

from typing import Any

import pytest

pytest.importorskip("starlette", reason="rstar-bench[serve] is not installed")

from bench.search import DVTS, MCTS, Greedy, Sampling  # noqa: E402
from bench.serving.catalogue import Catalogue  # noqa: E402
from bench.serving.errors import RequestError  # noqa: E402
from bench.serving.reading import Asked, read_json, read_request  # noqa: E402
from bench.serving.settings import ServerSettings  # noqa: E402
from tests.serving.conftest import P  # noqa: E402


def body(**given: Any) -> dict[str, Any]:
    return {"model": P, "messages": [{"role": "user", "content": "What is 1 + 2?"}], **given}


def read(catalogue: Catalogue, given: dict[str, Any], *, is_chat: bool = True) -> Asked:
    return read_request(given, catalogue, ServerSettings(max_tokens=9_000), is_chat=is_chat)


@pytest.mark.parametrize(
    ("model", "config"),
    [
        (P, MCTS(rollouts=4, candidates=2)),
        (f"mcts/{P}", MCTS(rollouts=4, candidates=2)),
        (f"mcts-64/{P}", MCTS(rollouts=64, candidates=2)),
        (f"sample-8/{P}", Sampling(n=8)),
        (f"majority-3/{P}", Sampling(n=3)),
        (f"dvts-2/{P}", DVTS(n=2)),
        (f"greedy/{P}", Greedy()),
    ],
)
def test_a_models_name_says_search_and_budget(
    catalogue: Catalogue, model: str, config: object
) -> None:
    assert read(catalogue, body(model=model)).resolved.search_config == config


@pytest.mark.parametrize(
    ("model", "status", "said"),
    [
        ("gpt-4", 404, f"the model 'gpt-4' does not exist; this server has '{P}'"),
        (f"mcts-64/{P}x", 404, "does not exist"),
        (f"mctss-64/{P}", 404, "unknown search 'mctss'; did you mean 'mcts'"),
        (f"mcts-x/{P}", 404, "unknown search"),
        (f"mcts-{'9' * 5000}/{P}", 400, "model: rollouts is 1000000000000; it must be at most"),
        (f"mcts-0/{P}", 400, "model: rollouts is 0; it must be at least 1"),
        (f"greedy-2/{P}", 400, f"has no number .* ask for the model greedy/{P}"),
        (f"beam-2/{P}", 400, "has no number"),
        (f"cpl/{P}", 400, "reads plans, and in the template 'rstar' the policy"),
        (f"closers/{P}", 400, "decides inequalities and answers no questions"),
        (f"sample-512/{P}", 400, "512 candidates at once of up to 320 tokens .*at_once"),
    ],
)
def test_a_model_that_is_not_served_is_refused(
    catalogue: Catalogue, model: str, status: int, said: str
) -> None:
    with pytest.raises(RequestError, match=said) as refused:
        read(catalogue, body(model=model))
    assert refused.value.status == status


def test_knobs_in_the_body_come_over_those_of_the_server(catalogue: Catalogue) -> None:
    asked = read(catalogue, body(search={"rollouts": 16, "c": 1, "selector": "mcts_likely"}))
    assert asked.resolved.search_config == MCTS(rollouts=16, candidates=2, c=1.0)
    assert asked.selector == "mcts_likely"
    asked = read(catalogue, body(model=f"mcts-3/{P}", search={"name": "mcts", "rollouts": 3}))
    assert asked.resolved.search_config == MCTS(rollouts=3, candidates=2)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"search": {"rollout": 2}}, "the search 'mcts' does not use rollout; it uses candidates"),
        ({"search": {"name": "mctss"}}, "unknown search 'mctss'"),
        ({"search": {"rollouts": "8"}}, "search.rollouts is '8'; it must be a whole number"),
        ({"search": {"rollouts": 0}}, "search.rollouts is 0; it must be at least 1"),
        ({"search": {"rules": "papers"}}, "it must be one of paper, official, efficient"),
        ({"search": {"selector": "best"}}, "unknown selector of 'mcts' 'best'"),
        ({"search": {"candidates": 1000}}, "1000 candidates at once"),
        ({"search": "mcts"}, "'search' is a JSON text; an object is expected"),
        ({"model": f"mcts-3/{P}", "search": {"rollouts": 4}}, "says 3, and search.rollouts says 4"),
        ({"model": f"beam/{P}", "search": {"name": "mcts"}}, "leave one out"),
        ({"n": 2}, "'n' cannot be honoured .* several seeds"),
        ({"n": True}, "'n' cannot be honoured"),
        ({"tools": [{"type": "function"}]}, "'tools' cannot be honoured"),
        ({"logprobs": True}, "'logprobs' cannot be honoured"),
        ({"top_p": 0.9}, "steps are drawn from all tokens"),
        ({"response_format": {"type": "json_object"}}, "'response_format' cannot be honoured"),
        ({"temprature": 1}, "unknown field 'temprature'; did you mean 'temperature'"),
        ({"temperature": 0}, "temperature is 0, and the search 'mcts' is made of samples"),
        ({"temperature": -1}, "temperature is -1"),
        ({"temperature": "hot"}, "temperature is 'hot'; it must be a number"),
        ({"model": f"greedy/{P}", "temperature": 0.5}, "'greedy' takes the likeliest tokens"),
        ({"max_tokens": 9001}, "max_tokens is 9001, and a request here may generate 9000"),
        ({"max_tokens": 0}, "max_tokens is 0; it must be at least 1"),
        ({"max_tokens": 5, "max_completion_tokens": 6}, "differ; leave one out"),
        ({"seed": -1}, "seed is -1; it must be at least 0"),
        ({"seed": 1.5}, "seed is 1.5; it must be a whole number"),
        ({"stop": [1]}, "'stop' must be a text or a list of texts"),
        ({"stream": "yes"}, "'stream' must be true or false"),
        ({"stream_options": {"include_usage": True}}, "'stream_options' is for"),
        ({"messages": []}, "'messages' must be a list"),
        ({"messages": [{"role": "assistant", "content": "x"}]}, "the last of 'messages' must be"),
        ({"messages": [{"role": "user", "content": " "}]}, "the question is empty"),
        ({"messages": [{"role": "user", "content": "\ud800"}]}, "half of a surrogate pair"),
        (
            {"messages": [{"role": "user", "content": [{"type": "image_url"}]}]},
            "only parts of type 'text' are read",
        ),
        ({"prompt": "x"}, "'prompt' belongs to the other of the two routes"),
        ({"model": ""}, "'model' is missing"),
        ({"problem_id": ""}, "'problem_id' is missing"),
    ],
)
def test_what_cannot_be_honoured_is_refused_in_a_sentence(
    catalogue: Catalogue, given: dict[str, Any], said: str
) -> None:
    with pytest.raises(RequestError, match=said) as refused:
        read(catalogue, body(**given))
    assert refused.value.status == 400
    assert "\n" not in str(refused.value)


def test_fields_that_ask_for_nothing_are_let_through(catalogue: Catalogue) -> None:
    neutral = {"n": 1, "top_p": 1.0, "presence_penalty": 0, "logprobs": False, "tools": []}
    labels = {"user": "u", "metadata": {"a": "b"}}
    assert read(catalogue, body(**neutral, **labels)).unread == 0


def test_what_lm_eval_sends_is_read(catalogue: Catalogue) -> None:
    asked = read(
        catalogue,
        {
            "messages": [
                {"role": "system", "content": "Be brief."},
                {"role": "user", "content": "What is 1 + 2?", "type": "text"},
            ],
            "model": f"greedy/{P}",
            "max_tokens": 256,
            "temperature": 0.0,
            "stop": ["</s>", "<|im_end|>"],
            "seed": 1234,
        },
    )
    assert (asked.problem.question, asked.unread) == ("What is 1 + 2?", 1)
    assert (asked.max_tokens, asked.seed) == (256, 1234)
    assert asked.stops == ("</s>", "<|im_end|>")


def test_a_question_has_parts_and_a_prompt_is_one_text(catalogue: Catalogue) -> None:
    parts = [{"type": "text", "text": "What is"}, {"type": "text", "text": "1 + 2?"}]
    asked = read(catalogue, body(messages=[{"role": "user", "content": parts}]))
    assert asked.problem.question == "What is\n1 + 2?"
    for prompt in ("1 + 2?", ["1 + 2?"]):
        asked = read(catalogue, {"model": P, "prompt": prompt}, is_chat=False)
        assert asked.problem.question == "1 + 2?"
    several: tuple[object, ...] = (["a", "b"], [1, 2], [[1]], 3)
    for given in several:
        with pytest.raises(RequestError, match="'prompt' must be one text"):
            read(catalogue, {"model": P, "prompt": given}, is_chat=False)


def test_seeds_are_made_of_the_problems_id_which_may_be_a_benchmarks(catalogue: Catalogue) -> None:
    first, again = (read(catalogue, body()).problem for _ in range(2))
    assert first == again and first.id.startswith("text-")
    assert read(catalogue, body(problem_id="eval-1")).problem.id == "eval-1"
    assert read(catalogue, body()).seed == 7
    assert read(catalogue, body(seed=3)).seed == 3


def test_the_models_are_the_searches_that_can_run_here(catalogue: Catalogue) -> None:
    models = {each["id"]: each["rstar"]["counts"] for each in catalogue.list_models()}
    assert models[P] == models[f"mcts/{P}"] == "rollouts"
    assert models[f"sample/{P}"] == "n" and models[f"greedy/{P}"] is None
    assert not {f"cpl/{P}", f"closers/{P}", f"lips_policy/{P}"} & set(models)


def test_what_the_engines_cache_cannot_hold_at_once_is_refused(catalogue: Catalogue) -> None:
    wide = read_request(
        body(model=f"sample-64/{P}"), catalogue, ServerSettings(), is_chat=True
    ).resolved
    with pytest.raises(RequestError, match="64 candidates .* do not fit the engine's cache"):
        catalogue.require_room(wide, 640)
    catalogue.require_room(wide, None)
    catalogue.require_room(read(catalogue, body()).resolved, 640)


@pytest.mark.parametrize("text", [b"", b"{", b"[1]", b"\xff", b"[" * 100_000, b'{"a": 1' * 2])
def test_a_body_that_is_no_object_is_refused(text: bytes) -> None:
    with pytest.raises(RequestError, match="the body is"):
        read_json(text)
