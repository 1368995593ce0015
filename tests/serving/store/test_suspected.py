"""What examining the labels suspects goes back to the reviewers, once, and only where it still holds."""

import json
from datetime import timedelta
from pathlib import Path

import pytest

from data.tables import DataError
from serving.store.entries import now
from serving.store.export import call_of
from serving.store.export import reviewed as exported
from serving.store.schema import CallRow
from serving.store.store import Store
from serving.suspected import Told, read, suspect
from serving.views import doubts
from tests.serving.store.made import BORIS, CLARA, reviewed, suggested


def written(path: Path, *rows: dict[str, str]) -> Path:
    path.write_text("".join(json.dumps(row | {"p_claimed": 0.9}) + "\n" for row in rows), encoding="utf-8")
    return path


def row(item_id: str, category: str = "neighbour_dispute", claimed: str = "noise") -> dict[str, str]:
    return {"id": item_id, "category": category, "claimed": claimed}


def suspicious(store: Store, call_id: str = "c1") -> bool:
    with store.reading() as session:
        return session.get_one(CallRow, call_id).suspected


def test_suspected_labels_wait_for_a_second_look(store: Store, tmp_path: Path) -> None:
    store.apply([suggested("c1"), reviewed("c1"), suggested("c2"), reviewed("c2", category="noise"), suggested("c3")])
    with store.reading() as session:
        ids = [item.id for item, _ in exported(session, [])]
    assert [call_of(item_id) for item_id in ids] == ["c1", "c2"]
    rows = read(written(tmp_path / "s.jsonl", row(ids[0]), *map(row, (ids[1], "review-c3", "review-gone", "own-17"))))
    assert suspect(store, rows) == Told(queued=1, changed=2, unknown=1, foreign=1)
    assert suspicious(store)
    with store.reading() as session:
        claimed = doubts(session.get_one(CallRow, "c1"))["claimed"]
    assert claimed is not None
    assert (claimed.category, claimed.urgency) == ("noise", "routine_onsite")
    assert suspect(store, rows) == Told(known=1, changed=2, unknown=1, foreign=1)

    confirmed = reviewed("c1", by=CLARA, at=now() + timedelta(minutes=1))
    store.apply([confirmed])
    assert not suspicious(store)  # somebody looked and says that the label is right
    assert suspect(store, rows).known == 1
    assert not suspicious(store)


def test_taking_the_second_look_back_brings_the_call_back(store: Store, tmp_path: Path) -> None:
    from serving.store.entries import Undone

    store.apply([suggested("c1"), reviewed("c1")])
    suspect(store, read(written(tmp_path / "s.jsonl", row("review-c1"))))
    again = reviewed("c1", by=CLARA, at=now() + timedelta(minutes=1), verdict="correct", category="noise")
    store.apply([again])
    assert not suspicious(store)
    store.apply([Undone(by=CLARA, batch=again.batch)])
    assert suspicious(store)


def test_two_reviewers_who_agreed_are_asked_about_as_well(store: Store, tmp_path: Path) -> None:
    store.apply([suggested("c1"), *(reviewed("c1", by=by, wanted=2) for by in (BORIS, CLARA))])
    assert suspect(store, read(written(tmp_path / "s.jsonl", row("review-c1")))).queued == 1
    assert suspicious(store)


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("{", "line 2|:2"), ("[]", "not a JSON object"), ('{"id": "x"}', "category"), ('{"id": 1, "category": "noise", "claimed": "noise"}', "id"),
        ('{"id": "x", "category": "noise", "claimed": "nothing"}', "claimed"),
    ],
)  # fmt: skip
def test_a_broken_line_is_named_and_nothing_is_claimed(tmp_path: Path, line: str, problem: str) -> None:
    path = written(tmp_path / "s.jsonl", row("review-c1"))
    path.write_text(path.read_text(encoding="utf-8") + line + "\n", encoding="utf-8")
    with pytest.raises(DataError, match=problem):
        read(path)
    with pytest.raises(DataError, match="cannot be read"):
        read(tmp_path / "none.jsonl")
