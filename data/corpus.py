"""The labelled corpus: one JSON object a line, split by group so that variants of a call never stand on both sides."""

import hashlib
import json
from collections import defaultdict
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Annotated, Literal, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, ValidationError, ValidationInfo, model_validator

from data.own_taxonomy import PACKAGED, Taxonomy
from data.records import Turn
from data.tables import DATA_DIR, DataError, first_problem, read_text
from data.taxonomy import Urgency

CORPUS_DIR = DATA_DIR / "corpus"
CALIBRATION_DIR = DATA_DIR / "calibration"
M = TypeVar("M", bound=BaseModel)
Split = Literal["train", "validation", "test"]
BLOCK: tuple[Split, ...] = ("train",) * 14 + ("validation", "test")


def known_category(code: str, info: ValidationInfo) -> str:
    """`code`, if the taxonomy that a file is read with knows it; `ValueError` otherwise."""
    taxonomy: Taxonomy | None = info.context
    if taxonomy is not None:
        taxonomy.resolved(code)
    return code


CategoryCode = Annotated[str, AfterValidator(known_category)]


class Item(BaseModel):
    """One labelled call. `group` joins the variants of one story; `style` is dialogue, note or speech.

    Files are read with a taxonomy, which must know the category. One that it merges away stays as it was labelled
    until it is learnt or measured, so that a split is the same whatever is merged.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str
    group: str
    turns: tuple[Turn, ...] = ()
    text: str = ""
    category: CategoryCode
    urgency: Urgency
    style: Literal["dialogue", "note", "speech"]

    @model_validator(mode="after")
    def _one_transcript(self) -> "Item":
        if bool(self.turns) == bool(self.text.strip()):
            raise ValueError("wants either turns or text")
        return self

    def as_turns(self) -> tuple[Turn, ...]:
        """The transcript as turns; one block counts as a single turn of the caller."""
        return self.turns or (Turn(speaker="caller", text=self.text),)


def read_lines(path: Path, kind: type[M], taxonomy: Taxonomy = PACKAGED) -> Iterator[M]:
    """One `kind` a line of a JSONL file that is not blank, its category one that `taxonomy` knows.

    Raises:
        DataError: a line that is no JSON object, or breaks a rule of `kind` (unknown label, missing field).
    """
    for line, raw in enumerate(read_text(path).split("\n"), 1):
        # Not `splitlines`, which parts at U+2028 and others that JSON leaves as they are.
        if not raw.strip():
            continue
        try:
            yield kind.model_validate(json.loads(raw), context=taxonomy)
        except json.JSONDecodeError as error:
            raise DataError(path, line, "", f"is not JSON: {error.msg}") from error
        except RecursionError as error:
            raise DataError(path, line, "", "is nested too deeply") from error
        except ValidationError as error:
            raise DataError(path, line, *first_problem(error)) from error


def load_corpus(folder: Path = CORPUS_DIR, taxonomy: Taxonomy = PACKAGED) -> list[Item]:
    """Every item of every `*.jsonl` file in `folder`, in the order of file names and lines.

    Raises:
        DataError: as `read_lines`; also when an id stands twice, or the folder holds no item.
    """
    items: list[Item] = []
    seen: set[str] = set()
    for path in sorted(folder.glob("*.jsonl")):
        for line, item in enumerate(read_lines(path, Item, taxonomy), 1):
            if item.id in seen:
                raise DataError(path, line, "id", f"{item.id!r} stands twice")
            seen.add(item.id)
            items.append(item)
    if not items:
        raise DataError(folder, 0, "", "holds no *.jsonl item")
    return items


def split_groups(items: Iterable[Item], seed: int = 110) -> dict[str, Split]:
    """Which split each group belongs to: 14 of 16 train, one validation, one test.

    Groups are dealt in the order of first appearance, category by category of their first item and part by part of
    the corpus (the prefix of the id), in seeded blocks of 16. So the split is stratified, and items appended to a part
    or in a new part never move those that were there.
    """
    dealt: dict[tuple[str, str], int] = defaultdict(int)
    splits: dict[str, Split] = {}
    for item in items:
        if item.group in splits:
            continue
        stratum = (item.id.partition("-")[0], item.category)
        position = dealt[stratum]
        dealt[stratum] += 1
        splits[item.group] = _block(seed, *stratum, position // len(BLOCK))[position % len(BLOCK)]
    return splits


def _block(seed: int, part: str, category: str, number: int) -> list[Split]:
    def draw(slot: int) -> bytes:
        return hashlib.sha256(f"{seed}/{part}/{category}/{number}/{slot}".encode()).digest()

    return [BLOCK[slot] for slot in sorted(range(len(BLOCK)), key=draw)]


def corpus_hash(items: Iterable[Item]) -> str:
    """Twelve hex digits that name this corpus: the content of every item, whatever the order."""
    lines = sorted(item.model_dump_json() for item in items)
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()[:12]
