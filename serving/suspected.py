"""Suspected labels of reviewed calls, as examining the labels lists them: back to the reviewers."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError
from sqlalchemy import select

from data.lines import bounded_lines, json_object
from data.tables import DataError, first_problem
from serving.store.entries import Doubted
from serving.store.export import call_of
from serving.store.filters import Category
from serving.store.keep import COMMAND, chunks
from serving.store.schema import CallRow
from serving.store.store import Store


class Suspicion(BaseModel):
    """An item whose label `category` another one claims; what else stands in its line is not needed here."""

    model_config = ConfigDict(frozen=True, strict=True)

    id: str
    category: Category
    claimed: Category


@dataclass
class Told:
    """What became of suspicions. `foreign` items never were stored calls; `unknown` calls are no longer there;
    `changed` ones have another label by now; `known` were claimed before, whatever reviewers made of it."""

    queued: int = 0
    known: int = 0
    changed: int = 0
    unknown: int = 0
    foreign: int = 0


def read(path: Path) -> list[Suspicion]:
    """The suspicions of a file.

    Raises:
        DataError: it cannot be read, or a line is none.
    """
    found = []
    try:
        with path.open("rb") as file:
            for number, raw in bounded_lines(file):
                values = json_object(raw)
                if isinstance(values, str):
                    raise DataError(path, number, "", f"is {values}")
                try:
                    found.append(Suspicion.model_validate(values))
                except ValidationError as error:
                    raise DataError(path, number, *first_problem(error)) from error
    except OSError as error:
        raise DataError(path, 0, "", f"cannot be read: {error.strerror}") from error
    return found


def suspect(store: Store, suspicions: Sequence[Suspicion]) -> Told:
    """Claims the other category for each call whose label still is the suspected one. Once more changes nothing.

    Raises:
        StoreAway: the database does not answer; what was claimed by then stays.
    """
    claimed = {call_id: one for one in suspicions if (call_id := call_of(one.id))}
    told = Told(foreign=sum(call_of(one.id) is None for one in suspicions))
    for ids in chunks(sorted(claimed)):
        with store.reading() as session:
            query = select(CallRow.id, CallRow.reviewed_category, CallRow.claimed_category, CallRow.review)
            rows = list(session.execute(query.where(CallRow.id.in_(ids))))
        entries = []
        for call_id, label, before, review in rows:
            one = claimed[call_id]
            if review != "done" or label != one.category:
                told.changed += 1
            elif before == one.claimed:
                told.known += 1
            else:
                entries.append(Doubted(by=COMMAND, call_id=call_id, source="label_quality", category=one.claimed))
        store.apply(entries)
        told.queued += len(entries)
        told.unknown += len(ids) - len(rows)
    return told
