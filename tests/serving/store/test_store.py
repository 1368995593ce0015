"""What is written arrives, once, on both databases; and nothing waits for a database that is away."""

import json
import time
from datetime import timedelta
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import func, make_url, select, text

from data.records import Call, Suggestion
from data.redaction import redact
from serving.store import queues
from serving.store.calls import load
from serving.store.entries import AnyEntry, By, Doubted, Ended, Happened, Noted, Undone, now
from serving.store.recorder import Recorder
from serving.store.schema import (
    QUEUE_ORDER,
    AuditRow,
    Base,
    CallRow,
    HolderRow,
    ReviewRow,
    SuggestionRow,
    TranscriptRow,
)
from serving.store.state import HELD
from serving.store.store import Store, StoreAway
from serving.views import Candidate, doubts
from tests import postgres
from tests.serving.store.made import ANNA, BORIS, CLARA, NOON, decided, key, reviewed, suggested, suggestion

HOSTILE = (
    "<script>alert(1)</script>",
    "'; DROP TABLE calls; --",
    "\u202e反\u202c正",
    "\x00\x01\x07\x1b[31m",
    "😭" * 100,
    "%s %(x)s {y} \\",
    "长" * 20_000,
)


def count(store: Store, table: type[Base]) -> int:
    with store.reading() as session:
        return session.scalar(select(func.count()).select_from(table)) or 0


def test_the_migrated_schema_is_that_of_the_code(empty_url: str) -> None:
    store = Store(empty_url)
    store.migrate()
    with store.engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), Base.metadata) == []
    store.migrate()  # once more changes nothing
    store.close()


def test_an_entry_arrives_once(store: Store) -> None:
    shown = suggested("c1")
    entries: list[AnyEntry] = [shown, decided(shown), reviewed("c1"), Noted(by=BORIS, action="read", call_id="c1")]
    store.apply(entries)
    store.apply(entries)
    store.apply([*entries, *entries])
    for table in (CallRow, TranscriptRow, SuggestionRow, ReviewRow, AuditRow):
        assert count(store, table) == 1, table
    assert count(store, HolderRow) == 2


def test_state_follows_what_happened(store: Store) -> None:
    shown = suggested("c1", confident=True, location={"text": "古荡", "district": "西湖区", "town": "古荡街道"})
    store.apply([shown])
    with store.reading() as session:
        row = session.get_one(CallRow, "c1")
        assert (row.day.isoformat(), row.hour, row.town, row.started_at) == ("2025-11-20", 12, "古荡街道", NOON)
        assert (row.final_category, row.final_police, row.review) == ("neighbour_dispute", "non_police", "open")
    store.apply([decided(shown, category="fight", urgency="emergency", destination="police_station",
                         overrode=True, raised=True)])  # fmt: skip
    with store.reading() as session:
        row = session.get_one(CallRow, "c1")
        assert (row.category, row.final_category, row.final_police) == ("neighbour_dispute", "fight", "police")
        assert row.under_called
        assert row.contradicted
    store.apply([Happened(by=ANNA, call_id="c1", status="returned", owner="department", reason="不属本单位")])
    store.apply(
        [reviewed("c1", verdict="correct", category="noise", urgency="routine_onsite", destination="department")]
    )
    with store.reading() as session:
        row = session.get_one(CallRow, "c1")
        assert row.returned
        assert (row.review, row.final_category, row.final_destination) == ("done", "noise", "department")


def test_after_the_decision_a_suggestion_changes_nothing_but_is_kept(store: Store) -> None:
    shown = suggested("c1")
    store.apply([shown, decided(shown), suggested("c1", category="fight")])
    assert count(store, SuggestionRow) == 2
    with store.reading() as session:
        assert session.get_one(CallRow, "c1").category == "neighbour_dispute"


def test_another_operators_suggestion_does_not_touch_the_call(store: Store) -> None:
    store.apply([suggested("c1"), suggested("c1", by=CLARA, category="fight", text="另一段")])
    with store.reading() as session:
        assert session.get_one(CallRow, "c1").category == "neighbour_dispute"
        assert session.get_one(TranscriptRow, "c1").turns[0]["text"] == "楼上漏水"
        assert session.scalars(select(AuditRow.action)).all() == ["suggestion_for_another's_call"]


