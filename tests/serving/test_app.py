"""The routes over a scripted policy: replies, streams, limits, failures, keys and trees."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest

pytest.importorskip("starlette", reason="rstar-bench[serve] is not installed")
httpx = pytest.importorskip("httpx")

from bench.engines.base import Completion  # noqa: E402
from bench.errors import (  # noqa: E402
    BenchError,
    DeadEngineError,
    EngineError,
    RefusedError,
    SandboxError,
)
from bench.sandbox import Sandbox  # noqa: E402
from bench.search import MCTS, Sampling, list_finished, mcts, sample, select_best  # noqa: E402
from bench.search.clock import cut_to_rollouts, find_affordable  # noqa: E402
from bench.serving.app import make_app  # noqa: E402
from bench.types import Problem  # noqa: E402
from tests.scripted import ScriptedPolicy, ScriptedScorer  # noqa: E402
from tests.serving.conftest import P, write  # noqa: E402

pytestmark = pytest.mark.asyncio(loop_scope="package")

CHAT = "/v1/chat/completions"
QUESTION = "What is 1 + 2?"
Make = Callable[..., Any]


def body(**given: Any) -> dict[str, Any]:
    return {"model": P, "messages": [{"role": "user", "content": QUESTION}], **given}


@asynccontextmanager
async def client(service: Any, **options: Any) -> AsyncIterator[Any]:
    transport = httpx.ASGITransport(make_app(service), raise_app_exceptions=False)
    options = {"base_url": "http://127.0.0.1:8000", **options}
    async with httpx.AsyncClient(transport=transport, **options) as opened:
        yield opened


async def ask(service: Any, **given: Any) -> Any:
    async with client(service) as opened:
        return await opened.post(CHAT, json=body(**given))


class Slow(ScriptedPolicy):
    """Answers once it is let go."""

    def __init__(self) -> None:
        super().__init__(write)
        self.asked, self.go = asyncio.Event(), asyncio.Event()

    async def propose(self, *given: Any, **options: Any) -> list[Completion]:
        self.asked.set()
        await self.go.wait()
        return await super().propose(*given, **options)


class Failing(ScriptedPolicy):
    """Fails with an error."""

    def __init__(self, error: BenchError) -> None:
        super().__init__(write)
        self._error = error

    async def propose(self, *given: Any, **options: Any) -> list[Completion]:
        raise self._error


async def test_a_reply_holds_the_answer_its_search_and_all_of_its_tokens(
    make_service: Make, sandbox: Sandbox
) -> None:
    policy = ScriptedPolicy(write)
    reply = (await ask(make_service(policy), problem_id="p1")).json()
    (choice,) = reply["choices"]
    assert choice["message"]["content"] == (
        "```python\nx = 1 + 1\nprint(x)\n```\n\nOutput: 2\n\nIt is \\boxed{2}."
    )
    assert choice["finish_reason"] == "stop"
    about = reply["rstar"]
    assert (about["answer"], about["score"], about["rollouts"]) == ("2", 0.5, 2)
    assert about["search"]["name"] == "mcts" and about["search"]["selector"] == "mcts"
    # As run: the same id, question, knobs and seed are the same search.
    direct = ScriptedPolicy(write)
    trace = await mcts(
        Problem("p1", QUESTION, "", "served"),
        direct,
        sandbox,
        config=MCTS(rollouts=4, candidates=2),
        seed=7,
        scorer=ScriptedScorer({"boxed{2}": 0.9, "x = ": 0.5}, default=-0.5),
    )
    assert (policy.seeds, policy.partials) == (direct.seeds, direct.partials)
    usage = trace.usage
    assert reply["usage"] == {
        "prompt_tokens": usage.policy_prompt,
        "completion_tokens": usage.policy_generated,
        "total_tokens": usage.policy_prompt + usage.policy_generated,
        "prompt_tokens_details": {"cached_tokens": 0},
        "completion_tokens_details": {
            "reasoning_tokens": usage.policy_generated
            - len(write("", 1))
            - len(write("<output>2<end_of_output>", 0))
        },
    }
    assert about["ppm_tokens"] == usage.ppm


async def test_equal_requests_have_equal_replies_and_one_tree(make_service: Make) -> None:
    service = make_service()

    def without_clock(reply: Any) -> Any:
        for of, key in (
            (reply, "created"),
            (reply["rstar"], "seconds"),
            (reply["rstar"], "waited"),
        ):
            del of[key]
        return reply

    first, again, other = [
        without_clock((await ask(service, seed=seed)).json()) for seed in (1, 1, 2)
    ]
    assert first == again
    assert first["id"] != other["id"]
    assert first["rstar"]["tree"] != other["rstar"]["tree"]


async def test_a_completion_is_the_same_search_as_a_chat(make_service: Make) -> None:
    service = make_service()
    async with client(service) as opened:
        plain = (await opened.post("/v1/completions", json={"model": P, "prompt": QUESTION})).json()
        chat = (await opened.post(CHAT, json=body())).json()
    assert plain["object"] == "text_completion"
    assert plain["choices"][0]["text"] == chat["choices"][0]["message"]["content"]
    assert plain["rstar"]["tree"] == chat["rstar"]["tree"]


async def test_a_stream_is_the_same_text_step_by_step(make_service: Make) -> None:
    service = make_service()
    whole = (await ask(service)).json()
    options = {"stream": True, "stream_options": {"include_usage": True}}
    streamed = await ask(service, **options)
    assert streamed.headers["content-type"].startswith("text/event-stream")
    assert streamed.text.startswith(": ")
    events = [line[6:] for line in streamed.text.splitlines() if line.startswith("data: ")]
    assert events.pop() == "[DONE]"
    *chunks, last, usage = map(json.loads, events)
    deltas = [chunk["choices"][0]["delta"] for chunk in chunks]
    assert deltas[0] == {"role": "assistant", "content": ""}
    assert len(deltas) > 2
    said = "".join(delta["content"] for delta in deltas)
    assert said == whole["choices"][0]["message"]["content"]
    assert last["choices"][0]["finish_reason"] == "stop"
    assert last["rstar"]["tree"] == whole["rstar"]["tree"]
    assert (usage["choices"], usage["usage"]) == ([], whole["usage"])
    assert all(chunk["usage"] is None for chunk in chunks)


async def test_a_stop_string_cuts_the_reply_and_not_the_search(make_service: Make) -> None:
    reply = (await ask(make_service(), stop=["\n\nOutput"])).json()
    assert reply["choices"][0]["message"]["content"].endswith("print(x)\n```")
    assert reply["rstar"]["answer"] == "2"


@pytest.mark.parametrize("most", [1, 60, 120, 200, 10_000])
async def test_max_tokens_cuts_a_search_as_a_report_cuts_a_run(
    make_service: Make, sandbox: Sandbox, most: int
) -> None:
    def go_on(partial: str, index: int) -> str:
        if "x = " not in partial:
            return f"\nx = {index}\n<end_of_step>"
        return (
            write(partial, index) if "<end_of_output>" in partial else "\nprint(x)\n<end_of_code>"
        )

    scorer = ScriptedScorer({"boxed{2}": 0.9, "x = ": 0.5}, default=-0.5)
    config = MCTS(rollouts=6, candidates=3)
    problem = Problem("p1", QUESTION, "", "served")
    whole = await mcts(
        problem, ScriptedPolicy(go_on), sandbox, config=config, seed=7, scorer=scorer
    )
    rollouts = find_affordable(whole, most).rollouts
    cut = cut_to_rollouts(whole, rollouts)
    choice = select_best(list_finished(cut), aggregate="min")
    answer = None if choice is None else list_finished(cut)[choice].answer
    service = make_service(ScriptedPolicy(go_on))
    search = {"rollouts": 6, "candidates": 3}
    reply = (await ask(service, search=search, problem_id="p1", max_tokens=most)).json()
    about = reply["rstar"]
    assert (about["answer"], about["rollouts"]) == (answer, rollouts)
    is_cut = rollouts < len(whole.rollouts)
    assert reply["choices"][0]["finish_reason"] == ("length" if is_cut else "stop")
    assert about["ended"] == ("tokens" if is_cut else "finished")
    async with client(service) as opened:
        assert (await opened.get(about["tree_url"])).status_code == 200
    # What is generated is no more than what the last expansion brought beyond the limit.
    assert about["generated_tokens"] <= whole.usage.policy_generated
    if answer is None:
        assert reply["choices"][0]["message"]["content"] == "The search ended without an answer."
        assert about["outcome"] == "truncated"


async def test_samples_are_cut_to_those_that_the_tokens_pay_for(
    make_service: Make, sandbox: Sandbox
) -> None:
    problem = Problem("p1", QUESTION, "", "served")
    whole = await sample(problem, ScriptedPolicy(write), sandbox, config=Sampling(n=4), seed=7)
    one = whole.usage.policy_generated // 4
    reply = await ask(
        make_service(), model=f"sample-4/{P}", problem_id="p1", max_tokens=2 * one + 3
    )
    about = reply.json()["rstar"]
    assert (about["answers"], about["ended"], about["answer"]) == (2, "tokens", "1")
    assert about["generated_tokens"] == whole.usage.policy_generated


async def test_the_servers_own_limit_ends_what_grows_side_by_side(make_service: Make) -> None:
    class Late(ScriptedPolicy):
        async def propose(self, *given: Any, **options: Any) -> list[Completion]:
            await asyncio.sleep(0.01)
            return await super().propose(*given, **options)

    policy = Late(write)
    one = len(write("", 0))
    service = make_service(policy, max_tokens=4 * 96)
    reply = (await ask(service, model=f"dvts-9/{P}", search={"candidates": 1})).json()
    about = reply["rstar"]
    # Four requests of up to 96 tokens are on their way before the fifth is refused.
    assert (len(policy.seeds), about["generated_tokens"]) == (4, 4 * one)
    assert (about["ended"], about["outcome"]) == ("tokens", "truncated")
    assert reply["choices"][0]["finish_reason"] == "length"


async def test_the_requests_own_limit_holds_where_the_servers_ends_the_search(
    make_service: Make, sandbox: Sandbox
) -> None:
    problem = Problem("p1", QUESTION, "", "served")
    whole = await sample(problem, ScriptedPolicy(write), sandbox, config=Sampling(n=4), seed=7)
    one = whole.usage.policy_generated // 4
    service = make_service(ScriptedPolicy(write), max_tokens=320)  # four of eight
    given = {"model": f"sample-8/{P}", "problem_id": "p1", "search": {"at_once": 1}}
    about = (await ask(service, **given, max_tokens=one + 3)).json()["rstar"]
    assert (about["answers"], about["ended"]) == (1, "tokens")


async def test_a_search_without_an_answer_says_so(make_service: Make) -> None:
    service = make_service(ScriptedPolicy(lambda partial, index: "\nx = \n<end_of_code>"))
    reply = (await ask(service)).json()
    (choice,) = reply["choices"]
    assert choice["message"]["content"] == "The search ended without an answer."
    assert choice["finish_reason"] == "stop"
    about = reply["rstar"]
    assert (about["answer"], about["outcome"]) == (None, "no_answer")
    assert "failed_code" in about["reason"]


@pytest.mark.parametrize(
    ("error", "status", "kind"),
    [
        (EngineError("it broke"), 500, "engine_error"),
        (RefusedError("the prompt is too long"), 400, "invalid_request_error"),
        (SandboxError("too busy"), 500, "sandbox_error"),
        (DeadEngineError("out of memory"), 503, "engine_dead"),
    ],
)
async def test_a_failure_is_an_error_with_its_type_and_no_answer(
    make_service: Make, error: BenchError, status: int, kind: str
) -> None:
    service = make_service(Failing(error))
    reply = await ask(service)
    assert (reply.status_code, reply.json()["error"]["type"]) == (status, kind)
    assert reply.json()["error"]["message"] == str(error)
    streamed = await ask(service, stream=True)
    *_, told, done = [line for line in streamed.text.splitlines() if line.startswith("data: ")]
    assert json.loads(told[6:])["error"]["type"] == kind and done == "data: [DONE]"
    is_dead = isinstance(error, DeadEngineError)
    assert service.searches.dead.done() == is_dead
    async with client(service) as opened:
        assert (await opened.get("/health")).status_code == (503 if is_dead else 200)
    assert service.searches.gate.running == 0


async def test_a_full_queue_says_when_to_come_again(make_service: Make) -> None:
    policy = Slow()
    service = make_service(policy, concurrency=1, queue=1)
    first, second = (asyncio.create_task(ask(service, seed=seed)) for seed in (1, 2))
    await policy.asked.wait()
    while not service.searches.gate.waiting:
        await asyncio.sleep(0.01)
    for stream in (False, True):
        refused = await ask(service, seed=3, stream=stream)
        assert refused.status_code == 429
        assert refused.json()["error"]["code"] == "queue_full"
        assert int(refused.headers["retry-after"]) >= 1
    policy.go.set()
    assert [(await each).status_code for each in (first, second)] == [200, 200]
    assert (await ask(service, seed=3)).status_code == 200


async def test_a_search_whose_time_is_over_answers_with_what_it_has(make_service: Make) -> None:
    class Stuck(ScriptedPolicy):
        async def propose(self, *given: Any, **options: Any) -> list[Completion]:
            if len(self.seeds) == 2:
                await asyncio.Event().wait()
            return await super().propose(*given, **options)

    reply = (await ask(make_service(Stuck(write), max_seconds=2.0))).json()
    assert reply["choices"][0]["finish_reason"] == "length"
    about = reply["rstar"]
    assert (about["ended"], about["outcome"]) == ("time", "answered")
    assert about["answers"] > 0
    late = await ask(make_service(Slow(), max_seconds=0.2))
    assert (late.status_code, late.json()["error"]["type"]) == (504, "time_over")
    assert late.headers["x-should-retry"] == "false"  # else a client asks twice more


async def test_a_client_that_hangs_up_ends_its_search_and_frees_its_place(
    make_service: Make,
) -> None:
    for stream in (False, True):
        policy = Slow()
        service = make_service(policy, concurrency=1, queue=0)
        sent = json.dumps(body(stream=stream)).encode()
        messages = [{"type": "http.request", "body": sent}]
        gone = asyncio.Event()

        async def receive(messages: Any = messages, gone: asyncio.Event = gone) -> Any:
            if messages:
                return messages.pop()
            await gone.wait()
            return {"type": "http.disconnect"}

        async def send(message: Any) -> None:
            pass

        headers = [(b"content-type", b"application/json"), (b"host", b"localhost")]
        scope = {
            "type": "http",
            "asgi": {"version": "3.0", "spec_version": "2.3"},
            "http_version": "1.1",
            "method": "POST",
            "scheme": "http",
            "path": CHAT,
            "raw_path": CHAT.encode(),
            "query_string": b"",
            "root_path": "",
            "headers": headers,
            "server": ("localhost", 8000),
            "client": ("127.0.0.1", 1),
        }
        running = asyncio.create_task(make_app(service)(scope, receive, send))
        await policy.asked.wait()
        assert service.searches.gate.running == 1
        gone.set()
        await running
        await asyncio.sleep(0)
        assert service.searches.gate.running == 0
        policy.go.set()
        assert (await ask(service)).status_code == 200


async def test_the_end_of_the_server_is_told_to_what_is_under_way(make_service: Make) -> None:
    policy = Slow()
    service = make_service(policy)
    under_way = asyncio.create_task(ask(service))
    await policy.asked.wait()
    service.searches.stop()
    for reply in (await under_way, await ask(service)):
        assert (reply.status_code, reply.json()["error"]["type"]) == (503, "server_stopping")


async def test_a_key_is_asked_for_but_at_trees_and_health(make_service: Make) -> None:
    service = make_service(key="k1")
    async with client(service) as opened:
        for given in ({}, {"Authorization": "Bearer k2"}, {"Authorization": "k1"}):
            refused = await opened.post(CHAT, json=body(), headers=given)
            assert refused.status_code == 401
            assert refused.json()["error"]["code"] == "invalid_api_key"
            assert (await opened.get("/v1/models", headers=given)).status_code == 401
        reply = await opened.post(CHAT, json=body(), headers={"Authorization": "Bearer k1"})
        assert reply.status_code == 200
        assert (await opened.get("/health")).status_code == 200
        tree = await opened.get(f"/trees/{reply.json()['rstar']['tree']}")
        assert tree.status_code == 200


async def test_pages_of_other_sites_cannot_ask(make_service: Make) -> None:
    async with client(make_service()) as opened:
        text = json.dumps(body()).encode()
        plain = await opened.post(CHAT, content=text, headers={"Content-Type": "text/plain"})
        assert plain.status_code == 415
        for host in ("evil.example", "evil_one.example:8000", "[::", "127.0.0.1.example", ""):
            rebound = await opened.post(CHAT, json=body(), headers={"Host": host})
            assert rebound.status_code == 403
        assert "names another host" in rebound.json()["error"]["message"]
        for host in ("localhost:8000", "[::1]:8000", "127.0.0.2"):
            models = await opened.get("/v1/models", headers={"Host": host})
            assert models.status_code == 200


async def test_a_tree_is_a_page_with_the_models_text_as_data(make_service: Make) -> None:
    hostile = "<script>alert(1)</script>"
    service = make_service()
    reply = await ask(service, messages=[{"role": "user", "content": hostile}])
    async with client(service) as opened:
        url = reply.json()["rstar"]["tree_url"]
        page = await opened.get(url)
        assert page.headers["content-type"].startswith("text/html")
        assert page.headers["referrer-policy"] == "no-referrer"
        assert "Content-Security-Policy" in page.text
        assert hostile not in page.text
        assert "\\u003cscript\\u003ealert(1)" in page.text
        for name in ("nowhere", "..%2f..%2fetc", "A" * 22):
            missing = await opened.get(f"/trees/{name}")
            assert missing.status_code == 404


async def test_what_is_no_request_gets_openais_error_object(make_service: Make) -> None:
    service = make_service(max_body=400)
    async with client(service) as opened:
        for method, path, content, status in (
            ("POST", CHAT, b"{", 400),
            ("POST", CHAT, json.dumps(body(user="u" * 400)).encode(), 413),
            ("GET", CHAT, b"", 405),
            ("GET", "/nowhere", b"", 404),
            ("GET", "/v1/models/gpt-4", b"", 404),
        ):
            headers = {"Content-Type": "application/json"}
            reply = await opened.request(method, path, content=content, headers=headers)
            assert reply.status_code == status
            assert set(reply.json()["error"]) == {"message", "type", "param", "code"}
        shown = await opened.get(f"/v1/models/mcts-64/{P}")
        assert shown.json()["rstar"] == {"search": "mcts", "counts": "rollouts"}
