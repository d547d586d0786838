"""What is said before any cluster is joined; joining is in `test_ray`."""

from __future__ import annotations

import signal
import socket
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

import pytest

from bench.cluster.actor import Surroundings
from bench.cluster.driver import _check_address, _own_signals, _tell_reason, solve_on
from bench.cluster.settings import ClusterSettings
from bench.errors import ClusterError, MissingExtraError
from bench.speed.scale import MadeWork


async def test_without_ray_the_command_that_installs_it_is_named(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(MissingExtraError, match=r"pip install 'rstar-bench\[ray\]'"):
        async with solve_on(ClusterSettings())(MadeWork()):
            pass


@pytest.mark.parametrize("address", ["nowhere", ":6379", "host:", "ray://host:10001", "host:six"])
def test_what_is_no_address_is_refused(address: str) -> None:
    with pytest.raises(ClusterError, match="is no address of a Ray cluster; give HOST:PORT"):
        _check_address(address)


@pytest.mark.parametrize("answer", [b"HTTP/1.1 400 Bad Request\r\n", b""])
def test_a_server_of_something_else_is_told_before_ray_waits_for_it(answer: bytes) -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as server:
        port = server.getsockname()[1]

        def serve() -> None:
            opened, _ = server.accept()
            with opened:
                opened.recv(1024)
                opened.sendall(answer)

        with ThreadPoolExecutor(1) as pool:
            served = pool.submit(serve)
            with pytest.raises(ClusterError, match=f"at 127.0.0.1:{port} is no Ray cluster"):
                _check_address(f"127.0.0.1:{port}")
            served.result()
    with pytest.raises(ClusterError, match=f"no Ray cluster answers at 127.0.0.1:{port}"):
        _check_address(f"127.0.0.1:{port}")


def test_signals_are_handled_as_before_whoever_changes_them_meanwhile() -> None:
    before = signal.getsignal(signal.SIGTERM)
    with _own_signals():
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    assert signal.getsignal(signal.SIGTERM) is before


def test_actors_get_the_variables_of_the_harness_and_no_key(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("RSTAR_BENCH_CHECKPOINTS", "some/folder")
    monkeypatch.setenv("OPENAI_API_KEY", "secret")
    monkeypatch.setenv("RSTAR_BENCH_SERVE_KEY", "secret")
    variables = Surroundings().variables
    assert variables["RSTAR_BENCH_CHECKPOINTS"] == "some/folder"
    assert "secret" not in variables.values()


def test_of_an_error_of_ray_the_line_that_says_why_is_told() -> None:
    said = (
        "The actor died unexpectedly before finishing this task.\n"
        "\tclass_name: Actor\n\tactor_id: 5c1f\n"
        "The actor died because its node has died. Node Id: 7a\n\tthe actor's node was terminated."
    )
    assert _tell_reason(RuntimeError(said)) == (
        "The actor died because its node has died. Node Id: 7a"
    )
    assert _tell_reason(RuntimeError("")) == "RuntimeError"
