"""A recipe's batch over several processes, and the configurations that start them."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

import rstar_train
from bench.errors import BenchError
from rstar_train.training.processes import (
    count_processes,
    first_process_first,
    is_first,
    split_batch,
)

LAUNCH = sorted((Path(rstar_train.__file__).parent / "launch").glob("*.yaml"))


@pytest.mark.parametrize(
    ("world", "batch", "most", "expected"),
    [
        ("1", 8, 16, (8, 1)),
        ("1", 8, 3, (2, 4)),
        ("8", 128, 2, (2, 8)),
        ("8", 128, 0, (1, 16)),
        ("4", 12, 9, (3, 1)),
    ],
)
def test_a_batch_is_shared_and_cut_into_passes(
    world: str, batch: int, most: int, expected: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WORLD_SIZE", world)
    assert split_batch(batch, most) == expected
    assert count_processes() * expected[0] * expected[1] == batch


def test_a_batch_that_does_not_divide_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WORLD_SIZE", "8")
    with pytest.raises(BenchError, match="12 rows cannot be shared by 8 processes"):
        split_batch(12, 4)


def test_alone_one_process_is_the_first() -> None:
    assert is_first()
    with first_process_first():
        assert count_processes() == 1


@pytest.mark.parametrize("path", LAUNCH, ids=lambda path: path.stem)
def test_accelerate_reads_the_configuration(path: Path) -> None:
    pytest.importorskip("accelerate")
    from accelerate.commands.config.config_args import ClusterConfig

    config = ClusterConfig.from_yaml_file(yaml_file=str(path))
    assert config.num_processes == 8
    assert yaml.safe_load(path.read_text())["distributed_type"] in path.stem.upper() + "MULTI_GPU"


def test_there_is_a_configuration_for_each_way_of_spreading_a_model() -> None:
    assert [path.stem for path in LAUNCH] == ["ddp", "deepspeed", "fsdp"]
