"""Words go, figures and labels stay; one caller's calls are found by his number alone; reviews become a corpus."""

from datetime import timedelta
from pathlib import Path

from sqlalchemy import func, select

from data.corpus import load_corpus, split_groups
from data.records import Turn
from serving.store import keep
from serving.store.calls import load
from serving.store.entries import Happened, now
from serving.store.export import reviewed as exported
from serving.store.private import Hasher, said_numbers
from serving.store.rollup import FigureRow, refresh
from serving.store.schema import NumberRow, SuggestionRow, TranscriptRow
from serving.store.store import Store
from tests.serving.store.made import ANNA, BORIS, NOON, decided, reviewed, suggested


def figures(store: Store) -> list[tuple[object, ...]]:
    refresh(store)
    columns = FigureRow.__table__.columns
    with store.reading() as session:
        return [tuple(row) for row in session.execute(select(*columns).order_by(*FigureRow.__table__.primary_key))]


def test_purging_forgets_words_and_keeps_figures(store: Store) -> None:
    old, fresh = suggested("old", numbers=("n1",)), suggested("fresh", at=now())
    store.apply([old, fresh, decided(old, note="联系〔姓名〕", reason="x"),
                 Happened(by=ANNA, at=old.at, call_id="old", status="accepted", note="已联系"),
                 reviewed("old", at=old.at, reason="类别不对")])  # fmt: skip
    before = figures(store)
    assert before
    assert keep.purge(store, now() - timedelta(days=1)) == 1
    assert keep.purge(store, now() - timedelta(days=1)) == 0
    store.apply([suggested("old", text="后来又说")])  # late out of a spool: what was forgotten stays so
    assert figures(store) == before
    with store.reading() as session:
        record = load(session, "old")
        assert record is not None
        assert record.turns is None
        assert [row.payload for row in record.suggestions] == [{}, {}]
        assert record.decision is not None
        assert (record.decision.note, record.outcomes[0].note, record.reviews[0].reason) == ("", "", "类别不对")
        assert record.row.purged_at is not None
        assert session.scalars(select(TranscriptRow.call_id)).all() == ["fresh"]
        assert session.scalar(select(func.count()).select_from(NumberRow)) == 0


def test_a_caller_is_found_however_his_number_was_said(store: Store, tmp_path: Path) -> None:
    hasher = Hasher(tmp_path)
    ways = (
        "13812345678",
        "138 1234 5678",
        "一三八，一二三四，五六七八",
        "１３８-1234-5678",
        "幺三八幺二三四五六七八",
        "+86 13812345678",
    )
    for number, words in enumerate(ways):
        said = said_numbers([Turn(speaker="caller", text=f"我电话{words}，快点")])
        store.apply([suggested(f"c{number}", numbers=tuple(map(hasher.digest, said)))])
    store.apply([suggested("other", numbers=(hasher.digest("13900000000"),))])
    assert sorted(keep.calls_of(store, hasher.digest("13812345678"))) == [f"c{n}" for n in range(len(ways))]
    assert Hasher(tmp_path).digest("13812345678") == hasher.digest("138-1234-5678")
    assert Hasher(tmp_path / "elsewhere").digest("13812345678") != hasher.digest("13812345678")
    assert (
        said_numbers([Turn(speaker="operator", text="13812345678"), Turn(speaker="caller", text="139123456780000")])
        == ()
    )


def test_reviews_are_a_corpus(store: Store, tmp_path: Path) -> None:
    store.apply([
        suggested("a", numbers=("n1",)), suggested("b", numbers=("n1", "n2"), text="楼上还在漏水"),
        suggested("c", numbers=("n2",), text="又是我"), suggested("d", text="电瓶车被偷"), suggested("e", text="电瓶车被偷"),
        suggested("unusable", text="喂"), suggested("open", text="未审"),
    ])  # fmt: skip
    labels = dict.fromkeys("abc", "noise") | dict.fromkeys("de", "theft")
    store.apply([reviewed(call, verdict="correct", category=category) for call, category in labels.items()])
    store.apply([reviewed("unusable", verdict="unusable", category=None, urgency=None, destination=None)])
    with store.reading() as session:
        found = list(exported(session, []))
    folder = tmp_path / "corpus"
    folder.mkdir()
    (folder / "reviews.jsonl").write_text(
        "".join(item.model_dump_json(exclude_defaults=True) + "\n" for item, _ in found)
    )
    items = load_corpus(folder)
    assert {item.id: item.category for item in items} == {f"review-{call}": label for call, label in labels.items()}
    groups = {item.id[-1]: item.group for item in items}
    assert groups["a"] == groups["b"] == groups["c"]  # chained by numbers
    assert groups["d"] == groups["e"] != groups["a"]  # the same words
    assert set(split_groups(items).values()) <= {"train", "validation", "test"}
    source = {source.id: source for _, source in found}["review-a"]
    assert (source.reviewers, source.suggested_category, source.model_version) == (
        (BORIS.id,),
        "neighbour_dispute",
        "m1",
    )
    with store.reading() as session:
        assert list(exported(session, [], since=(NOON + timedelta(days=1)).date())) == []


def test_rejected_entries_are_purged_too(tmp_path: Path) -> None:
    path = tmp_path / "rejected.jsonl"
    assert keep.purge_rejected(path, now()) == 0
    old, fresh = suggested("old"), suggested("fresh", at=now())
    path.write_text(f"{old.model_dump_json()}\nnot an entry\n{fresh.model_dump_json()}\n")
    assert keep.purge_rejected(path, now() - timedelta(days=1)) == 1
    assert "fresh" in path.read_text()
    assert "not an entry" in path.read_text()


def test_suggestion_payload_of_purged_calls_is_empty_for_good(store: Store) -> None:
    store.apply([suggested("old")])
    keep.forget(store, ["old"])
    with store.reading() as session:
        assert session.scalars(select(SuggestionRow.payload)).all() == [{}]
