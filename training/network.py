"""Encoder, standardised mean pooling, and one linear head each for category, urgency and police."""

from collections.abc import Iterable

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from transformers import PreTrainedModel

from model.release import HEADS
from training.config import Loss
from training.dataset import Batch


def mean_pool(hidden: Tensor, mask: Tensor) -> Tensor:
    """Mean of the token vectors: (batch, tokens, width) → (batch, width)."""
    weights = mask.unsqueeze(-1).to(hidden.dtype)
    return (hidden * weights).sum(1) / weights.sum(1).clamp(min=1)


class CallNetwork(nn.Module):
    """Multi-head classifier of calls.

    The heads are linear in the pooled vector, so every token's share in a logit can be read off (evidence).
    e5's pooled vectors lie in a narrow cone; `centre` and `spread` (buffers) standardise them before the heads.
    """

    def __init__(self, encoder: PreTrainedModel, dropout: float = 0.1, loss: Loss | None = None) -> None:
        super().__init__()
        width = encoder.config.hidden_size
        self.encoder = encoder
        self.loss = loss or Loss()
        self.dropout = nn.Dropout(dropout)
        self.heads = nn.ModuleDict({head: nn.Linear(width, len(labels)) for head, labels in HEADS.items()})
        self.centre: Tensor
        self.spread: Tensor
        self.register_buffer("centre", torch.zeros(width))
        self.register_buffer("spread", torch.ones(width))

    @torch.no_grad()
    def standardise(self, batches: Iterable[Batch]) -> None:
        """Sets `centre` and `spread` to the mean and deviation of the pooled vectors of `batches`."""
        self.eval()
        pooled = torch.cat([self.pool(batch["input_ids"], batch["attention_mask"]) for batch in batches])
        self.centre.copy_(pooled.mean(0))
        self.spread.copy_(pooled.std(0).clamp(min=1e-4))

    def pool(self, input_ids: Tensor, attention_mask: Tensor) -> Tensor:
        """Pooled vectors before standardising, (batch, width)."""
        hidden = self.encoder(input_ids=input_ids, attention_mask=attention_mask).last_hidden_state
        return mean_pool(hidden, attention_mask)

    def forward(
        self,
        input_ids: Tensor,
        attention_mask: Tensor,
        category: Tensor | None = None,
        urgency: Tensor | None = None,
        police: Tensor | None = None,
    ) -> dict[str, Tensor]:
        """Logits by head, (batch, labels) each, and `loss` when all labels are given."""
        vector = (self.pool(input_ids, attention_mask).float() - self.centre) / self.spread
        logits = {head: layer(self.dropout(vector)) for head, layer in self.heads.items()}
        if category is None or urgency is None or police is None:
            return logits
        targets = {"category": category, "urgency": urgency, "police": police}
        loss = torch.stack(
            [
                getattr(self.loss, head)
                * F.cross_entropy(logits[head], target, label_smoothing=self.loss.smoothing if self.training else 0.0)
                for head, target in targets.items()
            ]
        ).sum()
        return {"loss": loss, **logits}
