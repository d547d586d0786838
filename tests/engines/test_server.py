"""A served model: every request is answered once, whatever its servers and the network do."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import pytest

from bench.engines.base import Completion, Finish, Request, derive_seed
from bench.engines.http_client import Patience, Unanswered
from bench.engines.server import ServerEngine, read_urls
from bench.errors import BenchError, DeadEngineError, EngineError
from tests.engines.misbehaving import FAULTS, Behaviour, serve

pytest.importorskip("httpx")
QUICK = Patience(tries=12, first_wait=0.001, longest_wait=0.05, answer=60.0)


def ask(prompt: str, *, n: int = 1, temperature: float = 1.0, order: int = 0) -> Request:
    return Request(prompt, n, 3, temperature, 16, ("<end>",), logprobs=True, order=order)


@contextmanager
def opened(*behaviours: Behaviour, patience: Patience = QUICK) -> Iterator[ServerEngine]:
    with _urls(behaviours) as urls:
        engine = ServerEngine(urls, name="m", patience=patience)
        try:
            yield engine
        finally:
            engine.close()


@contextmanager
def _urls(behaviours: tuple[Behaviour, ...]) -> Iterator[list[str]]:
    if not behaviours:
        yield []
        return
    first, *rest = behaviours
    with serve(first) as url, _urls(tuple(rest)) as others:
        yield [url, *others]


async def test_candidates_have_seeds_of_their_own_and_a_prompt_is_counted_once() -> None:
    with opened(Behaviour()) as engine:
        found = await engine.generate(ask("p", n=3))
    assert [each.text for each in found] == [f"p|{derive_seed(3, at)}<end>" for at in range(3)]
    assert found[0] == Completion(found[0].text, Finish.STOP, 2, 7, 4, -1.5)
    assert [each.prompt_tokens for each in found] == [7, 0, 0]


async def test_a_greedy_request_has_no_seed_and_one_completion() -> None:
    with opened(Behaviour()) as engine:
        (found,) = await engine.generate(ask("p", temperature=0.0))
        assert found.text == "p|None<end>"
        with pytest.raises(EngineError, match="greedy decoding gives one completion"):
            await engine.generate(ask("p", n=2, temperature=0.0))


@pytest.mark.parametrize("key", [None, "stop_reason", "matched_stop", "stopping_word"])
async def test_a_text_ends_with_its_stop_string_however_a_server_tells_it(key: str | None) -> None:
    with opened(Behaviour(stop_key=key)) as engine:
        (found,) = await engine.generate(ask("p"))
    assert found.text.endswith("<end>") and found.text.count("<end>") == 1


async def test_a_server_that_hides_the_stop_string_is_refused() -> None:
    with opened(Behaviour(silent=True)) as engine:
        with pytest.raises(EngineError, match="does not say which stop string ended a text"):
            await engine.generate(ask("p"))


@pytest.mark.parametrize("count", [150, pytest.param(1000, marks=pytest.mark.slow)])
async def test_all_requests_of_misbehaving_servers_are_answered_once_each(count: int) -> None:
    both = [Behaviour(share=0.3), Behaviour(share=0.3, seed=1)]
    with opened(*both) as engine:
        asked = [ask(f"p{i}", order=i) for i in range(count)]
        found = await asyncio.gather(*map(engine.generate, asked))
    seed = derive_seed(3, 0)
    assert [each.text for (each,) in found] == [f"p{i}|{seed}<end>" for i in range(count)]
    assert set().union(*(each.faulted for each in both)) == set(FAULTS)
    answered = both[0].answered + both[1].answered
    whole = {text: count for text, count in answered.items() if "cut" not in text}
    assert whole == {f"p{i}|{seed}": 1 for i in range(count)}


async def test_a_server_that_is_gone_is_replaced_by_another() -> None:
    well = Behaviour()
    with serve(Behaviour()) as gone, serve(well) as url:
        engine = ServerEngine([gone, url], name="m", patience=QUICK)
        engine._servers.each[0].url = "http://127.0.0.1:9/v1"
        found = await asyncio.gather(*(engine.generate(ask(f"p{i}", order=i)) for i in range(20)))
        engine.close()
    assert len(found) == well.answered.total() == 20


async def test_a_server_that_says_nothing_in_time_is_replaced_by_another() -> None:
    hung, well = Behaviour(share=1.0, faults=("hang",)), Behaviour()
    with opened(hung, well, patience=replace(QUICK, answer=0.5)) as engine:
        found = await asyncio.gather(*(engine.generate(ask(f"p{i}", order=i)) for i in range(20)))
    assert hung.faulted.total() >= 10
    assert (len(found), well.answered.total(), hung.answered.total()) == (20, 20, 0)


async def test_a_server_that_never_answers_in_time_fails_the_problem() -> None:
    hung = Behaviour(share=1.0, faults=("hang",))
    with opened(hung, patience=Patience(tries=2, first_wait=0.001, answer=0.2)) as engine:
        with pytest.raises(EngineError, match="answered none of 2 tries: ReadTimeout"):
            await engine.generate(ask("p"))


async def test_a_request_is_not_tried_for_ever_where_a_server_lives_and_says_nothing() -> None:
    hung = Behaviour(share=1.0, faults=("hang",))
    with opened(hung, patience=replace(QUICK, answer=0.2, silences=3)) as engine:
        with pytest.raises(EngineError, match="answered none of 3 tries: ReadTimeout"):
            await engine.generate(ask("p"))
    assert hung.faulted.total() == 3


async def test_a_server_that_hangs_as_a_whole_ends_the_run_after_one_wait() -> None:
    hung = Behaviour()
    patience = replace(QUICK, tries=4, answer=0.3, connect=0.1)
    with opened(hung, patience=patience) as engine:
        hung.deaf = True
        with pytest.raises(DeadEngineError, match="it accepts requests and answers none"):
            await engine.generate(ask("p"))
    assert len(hung.asked) == 1


async def test_a_server_that_was_silent_is_asked_again_once_it_says_that_it_lives() -> None:
    hung = Behaviour(share=1.0, faults=("hang",))
    with opened(hung, patience=replace(QUICK, answer=0.3, silences=4)) as engine:
        running = asyncio.create_task(engine.generate(ask("p")))
        while not hung.faulted:
            await asyncio.sleep(0.01)
        hung.share = 0.0
        await running
    assert not engine._servers.each[0].is_silent


async def test_those_who_were_told_when_to_come_back_do_not_come_at_once() -> None:
    with opened(Behaviour()) as engine:
        waits = {engine._servers._wait(0, Unanswered("busy", 2.0)) for _ in range(20)}
    assert len(waits) > 10 and all(2.0 <= wait <= 2.5 for wait in waits)


async def test_where_no_server_is_left_the_run_ends() -> None:
    with opened(Behaviour(), patience=Patience(tries=3, first_wait=0.001)) as engine:
        engine._servers.each[0].url = "http://127.0.0.1:9/v1"
        with pytest.raises(DeadEngineError, match="start the server again and repeat the command"):
            await engine.generate(ask("p"))


@pytest.mark.parametrize("order", [0, 1])
async def test_a_run_goes_on_while_one_of_its_servers_lives_however_busy(order: int) -> None:
    busy = Behaviour(share=1.0, faults=("503",))
    with opened(Behaviour(), busy, patience=Patience(tries=4, first_wait=0.001)) as engine:
        engine._servers.each[0].url = "http://127.0.0.1:9/v1"
        with pytest.raises(EngineError, match="503") as caught:
            await engine.generate(ask("p", order=order))
    assert not isinstance(caught.value, DeadEngineError)


async def test_a_server_that_never_recovers_fails_the_problem_with_what_it_said() -> None:
    behaviour = Behaviour(share=1.0, faults=("503",))
    with opened(behaviour, patience=Patience(tries=3, first_wait=0.001)) as engine:
        with pytest.raises(EngineError, match=r"answered none of 3 tries: 503 .*down"):
            await engine.generate(ask("p"))


async def test_a_refusal_fails_its_request_at_once_and_no_other() -> None:
    behaviour = Behaviour(refuse="long")
    with opened(behaviour) as engine:
        bad, good = await asyncio.gather(
            engine.generate(ask("long")), engine.generate(ask("p")), return_exceptions=True
        )
    assert isinstance(bad, EngineError) and "400 Bad Request" in str(bad)
    assert not isinstance(good, BaseException)
    assert len(behaviour.headers) == 2


async def test_problems_are_shared_among_servers_and_keep_theirs() -> None:
    behaviours = [Behaviour(), Behaviour()]
    with opened(*behaviours) as engine:
        for order in (0, 1, 2, 0, 1, 2):
            await engine.generate(ask(f"problem {order}", order=order))
    first, second = (set(each.answered) for each in behaviours)
    assert len(first) == 2 and len(second) == 1
    assert not first & second


async def test_a_request_in_flight_ends_when_the_engine_is_closed() -> None:
    behaviour = Behaviour(share=1.0, faults=("503",))
    with opened(behaviour, patience=Patience(first_wait=30.0)) as engine:
        waiting = asyncio.create_task(engine.generate(ask("p")))
        while not behaviour.headers:
            await asyncio.sleep(0.01)
        await asyncio.to_thread(engine.close)
        with pytest.raises(EngineError, match="closed before it answered"):
            await waiting
        with pytest.raises(EngineError, match="generates nothing any more"):
            await engine.generate(ask("p"))


def test_the_key_is_sent_where_there_is_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "k")
    behaviour = Behaviour()
    with opened(behaviour) as engine:
        asyncio.run(engine.generate(ask("p")))
    assert behaviour.headers[0]["Authorization"] == "Bearer k"


def test_a_model_that_is_not_served_and_a_server_that_is_not_there_are_refused() -> None:
    with serve(Behaviour(models=("a", "b"))) as url:
        with pytest.raises(EngineError, match="does not serve 'm'; it serves a, b. Give one of"):
            ServerEngine([url], name="m")
    with pytest.raises(EngineError, match="no server answers at http://127.0.0.1:9/v1"):
        ServerEngine(["http://127.0.0.1:9/v1"], name="m")


def test_urls_come_from_the_option_or_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_BASE_URL", "http://a/v1/, https://b/v1")
    assert read_urls() == ("http://a/v1", "https://b/v1")
    assert read_urls("http://c/v1") == ("http://c/v1",)
    monkeypatch.delenv("OPENAI_BASE_URL")
    with pytest.raises(BenchError, match="needs the URL of a server: --base-url"):
        read_urls()
    for wrong in ("localhost:8000", "http://localhost:8OOO/v1", "http://a:80000/v1", "http:///v1"):
        with pytest.raises(BenchError, match=f"'{wrong}' is no URL of a server"):
            read_urls(wrong)