def test_two_decisions_of_two_processes(store: Store) -> None:
    shown = suggested("c1")
    store.apply([shown, decided(shown)])
    store.apply([decided(shown, destination="hotline_12345")])
    with store.reading() as session:
        assert session.get_one(CallRow, "c1").decided_destination == "grassroots_platform"
        (kept,) = session.scalars(select(AuditRow)).all()
        assert kept.detail["destination"] == "hotline_12345"


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_hostile_text_is_kept_as_text(recorder: Recorder, text: str) -> None:
    call = Call.model_validate({"text": f"楼上漏水{text}"[:20_000]})
    shown = Suggestion.model_validate_json(json.dumps(suggestion("c1", location={"text": text, "district": "西湖区", "town": None})))  # fmt: skip
    recorder.suggested(call, shown, key(ANNA))
    entry = decided(suggested("c1", suggestion_id=shown.suggestion_id), note=text.replace("\x00", ""))
    recorder.write([entry, reviewed("c1", reason=text.replace("\x00", ""))])
    found = recorder.call("c1")
    assert recorder.settled()
    assert found is not None
    assert found.turns is not None
    assert found.turns[0]["text"] == redact(call.text).replace("\x00", "\ufffd")
    assert found.decision is not None
    assert found.decision.note == entry.note
    assert found.reviews[0].reason == entry.note


def test_reviews_agree_disagree_and_are_undone(store: Store) -> None:
    store.apply([suggested("c1")])

    def state() -> str:
        with store.reading() as session:
            return session.get_one(CallRow, "c1").review

    first = reviewed("c1", wanted=2)
    store.apply([first])
    assert state() == "second"
    second = reviewed("c1", by=CLARA, wanted=2, verdict="correct", category="noise")
    store.apply([second])
    assert state() == "adjudicate"
    store.apply([reviewed("c1", by=ANNA, wanted=2, adjudicates=True, verdict="correct", category="noise")])
    assert state() == "done"
    with store.reading() as session:
        assert session.get_one(CallRow, "c1").reviewed_category == "noise"
    store.apply([Undone(by=CLARA, batch=second.batch), Undone(by=BORIS, batch=first.batch)])
    assert state() == "done"  # the adjudication stands alone
    with store.reading() as session:
        undone = session.scalars(select(ReviewRow.undone_by).where(ReviewRow.undone_by.is_not(None))).all()
        assert sorted(map(str, undone)) == ["b2", "c3"]


def waiting(store: Store, queue: str = "random_audit", by: By = BORIS) -> list[str]:
    """The calls of a queue that wait for a reviewer."""
    with store.reading() as session:
        return [row.id for row in queues.page(session, queue, queues.waiting(queue, by.id, 1, ()), None, 9)]


def test_a_call_that_goes_on_waits_for_its_end(store: Store) -> None:
    store.apply([suggested("c1", at=now(), partial=True), suggested("old", at=now() - HELD, partial=True)])
    assert waiting(store) == ["old"]  # nobody said that it is over, but nothing more was heard of it
    ended = Ended(by=ANNA, call_id="c1")
    store.apply([ended])
    assert set(waiting(store)) == {"c1", "old"}
    store.apply([suggested("c1", at=now(), partial=True)])  # he had hung up too soon
    assert waiting(store) == ["old"]
    store.apply([suggested("c1", at=now())])
    assert set(waiting(store)) == {"c1", "old"}


def test_what_is_said_after_a_verdict_opens_the_call_again(store: Store) -> None:
    verdict = reviewed("c1", verdict="correct", category="noise")
    store.apply([suggested("c1"), verdict])
    assert waiting(store) == []
    store.apply([suggested("c1", category="fight", text="他拿刀出来了")])
    assert waiting(store) == ["c1"]
    with store.reading() as session:
        record = load(session, "c1")
        assert record is not None
        assert (record.row.review, record.row.final_category) == ("open", "fight")
        assert [review.undone_by for review in record.reviews] == [ANNA.id]
    store.apply([reviewed("c1", category="fight")])
    store.apply([Undone(by=BORIS, batch=verdict.batch)])  # what later words took back already
    assert waiting(store) == []


