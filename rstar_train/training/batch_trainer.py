"""A trainer whose rows are whole batches, cut into micro-batches: for scorers and for preferences.

What a micro-batch's loss is belongs to whoever trains. Here its gradients are accumulated, one
optimizer step a batch, in an order of the batches that is drawn anew every epoch.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    import torch
    from transformers import PreTrainedModel, Trainer


class WholeBatch(Protocol):
    """What one optimizer step learns from."""

    @property
    def micro_batches(self) -> Sequence[Any]:
        """Its passes."""

    @property
    def weight(self) -> float:
        """Weight of all terms together, by which their sum is divided."""


PartLoss = Callable[["PreTrainedModel", Any], "torch.Tensor"]
"""The weighted sum of a micro-batch's loss terms, a scalar, from the model and the micro-batch."""


def batch_trainer() -> type[Trainer]:
    """Return the trainer's class, which needs transformers."""
    from transformers import Trainer

    class BatchTrainer(Trainer):
        """One batch at a time."""

        def __init__(
            self,
            batches: Sequence[WholeBatch],
            loss: PartLoss,
            *,
            summed: bool = False,
            **kwargs: object,
        ) -> None:
            rows = [{"batch": batch} for batch in batches]
            super().__init__(train_dataset=rows, data_collator=lambda rows: rows[0], **kwargs)
            self.part_loss, self.summed = loss, summed

        def training_step(
            self,
            model: PreTrainedModel,
            inputs: Mapping[str, WholeBatch],
            num_items_in_batch: object = None,
        ) -> torch.Tensor:
            """Return the batch's loss: the mean of its terms by weight, or their sum."""
            import torch

            model.train()
            total = torch.zeros((), device=self.args.device)
            batch = inputs["batch"]
            for part in batch.micro_batches:
                loss = self.part_loss(model, part)
                if not self.summed:
                    loss = loss / batch.weight
                self.accelerator.backward(loss)
                total += loss.detach()
            return total

    return BatchTrainer
