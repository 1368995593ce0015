"""How far two reviewers of the same calls agree."""

from fastapi import APIRouter

from data.records import Record
from serving.api import RecorderOf, StoreOf
from serving.auth import Reviewer
from serving.calls_api import away
from serving.problems import documented
from serving.store import queues
from serving.store.filters import visible
from serving.store.store import StoreAway

router = APIRouter()


class Agreed(Record):
    """Share of equal labels and Cohen's κ."""

    equal: float | None
    kappa: float | None


class AgreementView(Record):
    """How far two reviewers of the same calls agree."""

    pairs: int
    category: Agreed
    urgency: Agreed
    destination: Agreed


@router.get("/v1/review-agreement", responses=documented(401, 403, 503))
def agreement(recorder: RecorderOf, store: StoreOf, key: Reviewer) -> AgreementView:
    """How far two reviewers of the same calls agree, with Cohen's κ."""
    recorder.settled()
    try:
        with store.reading() as session:
            known = queues.Agreement(session, visible(key))
    except StoreAway as error:
        raise away() from error
    labels = {}
    for label in ("category", "urgency", "destination"):
        equal, kappa = known.of(label)
        labels[label] = Agreed(equal=equal, kappa=kappa)
    return AgreementView(pairs=len(known.pairs), **labels)
