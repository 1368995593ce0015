"""Stored calls whose words are like a call's: whoever corrects one sees where the same was decided otherwise."""

from collections.abc import Sequence

import numpy as np
from fastapi import APIRouter
from sqlalchemy import or_, select

from data.records import Record, Turn
from model.likeness import Vector, vector
from serving.api import RecorderOf, StoreOf
from serving.auth import Reviewer
from serving.calls_api import CallId, away, found
from serving.problems import documented
from serving.store.calls import CallRecord
from serving.store.filters import Condition, visible
from serving.store.schema import CallRow, TranscriptRow, Turns
from serving.store.store import Store, StoreAway
from serving.views import CallLine, line

router = APIRouter()
NEWEST = 1500  # calls of the categories in question that are compared
SHOWN = 20
LEAST = 0.12
EXCERPT = 60


class SimilarCall(CallLine):
    """A call with its likeness (0–1) and how its caller began."""

    likeness: float
    words: str


class SimilarCalls(Record):
    """Similar calls, the most similar first."""

    calls: tuple[SimilarCall, ...]


@router.get("/v1/review-calls/{call_id}/similar", responses=documented(401, 403, 404, 422, 503))
def similar(call_id: CallId, recorder: RecorderOf, store: StoreOf, key: Reviewer) -> SimilarCalls:
    """Calls with similar words among the newest of the categories in question: suggested, runners-up, best known."""
    record = found(recorder, call_id, key)
    try:
        return SimilarCalls(calls=tuple(_alike(record, store, visible(key))))
    except StoreAway as error:
        raise away() from error


def _alike(record: CallRecord, store: Store, scope: Sequence[Condition]) -> list[SimilarCall]:
    codes = _categories(record)
    query = (
        select(CallRow, TranscriptRow.turns)
        .join(TranscriptRow, TranscriptRow.call_id == CallRow.id)
        .where(CallRow.id != record.row.id, or_(CallRow.category.in_(codes), CallRow.final_category.in_(codes)), *scope)
        .order_by(CallRow.started_at.desc(), CallRow.id.desc())
        .limit(NEWEST)
    )
    asked = _vector(record.turns or [])
    with store.reading() as session:
        rows = [(row[0], row[1]) for row in session.execute(query)]
    if not rows or not asked.any():
        return []
    likeness = np.stack([_vector(turns) for _, turns in rows]) @ asked
    best = [n for n in np.argsort(-likeness, kind="stable")[:SHOWN] if likeness[n] >= LEAST]
    return [
        SimilarCall(**line(rows[n][0]).model_dump(), likeness=round(float(likeness[n]), 3), words=_excerpt(rows[n][1]))
        for n in best
    ]


def _categories(record: CallRecord) -> list[str]:
    shown = record.suggestion(record.row.suggestion_id)
    runners_up = shown.payload.get("category", {}).get("alternatives", []) if shown else []
    named = [record.row.category, record.row.final_category, *(other["code"] for other in runners_up)]
    return list(dict.fromkeys(named))


def _vector(turns: Turns) -> Vector:
    return vector([Turn.model_validate(turn) for turn in turns])


def _excerpt(turns: Turns) -> str:
    return " ".join(turn["text"] for turn in turns if turn["speaker"] == "caller")[:EXCERPT]
