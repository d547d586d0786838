"""What a busy machine did to a run is counted, and told in one line where it matters."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import pytest

from bench import machine
from bench.machine import Event, Meter, Pressure, count, describe, read_pressure
from bench.runs.reader import load_run
from bench.runs.record import Record, Tokens
from bench.runs.writer import RunDir


def test_a_meter_says_what_happened_since_it_was_last_asked() -> None:
    meter = Meter()
    count(Event.STOPPED)
    count(Event.STOPPED)
    assert meter.take()["stopped"] == 2
    count(Event.PROGRAM_AGAIN)
    took = meter.take()
    assert took["program_again"] == 1
    assert "stopped" not in took
    assert took["wall"] >= 0


def test_pressure_is_the_kernels_or_nobodys() -> None:
    for resource in machine.RESOURCES:
        pressure = read_pressure(resource)
        assert pressure is None or (0 <= pressure.recent <= 1 and pressure.total >= 0)
    assert read_pressure("patience") is None


def test_without_pressure_there_is_the_load(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine, "read_pressure", lambda resource: None)
    monkeypatch.setattr("os.getloadavg", lambda: (12.0, 0.0, 0.0))
    monkeypatch.setattr("os.cpu_count", lambda: 4)
    clock = iter([0.0, 10.0])
    monkeypatch.setattr("time.monotonic", lambda: next(clock))
    took = Meter().take()
    assert took == {"wall": 10.0, "load": 30.0}
    assert describe(took) == "the machine was busy: load 3.0 on each core"


@pytest.mark.parametrize(
    ("took", "told"),
    [
        ({}, ""),
        ({"wall": 10.0, "cpu": 5.0, "memory": 0.5, "stopped": 4}, ""),
        (
            {"wall": 10.0, "cpu": 8.2},
            "the machine was busy: processes waited 82 % of the time for a core",
        ),
        (
            {"wall": 10.0, "cpu": 8.2, "memory": 1.5, "program_again": 3},
            "the machine was busy: processes waited 82 % of the time for a core, 15 % of the time "
            "for memory; programs run again for want of time: 3",
        ),
        (
            {"wall": 10.0, "verdict_lost": 1},
            "the machine was busy: verdicts not to be had, which count as failures: 1",
        ),
    ],
)
def test_one_line_says_that_the_machine_was_busy(took: Mapping[str, float], told: str) -> None:
    assert describe(took) == told


def test_a_run_keeps_it_beside_the_seconds_and_sums_it_up(tmp_path: Path) -> None:
    took = ({"wall": 2.0, "cpu": 1.5, "program_again": 1}, {"wall": 1.0, "cpu": 0.5}, None)
    with RunDir.open(tmp_path, {"config": {}}) as run:
        for index, each in enumerate(took):
            record = Record(f"p{index}", 0, "b", "1", "greedy", (), {}, Tokens(), 0)
            run.append(record, {}, {"total": 1.0}, index, machine=each)
    lines = [json.loads(line) for line in (tmp_path / "timings.jsonl").read_text().splitlines()]
    assert ["machine" in line for line in lines] == [True, True, False]
    assert "machine" not in (tmp_path / "records.jsonl").read_text()
    assert load_run(tmp_path).machine == {"wall": 3.0, "cpu": 2.0, "program_again": 1}


def test_pressure_is_a_share_and_seconds(monkeypatch: pytest.MonkeyPatch) -> None:
    line = "some avg10=12.50 avg60=1.00 avg300=0.00 total=2500000\nfull avg10=0.00 total=7\n"
    monkeypatch.setattr(Path, "read_text", lambda self: line)
    assert read_pressure("memory") == Pressure(0.125, 2.5)
