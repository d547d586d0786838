"""How a server ends: told to, or because its engine is gone; and who may listen where."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("starlette", reason="rstar-bench[serve] is not installed")
pytest.importorskip("uvicorn", reason="rstar-bench[serve] is not installed")
httpx = pytest.importorskip("httpx")

from bench.errors import BenchError, DeadEngineError  # noqa: E402
from bench.serving.app import make_app  # noqa: E402
from bench.serving.server import KEY, Place, _listen, _take_port, check_place, read_key  # noqa: E402
from bench.serving.settings import ServerSettings  # noqa: E402

ANYWHERE = ServerSettings(port=0)


@pytest.mark.asyncio(loop_scope="package")
async def test_it_ends_when_it_is_told_to_and_when_its_engine_dies(
    make_service: Callable[..., Any],
) -> None:
    for dies in (False, True):
        service = make_service()
        ready: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        with _take_port(ANYWHERE) as listening:
            serving = asyncio.create_task(
                _listen(make_app(service), listening, service.searches, ready.set_result)
            )
            url = await ready
            async with httpx.AsyncClient() as client:
                health = await client.get(url.replace("/v1", "/health"))
                assert health.json() == {"status": "ok", "searching": 0, "waiting": 0}
            if dies:
                service.searches.dead.set_result(DeadEngineError("out of memory"))
                with pytest.raises(DeadEngineError, match="out of memory"):
                    await serving
            else:
                serving.cancel()
                await serving
        assert service.searches.stopping


def test_a_port_that_is_taken_is_said(tmp_path: Path) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        with pytest.raises(BenchError, match=f"port {port}: .* choose another --port"):
            with _take_port(ServerSettings(port=port)):
                pass


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "", "192.168.1.2", "example.org"])
def test_other_machines_need_a_key(host: str) -> None:
    settings = ServerSettings(host=host)
    with pytest.raises(BenchError, match="give a key"):
        check_place(Place(settings))
    check_place(Place(settings, key="k"))


@pytest.mark.parametrize("host", ["127.0.0.1", "127.0.0.2", "::1", "localhost"])
def test_this_machine_needs_none(host: str) -> None:
    check_place(Place(ServerSettings(host=host)))


def test_a_key_is_one_word_of_a_file_or_of_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(KEY, raising=False)
    assert read_key(None) is None
    monkeypatch.setenv(KEY, "of-the-environment")
    assert read_key(None) == "of-the-environment"
    file = tmp_path / "key"
    file.write_text(" of-the-file\n")
    assert read_key(file) == "of-the-file"
    for wrong in ("", "two words", "kl\u00e9", "a\nb"):
        file.write_text(wrong)
        with pytest.raises(BenchError, match="holds no key"):
            read_key(file)
    file.write_bytes(b"\xff")
    with pytest.raises(BenchError, match="holds no key"):
        read_key(file)
