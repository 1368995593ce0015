"""What scientists get: reviewed calls, redacted, as the corpus has them – and nothing else of a call."""

from collections.abc import Iterator
from datetime import date
from typing import Annotated

from fastapi import APIRouter, Query
from fastapi.responses import StreamingResponse

from serving.api import RecorderOf, StoreOf
from serving.auth import Scientist
from serving.calls_api import away
from serving.problems import documented
from serving.store.entries import Noted
from serving.store.export import reviewed
from serving.store.filters import visible
from serving.store.recorder import by
from serving.store.store import StoreAway

router = APIRouter()


@router.get("/v1/exports/reviews", response_class=StreamingResponse, responses=documented(401, 403, 422, 503))
def reviews(
    recorder: RecorderOf, store: StoreOf, key: Scientist, since: Annotated[date | None, Query()] = None
) -> StreamingResponse:
    """Reviewed calls of local days from `since` on: one corpus item a line."""
    recorder.settled()
    try:
        store.ping()
    except StoreAway as error:
        raise away() from error
    recorder.note(Noted(by=by(key), action="exported_reviews", detail={"since": str(since or "")}))

    def lines() -> Iterator[str]:
        with store.reading() as session:
            for item, _ in reviewed(session, visible(key), since):
                yield item.model_dump_json(exclude_defaults=True) + "\n"

    return StreamingResponse(lines(), media_type="application/x-ndjson")
