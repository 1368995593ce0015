"""Encoder, standardised mean pooling, and one linear head each for category, urgency and police."""

from collections.abc import Iterable, Mapping

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from transformers import PreTrainedModel

from data.own_taxonomy import PACKAGED, Taxonomy
from training.config import Distil, Loss
from training.dataset import NO_LABEL, Batch


def mean_pool(hidden: Tensor, mask: Tensor) -> Tensor:
    """Mean of the token vectors: (batch, tokens, width) → (batch, width)."""
    weights = mask.unsqueeze(-1).to(hidden.dtype)
    return (hidden * weights).sum(1) / weights.sum(1).clamp(min=1)


class CallNetwork(nn.Module):
    """Multi-head classifier of calls.

    The heads are linear in the pooled vector, so every token's share in a logit can be read off (evidence).
    Those of categories are in the order of `taxonomy`.
    e5's pooled vectors lie in a narrow cone; `centre` and `spread` (buffers) standardise them before the heads.
    """

    def __init__(
        self, encoder: PreTrainedModel, dropout: float = 0.1, loss: Loss | None = None, distil: Distil | None = None,
        taxonomy: Taxonomy = PACKAGED,
    ) -> None:  # fmt: skip
        super().__init__()
        width = encoder.config.hidden_size
        self.encoder = encoder
        self.loss = loss or Loss()
        self.distil = distil or Distil()
        self.dropout = nn.Dropout(dropout)
        self.heads = nn.ModuleDict({head: nn.Linear(width, len(labels)) for head, labels in taxonomy.labels.items()})
        self.call = nn.Linear(width, 1)
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
        teacher_logits: Tensor | None = None,
        teacher_vectors: Tensor | None = None,
    ) -> dict[str, Tensor]:
        """Logits by head, (batch, labels) each, and `loss` when all labels are given.

        A teacher's logits (batch, all labels) and mean vectors (batch, width) are learnt from beside the labels. Of a
        text without labels nothing is learnt but that it is no call (outlier exposure, Hendrycks et al. 2019).
        """
        vector = (self.pool(input_ids, attention_mask).float() - self.centre) / self.spread
        logits = {head: layer(self.dropout(vector)) for head, layer in self.heads.items()}
        if category is None or urgency is None or police is None:
            return logits
        is_call = category != NO_LABEL
        known = {head: table[is_call] for head, table in logits.items()}
        targets = {"category": category[is_call], "urgency": urgency[is_call], "police": police[is_call]}
        smoothing = self.loss.smoothing if self.training else 0.0
        calls = is_call.sum().clamp(min=1)
        sums = {head: F.cross_entropy(known[head], target, label_smoothing=smoothing, reduction="sum")
                for head, target in targets.items()}  # fmt: skip
        loss = self._total(sums) / calls
        if teacher_logits is not None and teacher_vectors is not None:
            share = self.distil.weight
            taught = self._total(distances(known, teacher_logits[is_call], self.distil.temperature))
            apart = F.mse_loss(vector[is_call], teacher_vectors[is_call], reduction="sum") / (calls * vector.shape[1])
            loss = (1 - share) * loss + share * taught + self.distil.vectors * apart
        told = F.binary_cross_entropy_with_logits(self.call(self.dropout(vector)).squeeze(1), is_call.float())
        return {"loss": loss + self.loss.call * told, **logits}

    def _total(self, losses: Mapping[str, Tensor]) -> Tensor:
        return torch.stack([getattr(self.loss, head) * loss for head, loss in losses.items()]).sum()


def distances(logits: Mapping[str, Tensor], teacher: Tensor, temperature: float) -> dict[str, Tensor]:
    """By head, the divergence of the student's softened labels from the teacher's, times the temperature squared."""
    parts = torch.split(teacher, [logits[head].shape[1] for head in logits], dim=1)
    return {
        head: temperature**2
        * F.kl_div(F.log_softmax(student / temperature, 1), F.softmax(part / temperature, 1), reduction="sum")
        / max(1, len(student))
        for (head, student), part in zip(logits.items(), parts, strict=True)
    }
