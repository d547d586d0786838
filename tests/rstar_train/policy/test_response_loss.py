"""The chunked loss is cross entropy, and so are its gradients."""

from __future__ import annotations

import pytest

from rstar_train.policy.response_loss import CHUNK, response_loss

torch = pytest.importorskip("torch")


@pytest.mark.parametrize("positions", [1, CHUNK, 2 * CHUNK + 3])
def test_loss_and_gradients_are_those_of_cross_entropy(positions: int) -> None:
    torch.manual_seed(0)
    hidden = torch.randn(positions, 16, requires_grad=True)
    head = torch.randn(50, 16, requires_grad=True)
    targets = torch.randint(0, 50, (positions,))
    wanted = torch.nn.functional.cross_entropy(hidden @ head.T, targets, reduction="sum") / 7
    grads = torch.autograd.grad(wanted, (hidden, head))
    got = response_loss(hidden, head, targets) / 7
    torch.testing.assert_close(got, wanted)
    torch.testing.assert_close(
        torch.autograd.grad(got, (hidden, head)), grads, rtol=1e-4, atol=1e-5
    )


def test_a_frozen_head_gets_no_gradient() -> None:
    hidden, head = torch.randn(3, 16, requires_grad=True), torch.randn(50, 16)
    response_loss(hidden, head, torch.tensor([1, 2, 3])).backward()
    assert head.grad is None
    assert hidden.grad is not None