def test_memory_and_database_open_a_call_again_alike(recorder: Recorder) -> None:
    entries: list[AnyEntry] = [
        suggested("c1", partial=True), reviewed("c1"), suggested("c1", partial=True), Ended(by=ANNA, call_id="c1"),
    ]  # fmt: skip
    recorder.write(entries)
    remembered = recorder._recent.get("c1")
    assert remembered is not None
    assert recorder.settled()
    stored = recorder.call("c1")
    assert stored is not None
    for record in (remembered, stored):
        assert (record.row.review, record.row.held_until) == ("open", None)
        assert [review.undone_by for review in record.reviews] == [ANNA.id]


def test_a_second_look_at_what_was_adjudicated_counts(store: Store) -> None:
    diana = By(id="d4", role="reviewer")

    def stands() -> str | None:
        with store.reading() as session:
            row = session.get_one(CallRow, "c1")
            assert row.review == "done"
            return row.reviewed_category

    store.apply([suggested("c1"), reviewed("c1", wanted=2), reviewed("c1", by=CLARA, wanted=2, category="noise")])
    store.apply([reviewed("c1", by=ANNA, wanted=2, adjudicates=True)])
    store.apply([Doubted(by=ANNA, call_id="c1", source="label_quality", category="consumer")])
    assert waiting(store, "suspected_label", diana) == ["c1"]
    again = reviewed("c1", by=diana, wanted=2, verdict="correct", category="consumer")
    store.apply([again])
    assert (stands(), waiting(store, "suspected_label", diana)) == ("consumer", [])
    store.apply([reviewed("c1", by=CLARA, wanted=2, verdict="correct", category="noise")])
    assert stands() == "consumer"  # one of those who disagreed does not overrule the others
    store.apply([Undone(by=diana, batch=again.batch)])
    assert stands() == "neighbour_dispute"
    store.apply([reviewed("c1", by=ANNA, wanted=2, verdict="correct", category="fight")])
    assert stands() == "fight"  # who adjudicated corrects himself


def test_a_contradicted_sure_suggestion_makes_a_label_suspect(store: Store) -> None:
    store.apply([suggested("c1", probability=0.97), reviewed("c1", verdict="correct", category="noise")])
    with store.reading() as session:
        assert session.get_one(CallRow, "c1").suspected
    store.apply([reviewed("c1", by=CLARA, verdict="correct", category="noise")])
    with store.reading() as session:
        assert not session.get_one(CallRow, "c1").suspected


def test_what_a_candidate_says_waits_until_it_is_reviewed(store: Store) -> None:
    other = {"category": "noise", "urgency": "urgent", "destination": "police_station"}
    doubt = Doubted(by=BORIS, call_id="c1", source="shadow", version="r9", **other)  # type: ignore[arg-type]
    store.apply([suggested("c1"), doubt, doubt])
    store.apply([doubt])
    assert count(store, AuditRow) == 1
    with store.reading() as session:
        row = session.get_one(CallRow, "c1")
        assert doubts(row)["candidate"] == Candidate(version="r9", **other)
        assert session.scalars(select(CallRow).where(text(QUEUE_ORDER["shadow"][0]))).all() == [row]
    store.apply([reviewed("c1")])
    with store.reading() as session:
        assert session.scalars(select(CallRow).where(text(QUEUE_ORDER["shadow"][0]))).all() == []


def test_repeat_calls(store: Store) -> None:
    hours = (0, 1, 74)
    store.apply([suggested(f"c{n}", at=NOON + timedelta(hours=h), numbers=("n1",)) for n, h in enumerate(hours)])
    store.apply([suggested("other", at=NOON + timedelta(hours=2), numbers=("n2",))])
    with store.reading() as session:
        again = session.scalars(select(CallRow.id).where(CallRow.again)).all()
    assert again == ["c1"]  # 73 hours after c1 is no repeat


