"""Tokens drawn from logits: as likely as the softmax says, and a row's own affair."""

from __future__ import annotations

import math
from typing import Any

import pytest

torch = pytest.importorskip("torch", reason="torch is not installed")

from bench.engines.drawing import draw_tokens, read_logprobs  # noqa: E402  # needs torch


def draw(logits: Any, temperatures: list[float], uniforms: list[float]) -> list[int]:
    return draw_tokens(logits.clone(), temperatures, uniforms)  # which are written over


def test_a_number_picks_the_token_at_which_the_sum_of_chances_passes_it() -> None:
    logits = torch.tensor([[0.1, 0.4, 0.2, 0.3]]).log()
    drawn = [draw(logits, [1.0], [u])[0] for u in (0.0, 0.09, 0.11, 0.49, 0.51, 0.69, 0.71, 0.99)]
    assert drawn == [0, 0, 1, 1, 2, 2, 3, 3]


@pytest.mark.parametrize("vocabulary", [3, 256, 257, 1000])
def test_frequencies_are_those_of_the_softmax(vocabulary: int) -> None:
    logits = torch.linspace(-3, 3, vocabulary)[torch.randperm(vocabulary)]
    count = 4000
    uniforms = [(i + 0.5) / count for i in range(count)]
    drawn = draw(logits.expand(count, -1), [0.7] * count, uniforms)
    chances = torch.softmax(logits / 0.7, -1)
    found = torch.bincount(torch.tensor(drawn), minlength=vocabulary) / count
    assert (found - chances).abs().max() <= 2 / count


@pytest.mark.parametrize("uniform", [0.0, 0.5, math.nextafter(1.0, 0.0)])
def test_no_number_draws_what_cannot_be(uniform: float) -> None:
    logits = torch.full((1, 600), -torch.inf)
    logits[0, [100, 300]] = 0.0
    assert draw(logits, [1.0], [uniform])[0] in (100, 300)


def test_without_temperature_the_likeliest_is_taken_and_the_first_of_equals() -> None:
    logits = torch.tensor([[0.0, 2.0, 2.0], [5.0, 1.0, 1.0]])
    assert draw(logits, [0.0, 0.0], [0.9, 0.9]) == [1, 0]
    assert draw(logits, [0.0, 1.0], [0.9, 0.999]) == [1, 2]


def test_a_row_does_not_depend_on_those_beside_it() -> None:
    logits = torch.randn(40, 5000)
    temperatures = [0.0 if i % 5 == 0 else 0.5 + 0.1 * (i % 7) for i in range(40)]
    uniforms = torch.rand(40).tolist()
    together = draw(logits, temperatures, uniforms)
    alone = [draw(logits[i : i + 1], [temperatures[i]], [uniforms[i]])[0] for i in range(40)]
    assert alone == together


def test_a_logprob_is_that_of_the_model_at_temperature_one() -> None:
    logits = torch.randn(3, 50)
    expected = logits.log_softmax(-1)[[0, 1, 2], [4, 5, 6]]
    assert read_logprobs(logits, [4, 5, 6]) == pytest.approx(expected.tolist(), abs=1e-5)


def test_a_logprob_does_not_depend_on_the_rows_beside_it() -> None:
    torch.manual_seed(0)
    logits = 3 * torch.randn(60, 49_152)  # torch's own logsumexp makes another of row 35
    tokens = torch.randint(0, 49_152, (60,)).tolist()
    alone = [read_logprobs(logits[i : i + 1].clone(), tokens[i : i + 1])[0] for i in range(60)]
    for first, rows in ((0, 60), (7, 9), (20, 3)):
        part = slice(first, first + rows)
        assert read_logprobs(logits[part].clone(), tokens[part]) == alone[part]
