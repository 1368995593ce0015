"""Labels that are probably wrong: out-of-fold confident learning (Northcutt et al. 2021) on a release's vectors.

Own code for lack of a choice: the library for it, cleanlab, is under the AGPL.
"""

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GroupKFold

from data.corpus import Item
from data.own_taxonomy import PACKAGED, Taxonomy
from model.decode import Array
from model.runtime import Encoder
from model.text import render

FOLDS = 5
STRENGTH = 0.02
PAIRS = 20
FEW = 10


@dataclass(frozen=True)
class Quality:
    """Out-of-fold probabilities of every item's category, (items, 65), and what follows from them.

    `order` lists the items, the least probable label first; `suspected` says which of them another category claims.
    """

    items: Sequence[Item]
    probability: NDArray[np.float64]
    order: NDArray[np.intp]
    suspected: NDArray[np.bool_]
    taxonomy: Taxonomy = PACKAGED

    def _label(self, item: Item) -> str:
        return self.taxonomy.resolved(item.category)

    def rows(self) -> list[dict[str, Any]]:
        """The suspected labels, worst first: item, its label, what claims it, and how sure the model is of either."""
        codes = self.taxonomy.codes
        found = []
        for n in map(int, self.order):
            if self.suspected[n]:
                item, claimed = self.items[n], int(self.probability[n].argmax())
                found.append({
                    **item.model_dump(mode="json", exclude_defaults=True),
                    "claimed": codes[claimed],
                    "p_claimed": round(float(self.probability[n, claimed]), 3),
                    "p_label": round(float(self.probability[n, codes.index(self._label(item))]), 3),
                })  # fmt: skip
        return found

    def confused(self) -> list[tuple[str, str, int]]:
        """Pairs of categories that are suspected of each other most often."""
        codes = self.taxonomy.codes
        pairs = Counter(
            tuple(sorted((self._label(self.items[int(n)]), codes[int(self.probability[n].argmax())])))
            for n in np.flatnonzero(self.suspected)
        )
        return [(a, b, count) for (a, b), count in pairs.most_common(PAIRS)]

    def sparse(self) -> list[dict[str, Any]]:
        """Where labelling pays: kinds (category and style) of which few calls are known, or many are got wrong."""
        codes = self.taxonomy.codes
        right = np.array([codes[int(row.argmax())] == self._label(item)
                          for row, item in zip(self.probability, self.items, strict=True)])  # fmt: skip
        styles = sorted({item.style for item in self.items})
        kinds: dict[tuple[str, str], list[int]] = {(code, style): [] for code in codes for style in styles}
        for number, item in enumerate(self.items):
            kinds[self._label(item), item.style].append(number)
        shares = {kind: float(right[numbers].mean()) if numbers else 0.0 for kind, numbers in kinds.items()}
        first = sorted(kinds, key=lambda kind: (len(kinds[kind]) >= FEW, shares[kind], len(kinds[kind])))
        return [{"category": kind[0], "style": kind[1], "calls": len(kinds[kind]), "right": round(shares[kind], 3)}
                for kind in first[:PAIRS]]  # fmt: skip


def examine(items: Sequence[Item], encoder: Encoder) -> Quality:
    """Every label held against a linear model, on the encoder's vectors, that has not seen the label's group.

    An encoder that was itself trained on these labels has seen them; those of calls that came later it has not.

    Raises:
        ValueError: there are fewer groups than folds.
    """
    if len({item.group for item in items}) < FOLDS:
        raise ValueError(f"at least {FOLDS} groups are needed")
    taxonomy = encoder.taxonomy
    codes = taxonomy.codes
    labels = np.array([codes.index(taxonomy.resolved(item.category)) for item in items])
    vectors = encoder.pooled([render(item.as_turns()).text for item in items])
    probability = _out_of_fold(items, vectors, labels, len(codes))
    own = probability[np.arange(len(items)), labels]
    # A category claims an item when the model is as sure of it as it is, on average, of the category's own items.
    sure = np.array([probability[labels == code, code].mean() if (labels == code).any() else 1.0
                     for code in range(len(codes))])  # fmt: skip
    claims = np.where(probability >= sure, probability, 0.0)
    claims[np.arange(len(items)), labels] = 0.0
    order = np.argsort(own, kind="stable")
    return Quality(items, probability, order, claims.any(1) & (probability.argmax(1) != labels), taxonomy)


def _out_of_fold(items: Sequence[Item], vectors: Array, labels: NDArray[np.intp], codes: int) -> NDArray[np.float64]:
    groups = [item.group for item in items]
    probability = np.zeros((len(items), codes))
    for seen, unseen in GroupKFold(FOLDS, shuffle=True, random_state=110).split(vectors, labels, groups):
        model = LogisticRegression(C=STRENGTH, max_iter=200).fit(vectors[seen], labels[seen])
        probability[np.ix_(unseen, model.classes_)] = model.predict_proba(vectors[unseen])
    return probability


def write_quality(folder: Path, found: Quality) -> dict[str, Any]:
    """Writes `suspected.jsonl` (items with what claims them, worst first) and `quality.json`, which is returned."""
    folder.mkdir(parents=True, exist_ok=True)
    rows = found.rows()
    lines = (json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
    (folder / "suspected.jsonl").write_text("".join(lines), encoding="utf-8")
    summary = {
        "items": len(found.items),
        "suspected": len(rows),
        "confused": found.confused(),
        "sparse": found.sparse(),
    }
    (folder / "quality.json").write_text(json.dumps(summary, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    return summary