def test_what_the_database_refuses_is_kept_beside(recorder: Recorder, tmp_path: Path) -> None:
    lost = decided(suggested("never shown"))
    recorder.write([suggested("c1"), lost, suggested("c2")])
    assert recorder.settled()
    assert recorder.call("c1")
    assert recorder.call("c2")
    assert json.loads((tmp_path / "state" / "rejected.jsonl").read_text())["id"] == lost.id


def test_without_a_database_everything_goes_on_and_arrives_later(tmp_path: Path) -> None:
    away = Store("postgresql://nobody@127.0.0.1:1/none")
    recorder = Recorder(away, tmp_path, "hangzhou")
    recorder.start()
    shown = suggested("c1")
    recorder.write([shown, decided(shown)])
    found = recorder.call("c1")
    assert found is not None
    assert found.decision is not None
    assert recorder.missing() == ("store",)
    assert "OperationalError" in str(recorder.problem) or "StoreAway" in str(recorder.problem)
    with pytest.raises(StoreAway):
        recorder.call("never seen")
    recorder.stop()
    # the next start remembers, and brings everything into the database that answers now
    back = Store(f"sqlite:///{tmp_path}/calls.db")
    again = Recorder(back, tmp_path, "hangzhou")
    again.start()
    assert again.settled()
    stored = again.call("c1")
    assert stored is not None
    assert stored.decision is not None
    assert again.missing() == ()
    assert list((tmp_path / "spool").iterdir()) == []
    again.stop()
    back.close()
    away.close()


def test_what_a_database_that_only_reads_does_not_take_waits(postgres_server: str, tmp_path: Path) -> None:
    with postgres.database(postgres_server) as address:
        store = Store(address)
        store.migrate()
        name = make_url(address).database
        refuse = f"ALTER DATABASE {name} SET default_transaction_read_only = "  # as a standby after a failover
        recorder = Recorder(store, tmp_path, "hangzhou")
        with store.writing() as session:
            session.execute(text(refuse + "on"))
        store.close()  # of connections that come
        recorder.start()
        recorder.write([suggested("c1")])
        assert not recorder.settled()
        assert recorder.missing() == ("store",)
        assert not (tmp_path / "rejected.jsonl").exists()
        with store.reading() as session:
            session.connection().exec_driver_sql("SET TRANSACTION READ WRITE")
            session.execute(text(refuse + "off"))
            session.commit()
        store.close()
        until = time.monotonic() + 20
        while not recorder.settled():
            assert time.monotonic() < until
        assert recorder.call("c1")
        recorder.stop()
        store.close()


def test_nothing_personal_reaches_the_disk(recorder: Recorder, tmp_path: Path) -> None:
    said = "我姓王叫王小明，电话13812345678，住文一路12号3幢502室，车牌浙A12345，楼上漏水"
    place = {"text": "文一路12号3幢502室", "district": "西湖区", "town": None}
    shown = suggestion("c1", suggestion_id="s1", location=place)  # a random id may hold 502
    shown["evidence"] = [{"turn": 0, "start": 7, "end": 20, "text": said[7:20], "weight": 1.0},
                         {"turn": 0, "start": len(said) - 4, "end": len(said), "text": "楼上漏水", "weight": 1.0}]  # fmt: skip
    shown["reasons"] = [f"地点“{said}”不在本市"]
    recorder.suggested(
        Call.model_validate({"text": said}), Suggestion.model_validate_json(json.dumps(shown)), key(ANNA)
    )
    found = recorder.call("c1")
    assert found is not None
    kept = json.dumps([found.turns, found.suggestions[0].payload], ensure_ascii=False)
    for personal in ("13812345678", "王小明", "502", "A12345"):
        assert personal not in kept
    (evidence,) = found.suggestions[0].payload["evidence"]
    assert found.turns is not None
    assert found.turns[0]["text"][evidence["start"] : evidence["end"]] == "楼上漏水"
    for path in tmp_path.rglob("*"):
        assert path.is_dir() or b"13812345678" not in path.read_bytes(), path
