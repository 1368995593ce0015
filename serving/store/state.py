"""How each entry moves a call on. The same functions move the stored row and the copy that waits in memory."""

import hashlib
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from data.taxonomy import PoliceLabel, Urgency
from serving.known import known_categories, known_rule
from serving.store.entries import By, Decided, Doubted, Happened, Reviewed, Suggested, Undone
from serving.store.schema import LOCAL, CallRow, DecisionRow, OutcomeRow, ReviewRow, SuggestionRow

SURE_OF_ITSELF = 0.9  # a label that contradicts a suggestion this probable is suspected
DANGEROUS = Urgency.URGENT.rank
HELD = timedelta(hours=1)  # for reviewers, a call of which nothing more has been heard for so long is over


def is_danger(urgency: str) -> bool:
    """Whether minutes count."""
    return Urgency(urgency).rank <= DANGEROUS


def owner(city: str, category: str) -> PoliceLabel:
    """Whose matter a category is in the city; one that no release has any more stays with the police."""
    if rule := known_rule(city, category):
        return rule.owner
    found = known_categories().get(category)
    return found.police if found else PoliceLabel.POLICE


def may_add(by: By, operator: str) -> bool:
    """Whether words of `by` go into a call that this operator took: it is his, and an admin's."""
    return by.id == operator or by.role == "admin"


def opened(entry: Suggested) -> CallRow:
    """A new call."""
    local = entry.at.astimezone(LOCAL)
    row = CallRow(
        id=entry.call_id, city=entry.city, channel=entry.channel, operator=entry.by.id, started_at=entry.at,
        last_at=entry.at, day=local.date(), hour=local.hour, lottery=lottery(entry.call_id), again=False,
        overrode=False, lowered=False, raised=False, outcome="none", returned=False, review="open", usable=True,
        under_called=False, contradicted=False, suspected=False,
    )  # fmt: skip
    suggested(row, entry)
    return row


def lottery(call_id: str) -> float:
    """The call's fixed lot in [0, 1): calls below the audit rate are audited, whoever asks and whenever."""
    return int.from_bytes(hashlib.sha256(call_id.encode()).digest()[:6]) / 2**48


def suggested(row: CallRow, entry: Suggested) -> None:
    """A further suggestion; after the decision only the times move on."""
    row.last_at = max(row.last_at, entry.at)
    row.held_until = entry.at + HELD if entry.partial else None
    if row.decided_at is not None:
        return
    s: dict[str, Any] = entry.suggestion
    place = s["location"] or {}
    row.suggestion_id = s["suggestion_id"]
    row.district, row.town = place.get("district"), place.get("town")
    row.police, row.probability = s["police"]["label"], s["destination"]["probability"]
    row.category, row.group = s["category"]["code"], s["category"]["group"]
    row.category_probability = s["category"]["probability"]
    row.urgency, row.track = s["urgency"]["level"], s["destination"]["track"]
    row.destination, row.unit = s["destination"]["code"], s["destination"]["unit"]
    row.confident, row.elapsed_ms = s["confident"], s["elapsed_ms"]
    row.flags = " ".join(dict.fromkeys(flag["id"] for flag in s["red_flags"]))[:256]
    row.model_version, row.policy_version = s["model_version"], s["policy_version"]
    settle(row)


def suggestion_row(entry: Suggested) -> SuggestionRow:
    """The suggestion as it was shown."""
    s = entry.suggestion
    return SuggestionRow(
        id=s["suggestion_id"], call_id=entry.call_id, at=entry.at, by=entry.by.id, model_version=s["model_version"],
        policy_version=s["policy_version"], payload=s,
    )  # fmt: skip


def ended(row: CallRow) -> None:
    """The call is over."""
    row.held_until = None


def decided(row: CallRow, entry: Decided) -> DecisionRow:
    """The operator's decision."""
    row.decided_at, row.decided_by, row.consent = entry.at, entry.by.id, entry.consent
    row.decided_category, row.decided_urgency = entry.category, entry.urgency
    row.decided_destination = entry.destination
    row.overrode, row.lowered, row.raised = entry.overrode, entry.lowered, entry.raised
    row.due_at, row.last_at = entry.due_at, max(row.last_at, entry.at)
    settle(row)
    return DecisionRow(
        **entry.model_dump(include={"id", "call_id", "suggestion_id", "at", "category", "urgency", "destination",
                                    "consent", "overrode", "lowered", "raised", "note", "reason"}),
        by=entry.by.id,
    )  # fmt: skip


