"""The gate a candidate must pass before it may serve: rules in YAML, a verdict with its reasons."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import yaml
from pydantic import Field, ValidationError

from data.tables import DataError, Row, first_problem, read_text
from training.evaluate import ANSWERS

DEFAULT = Path(__file__).parent / "gates" / "default.yaml"
Loss = Annotated[float, Field(ge=0, le=1)]


class Gate(Row):
    """What a candidate may lose. All losses are shares of the calls, against the live release on the same calls."""

    overall: Mapping[str, Loss]
    slice: Loss
    slice_calls: Annotated[int, Field(ge=1)]
    slice_p: Annotated[float, Field(gt=0, le=1)]
    danger_recall: Loss
    danger_confident: Annotated[int, Field(ge=0)]
    cost: Annotated[float, Field(ge=0)]
    calibration_error: Loss
    times: Annotated[float, Field(gt=0)]
    megabytes: Annotated[float, Field(gt=0)]


@dataclass(frozen=True)
class Finding:
    """One rule, whether the candidate keeps it, and what was found."""

    rule: str
    kept: bool
    found: str


def load_gate(path: Path = DEFAULT) -> Gate:
    """The rules of a YAML file.

    Raises:
        DataError: no YAML, an unknown or missing rule, a value out of range; file, line and field are named.
    """
    text = read_text(path)
    try:
        tree = yaml.compose(text, yaml.SafeLoader)
        values = yaml.safe_load(text)
    except (yaml.YAMLError, RecursionError) as error:
        line = getattr(getattr(error, "problem_mark", None), "line", -1) + 1
        raise DataError(path, line, "", f"is not YAML: {getattr(error, 'problem', error)}") from error
    if not isinstance(values, dict):
        raise DataError(path, 1, "", "holds no rules")
    try:
        gate = Gate.model_validate(values)
    except ValidationError as error:
        field, message = first_problem(error)
        raise DataError(path, _line(tree, field), field, message) from error
    if strange := set(gate.overall) ^ set(ANSWERS):
        raise DataError(path, _line(tree, "overall"), "overall", f"wants each of {', '.join(ANSWERS)}: {strange}")
    return gate


def _line(tree: yaml.MappingNode, field: str) -> int:
    """Line of `field` (dotted), or of as much of it as stands in the file."""
    line = 1
    for name in field.split("."):
        entry = next((pair for pair in tree.value if pair[0].value == name), None)
        if entry is None:
            break
        line = entry[0].start_mark.line + 1
        tree = entry[1]
        if not isinstance(tree, yaml.MappingNode):
            break
    return line


def findings(gate: Gate, figures: Mapping[str, Any]) -> list[Finding]:
    """Every rule of the gate held against the figures of `training.candidate.judge`."""
    return [*_overall(gate, figures), *_slices(gate, figures), *_danger(gate, figures), *_sides(gate, figures)]


def _overall(gate: Gate, figures: Mapping[str, Any]) -> Iterator[Finding]:
    for head, allowed in gate.overall.items():
        found = figures["overall"][head]
        yield Finding(f"{head}: at most {allowed:.1%} lost", -found["gain"]["value"] <= allowed, _change(found))


def _slices(gate: Gate, figures: Mapping[str, Any]) -> Iterator[Finding]:
    """Slices large enough, whose loss chance does not explain."""
    sure = {
        f"{name}, {head}": found
        for name, heads in (figures["slices"] | figures["variants"]).items()
        for head, found in heads.items()
        if found["calls"] >= gate.slice_calls and -found["gain"]["value"] > gate.slice and found["p"] < gate.slice_p
    }
    yield Finding(
        f"no slice of {gate.slice_calls} calls or more down by more than {gate.slice:.1%} (p < {gate.slice_p:g})",
        not sure,
        "; ".join(f"{name}: {_change(found)}" for name, found in sure.items()) or "none",
    )


def _danger(gate: Gate, figures: Mapping[str, Any]) -> Iterator[Finding]:
    if not figures["danger"]:
        return
    live, candidate = figures["danger"]["live"], figures["danger"]["candidate"]
    yield Finding(
        f"danger: at most {gate.danger_recall:.1%} of the recall lost",
        live["recall"] - candidate["recall"] <= gate.danger_recall,
        f"{live['recall']:.3f} → {candidate['recall']:.3f} of {candidate['calls']}",
    )
    yield Finding(
        f"danger: at most {gate.danger_confident} more passed on confidently",
        candidate["passed_on_confidently"] - live["passed_on_confidently"] <= gate.danger_confident,
        f"{live['passed_on_confidently']} → {candidate['passed_on_confidently']}",
    )


def _sides(gate: Gate, figures: Mapping[str, Any]) -> Iterator[Finding]:
    live, candidate = figures["sides"]["live"], figures["sides"]["candidate"]
    dearer = candidate["cost"]["value"] - live["cost"]["value"]
    yield Finding(
        f"expected cost: at most {gate.cost:g} a call more", dearer <= gate.cost,
        f"{live['cost']['value']:.3f} → {candidate['cost']['value']:.3f}",
    )  # fmt: skip
    errors = {head: candidate["calibration_error"][head] - live["calibration_error"][head] for head in ANSWERS}
    yield Finding(
        f"calibration error: at most {gate.calibration_error:g} more on any head",
        max(errors.values()) <= gate.calibration_error,
        ", ".join(f"{head} {error:+.3f}" for head, error in errors.items()),
    )
    weight = figures["weight"]
    ratio = weight["candidate"]["milliseconds"] / weight["live"]["milliseconds"]
    yield Finding(f"time: at most {gate.times:g} times the live release's", ratio <= gate.times, f"{ratio:.2f} times")
    size = weight["candidate"]["megabytes"]
    yield Finding(f"size: at most {gate.megabytes:g} MB", size <= gate.megabytes, f"{size:g} MB")


def _change(found: Mapping[str, Any]) -> str:
    return (f"{found['live']:.3f} → {found['candidate']:.3f} "
            f"({found['gain']['low']:+.3f} … {found['gain']['high']:+.3f}, {found['won']} won, {found['lost']} lost, "
            f"p = {found['p']:.3g})")  # fmt: skip
