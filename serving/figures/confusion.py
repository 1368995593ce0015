"""What the model suggested against what the reviewers found."""

from collections.abc import Mapping, Sequence
from typing import Literal

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import Session

from data.taxonomy import URGENCY_NAMES, destinations
from serving.figures.records import Cell, Confusion
from serving.known import known_categories
from serving.store.schema import CallRow

Label = Literal["category", "urgency", "destination"]


def from_pairs(label: Label, pairs: Mapping[str, int]) -> Confusion:
    """From numbers of calls by `suggested|reviewed`; the largest confusions first, then what agreed."""
    names = _names(label)
    cells = []
    for pair, calls in pairs.items():
        suggested, _, reviewed = pair.partition("|")
        cells.append(
            Cell(suggested=suggested, suggested_name=names.get(suggested, suggested), reviewed=reviewed,
                 reviewed_name=names.get(reviewed, reviewed), calls=calls)
        )  # fmt: skip
    cells.sort(key=lambda cell: (cell.suggested == cell.reviewed, -cell.calls, cell.suggested, cell.reviewed))
    agreed = sum(cell.calls for cell in cells if cell.suggested == cell.reviewed)
    return Confusion(reviewed=sum(cell.calls for cell in cells), agreed=agreed, cells=tuple(cells))


def confused(session: Session, label: Label, scope: Sequence[ColumnElement[bool]]) -> Confusion:
    """From the reviewed calls within `scope` themselves."""
    suggested, reviewed = getattr(CallRow, label), getattr(CallRow, f"reviewed_{label}")
    query = select(suggested, reviewed, func.count()).where(CallRow.review == "done", reviewed.is_not(None), *scope)
    rows = session.execute(query.group_by(suggested, reviewed))
    return from_pairs(label, {f"{one}|{two}": calls for one, two, calls in rows})


def _names(label: Label) -> Mapping[str, str]:
    if label == "urgency":
        return {level.value: name for level, name in URGENCY_NAMES.items()}
    if label == "category":
        return {code: category.name for code, category in known_categories().items()}
    return {code: destination.name for code, destination in destinations().items()}