def happened(row: CallRow, entry: Happened) -> OutcomeRow:
    """A step of the receiving unit."""
    row.outcome, row.outcome_at, row.due_at = entry.status, entry.at, entry.due_at
    row.returned = row.returned or entry.status == "returned"
    row.last_at = max(row.last_at, entry.at)
    settle(row)
    fields = {"id", "call_id", "at", "status", "owner", "due_at", "reason", "note"}
    return OutcomeRow(**entry.model_dump(include=fields), by=entry.by.id)


def review_row(entry: Reviewed) -> ReviewRow:
    """A reviewer's verdict."""
    return ReviewRow(**entry.model_dump(exclude={"by", "kind"}), by=entry.by.id, undone_at=None, undone_by=None)


def undone(row: CallRow, reviews: Sequence[ReviewRow], entry: Undone | Suggested) -> None:
    """Verdicts are taken back: those of a batch, or all that were given before something more was said."""
    batch = entry.batch if isinstance(entry, Undone) else None
    taken = [review for review in reviews if review.undone_at is None and batch in (None, review.batch)]
    for review in taken:
        review.undone_at, review.undone_by = entry.at, entry.by.id
    if taken:
        reviewed(row, reviews)


def reviewed(row: CallRow, reviews: Sequence[ReviewRow]) -> None:
    """The call's review as it follows from all `reviews` of it that were not undone, oldest first.

    One reviewer is enough where one is wanted. Where two are, they must agree; if not, a third adjudicates, and who
    looks again later has the last word.
    """
    valid = [review for review in reviews if review.undone_at is None]
    row.review, agreed = _verdict(valid)
    row.reviewed_at = valid[-1].at if valid else None
    row.usable = agreed is None or agreed.verdict != "unusable"
    row.reviewed_category = agreed.category if agreed else None
    row.reviewed_urgency = agreed.urgency if agreed else None
    row.reviewed_destination = agreed.destination if agreed else None
    settle(row)
    row.suspected = bool(agreed and agreed.category and _suspected(row, agreed.category, valid))


def _suspected(row: CallRow, label: str, valid: Sequence[ReviewRow]) -> bool:
    """Whether one reviewer alone contradicts a very sure suggestion, or nobody has looked since another category was
    claimed."""
    alone = len({review.by for review in valid}) == 1
    if alone and label != row.category and row.category_probability >= SURE_OF_ITSELF:
        return True
    claimed_at = row.claimed_at
    return claimed_at is not None and label != row.claimed_category and all(r.at < claimed_at for r in valid)


def doubted(row: CallRow, entry: Doubted, reviews: Sequence[ReviewRow]) -> None:
    """What is no person says otherwise. The same claim again opens nothing anew."""
    if entry.source == "shadow":
        row.candidate_version, row.candidate_category = entry.version, entry.category
        row.candidate_urgency, row.candidate_destination = entry.urgency, entry.destination
    elif row.claimed_category != entry.category:
        row.claimed_category, row.claimed_at = entry.category, entry.at
        reviewed(row, reviews)


def _verdict(valid: Sequence[ReviewRow]) -> tuple[str, ReviewRow | None]:
    if not valid:
        return "open", None
    if any(review.adjudicates for review in valid):
        return "done", _adjudicated(valid)
    latest = {review.by: review for review in valid}  # a reviewer's later verdict replaces his earlier one
    if max(review.wanted for review in valid) == 1:
        return "done", valid[-1]
    if len(latest) == 1:
        return "second", None
    labels = {(r.verdict == "unusable", r.category, r.urgency, r.destination) for r in latest.values()}
    return ("done", valid[-1]) if len(labels) == 1 else ("adjudicate", None)


def _adjudicated(valid: Sequence[ReviewRow]) -> ReviewRow:
    """What was adjudicated, or what was said at a second look by somebody who was not among those who disagreed."""
    first = next(number for number, review in enumerate(valid) if review.adjudicates)
    parties = {review.by for review in valid[:first]}
    return [review for review in valid[first:] if review.adjudicates or review.by not in parties][-1]


def settle(row: CallRow) -> None:
    """Brings what follows from the other columns up to date."""
    row.final_category = row.reviewed_category or row.decided_category or row.category
    row.final_urgency = row.reviewed_urgency or row.decided_urgency or row.urgency
    row.final_destination = row.reviewed_destination or row.decided_destination or row.destination
    changed = row.final_category != row.category
    row.final_police = owner(row.city, row.final_category).value if changed else row.police
    said, best = Urgency(row.urgency).rank, Urgency(row.final_urgency).rank
    risen = best < said and best <= DANGEROUS
    row.under_called = bool(row.lowered or row.raised or risen or (row.final_police == "police" != row.police))
    row.contradicted = bool(row.confident and (row.overrode or row.returned))
