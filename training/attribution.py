"""What a model looks at: words left out and what that changes, and the encoder's own attention."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch

from data.records import Turn
from data.taxonomy import categories
from model.fallback import segmenter
from model.reading import Model
from model.text import render
from training.base import Base


@dataclass(frozen=True)
class Weighed:
    """A word of the rendered text, from character `start` to `end` (exclusive), and what it weighs."""

    text: str
    start: int
    end: int
    weight: float


def occlusion(model: Model, turns: Sequence[Turn], category: str) -> list[Weighed]:
    """By how much the probability (0–1) of `category` falls when a word is left out (Zeiler and Fergus 2014).

    Words as jieba cuts them, in their order; punctuation is not weighed. A negative weight spoke against the category.
    """
    text = render(turns).text
    words = list(_words(text))
    texts = [text, *(text[:start] + text[end:] for start, end in words)]
    column = list(categories()).index(category)
    whole, *without = [float(reading.joint.sum(1)[column]) for reading in model.read(texts)]
    return [Weighed(text[start:end], start, end, whole - left)
            for (start, end), left in zip(words, without, strict=True)]  # fmt: skip


def attention(base: Base, turns: Sequence[Turn], layer: int = -1) -> list[Weighed]:
    """How much attention each word receives in a layer: mean over heads and asking tokens, summed over its tokens.

    `base` is an encoder in torch, such as `training.warm.release_base` gives: the int8 graph of a release keeps its
    attention to itself. The marks of beginning and end draw much of it, so that the weights sum to less than 1.
    """
    text = render(turns).text
    encoded = base.tokenizer.encode(text)
    base.encoder.set_attn_implementation("eager")
    base.encoder.train(False)
    with torch.no_grad():
        seen = base.encoder(torch.tensor([encoded.ids]), output_attentions=True).attentions[layer]
    received = seen[0].mean((0, 1)).tolist()
    by_character = [0.0] * len(text)
    for (start, end), weight in zip(encoded.offsets, received, strict=True):
        for at in range(start, end):
            by_character[at] += weight / (end - start)
    return [Weighed(text[start:end], start, end, sum(by_character[start:end])) for start, end in _words(text)]


def _words(text: str) -> Iterator[tuple[int, int]]:
    for word, start, end in segmenter().tokenize(text):
        if any(char.isalnum() for char in word):
            yield start, end
