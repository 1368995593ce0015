"""The linear model beside the encoder, and instead of it where that fails: jieba words and character n-grams."""

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from data.own_taxonomy import PACKAGED
from data.remember import remembered
from data.tables import DATA_DIR
from data.taxonomy import URGENCIES, Urgency
from model.decode import Array, Bars, softmax
from model.reading import Reading
from model.release import BUNDLED, FILES, ReleaseError, open_release

NGRAMS = (1, 2, 3)
UNBROKEN = re.compile(r"\S+")
WORDS = DATA_DIR / "words.txt"


def features(text: str) -> list[str]:
    """Words (prefixed `w:`) and character n-grams of one to three, as they come."""
    return [feature for feature, _, _ in _located(text)]


def _located(text: str) -> Iterator[tuple[str, int, int]]:
    compact = text.lower()
    for word, start, end in segmenter().tokenize(compact):
        if not word.isspace():
            yield f"w:{word}", start, end
    for found in UNBROKEN.finditer(compact):
        run, at = found.group(), found.start()
        for size in NGRAMS:
            for start in range(len(run) - size + 1):
                yield run[start : start + size], at + start, at + start + size


def segmenter() -> Any:
    """The tokenizer with the domain's words; loading it takes half a second."""
    import jieba

    if not jieba.dt.initialized:
        jieba.setLogLevel("WARNING")
        with WORDS.open("rb") as words:
            jieba.load_userdict(words)
    return jieba.dt


class Linear:
    """TF-IDF (sublinear, L2) and logistic regression for category and urgency, as exported by training.

    Raises (when made):
        ReleaseError: the file is missing, changed or unreadable.
    """

    bars = Bars(confident_at=0.5)

    def __init__(self, folder: Path = BUNDLED) -> None:
        release = open_release(folder, (FILES.fallback,))
        self.version, self.taxonomy = f"{release.version}+fallback", release.taxonomy
        try:
            with np.load(release.path(FILES.fallback)) as arrays:
                self._vocabulary = {feature: n for n, feature in enumerate(str(arrays["vocabulary"]).split("\n"))}
                self._idf = arrays["idf"].astype(np.float32)
                self._weight, self._scale = arrays["weight"], arrays["scale"]
                self._bias = arrays["bias"]
        except (OSError, ValueError, KeyError) as error:
            raise ReleaseError(f"{FILES.fallback} does not load: {error}") from error
        segmenter()  # now, not while the first caller waits
        self._numbers = remembered(self._numbers_of)

    def read(self, texts: Sequence[str]) -> list[Reading]:
        """One reading a text."""
        return [self._read(text) for text in texts]

    def glance(self, text: str) -> Reading:
        """A reading in a tenth of the time, without what speaks for it."""
        none = np.zeros((0, len(self.taxonomy.codes)), np.float32)
        return Reading(_table(self.logits(text)), [], none, glance=True, taxonomy=self.taxonomy)

    def logits(self, text: str) -> dict[str, Array]:
        """`category` (65,) and `urgency` (4,) logits."""
        counts = Counter(chain.from_iterable(map(self._numbers, text.split("\n"))))
        return self._heads(*self._weighed(counts))

    def _numbers_of(self, line: str) -> tuple[int, ...]:
        """The known features of a line; none reaches over its end."""
        return tuple(number for f in features(line) if (number := self._vocabulary.get(f)) is not None)

    def _weighed(self, counts: Counter[int]) -> tuple[NDArray[np.intp], Array]:
        """The numbers of the features that occur, and their TF-IDF values."""
        ordered = sorted(counts)
        numbers = np.array(ordered, np.intp)
        value = (1 + np.log([counts[n] for n in ordered])) * self._idf[numbers] if ordered else np.zeros(0)
        return numbers, (value / (np.linalg.norm(value) or 1.0)).astype(np.float32)

    def _rows(self, numbers: NDArray[np.intp]) -> Array:
        """Weights of these features in fp32; all of them are kept as the release has them, in int8."""
        rows: Array = self._weight[numbers] * self._scale
        return rows

    def _heads(self, numbers: NDArray[np.intp], value: Array) -> dict[str, Array]:
        logits = value @ self._rows(numbers) + self._bias
        count = len(self.taxonomy.codes)
        return {"category": logits[:count], "urgency": logits[count : count + len(URGENCIES)]}

    def _read(self, text: str) -> Reading:
        found = [(self._vocabulary[f], a, b) for f, a, b in _located(text) if f in self._vocabulary]
        counts = Counter(n for n, _, _ in found)
        numbers, value = self._weighed(counts)
        logits = self._heads(numbers, value)
        share, count = dict(zip(numbers.tolist(), value, strict=True)), len(self.taxonomy.codes)
        rows = dict(zip(numbers.tolist(), self._rows(numbers)[:, :count], strict=True))
        support = np.array([share[n] / counts[n] * rows[n] for n, _, _ in found])
        spans = [(a, b) for _, a, b in found]
        return Reading(_table(logits), spans, support.reshape(-1, count), taxonomy=self.taxonomy)


def _table(logits: Mapping[str, Array]) -> Array:
    table: Array = softmax(logits["category"])[:, None] * softmax(logits["urgency"])[None, :]
    return table


class Nothing:
    """When not even the linear model loads: unknown, so trouble for the police until a person decides."""

    version, taxonomy = "none", PACKAGED
    bars = Bars(confident_at=-1.0)

    def read(self, texts: Sequence[str]) -> list[Reading]:
        """The same reading for every text."""
        codes = self.taxonomy.codes
        table: Array = np.ones((len(codes), len(URGENCIES)), np.float32)
        table[codes.index("disorder"), Urgency.URGENT.rank] = table.size
        return [Reading(table / table.sum(), [], np.zeros((0, len(codes)), np.float32)) for _ in texts]
