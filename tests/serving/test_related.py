"""Repeat and related calls: what is pointed out, what is not, and what stays bounded."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from data.records import Turn
from data.tables import DataError
from model.likeness import SIZE, Vector, vector
from model.suggest import Suggester
from serving import related_window as module
from serving.keys import Key, Role
from serving.related import Related, fill, fill_quietly
from serving.related_measure import load_pairs, measure
from serving.related_window import Marks, Window
from serving.store.recorder import Recorder
from serving.store.store import Store
from tests.conftest import said

FIRE = "拱墅区祥符街道某小区起火，三楼冒黑烟"
SAME_FIRE = "拱墅祥符这边着火了，三楼窗口往外冒黑烟，有人在喊"
HOUR = 3600.0
KEY = Key(id="k1", role=Role.OPERATOR, digest="x", created="2026-01-01")


def words(text: str) -> Vector:
    return vector([Turn(speaker="caller", text=text)])


def at_place(
    call_id: str, text: str, numbers: frozenset[str] = frozenset(), category: str = "fire", town: str = "祥符街道"
) -> Marks:
    return Marks(call_id, category, (), "拱墅区", town, words(text), numbers)


def test_another_caller_of_the_same_matter(suggester: Suggester) -> None:
    related = Related()
    first, second = said(FIRE, call_id="first"), said(SAME_FIRE, call_id="second")
    assert related.find_and_keep(first, suggester.suggest(first), 0.0) == []
    (found,) = related.find_and_keep(second, suggester.suggest(second), HOUR)
    assert (found.call_id, found.minutes_ago) == ("first", 60)
    assert found.why == "同在祥符街道，同类事项，内容相似"
    assert [other.call_id for other in related.find(first, suggester.suggest(first), HOUR)] == ["second"]


def test_not_after_72_hours_and_not_in_another_city(suggester: Suggester) -> None:
    related = Related()
    first, second = said(FIRE, call_id="first"), said(SAME_FIRE, call_id="second")
    related.find_and_keep(first, suggester.suggest(first), 0.0)
    suggestion = suggester.suggest(second)
    assert related.find(second, suggestion, 71.9 * HOUR)
    assert not related.find(second, suggestion, 72.1 * HOUR)
    assert not related.find(second.model_copy(update={"city": "ningbo"}), suggestion, HOUR)


def test_the_same_number_and_kind_is_enough() -> None:
    window = Window()
    window.put(at_place("a", "车库冒烟", frozenset({"n"})), 0.0)
    window.put(at_place("b", "工资不发", frozenset({"n"}), category="unpaid_wages"), 0.0)
    assert [(found[0], found[2]) for found in window.find(at_place("c", "别的事情", frozenset({"n"})), 60.0)] == [
        ("a", "同一电话号码")
    ]
    window.put(at_place("a", "车库冒烟"), 0.0)
    assert window.find(at_place("c", "别的事情", frozenset({"n"})), 60.0) == []


def test_another_town_or_no_place_is_not_related() -> None:
    window = Window()
    window.put(at_place("a", "三楼冒黑烟着火"), 0.0)
    assert window.find(at_place("b", "三楼冒黑烟着火"), 60.0)
    assert not window.find(at_place("b", "三楼冒黑烟着火", town="半山街道"), 60.0)
    assert not window.find(Marks("b", "fire", (), None, None, words("三楼冒黑烟着火")), 60.0)
    assert not window.find(at_place("b", "三楼冒黑烟着火", category="silent"), 60.0)


def test_a_call_is_kept_once_by_its_newest_words() -> None:
    window = Window()
    window.put(at_place("a", "喂你好"), 0.0)
    window.put(at_place("a", "三楼冒黑烟着火"), 30.0)
    assert len(window) == 1
    ((call_id, when, _),) = window.find(at_place("b", "三楼冒黑烟着火"), 60.0)
    assert (call_id, when) == ("a", 0.0)


def test_the_oldest_call_makes_room(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_CALLS", 300)
    window = Window()
    for number in range(301):
        window.put(at_place(f"{number}", f"第{number}件事情", frozenset({f"n{number}"})), float(number))
    assert len(window) == 300
    assert not window.find(at_place("x", "", frozenset({"n0"})), 400.0)
    assert [found[0] for found in window.find(at_place("x", "", frozenset({"n300"})), 400.0)] == ["300"]
    assert len(window._by_number) == 300


def test_stored_calls_come_back_at_the_start(suggester: Suggester, tmp_path: Path) -> None:
    store = Store(f"sqlite:///{tmp_path}/store.db")
    store.migrate()
    recorder = Recorder(store, tmp_path, "hangzhou")
    recorder.start()
    first = said(FIRE + "，电话13857189966", call_id="first")
    recorder.suggested(first, suggester.suggest(first), KEY)
    assert recorder.settled("first")
    recorder.stop()
    related = Related()
    assert fill(related, store) == 1
    second = said(SAME_FIRE, call_id="second")
    assert [found.call_id for found in related.find(second, suggester.suggest(second))] == ["first"]
    assert fill(Related(), store, datetime.now(UTC) + timedelta(hours=73)) == 0
    store.close()


def test_what_a_killed_process_left_is_known_after_the_first_start(
    suggester: Suggester, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    store, call = Store(f"sqlite:///{tmp_path}/calls.db"), said(FIRE, call_id="first")
    killed = Recorder(store, tmp_path, "hangzhou")
    killed.suggested(call, suggester.suggest(call), KEY)
    killed.stop()  # without ever having begun to drain
    related, recorder = Related(), Recorder(store, tmp_path, "hangzhou")
    recorder.start()  # makes the database, and stores what waits
    fill_quietly(related, recorder)
    recorder.stop()
    store.close()
    assert len(related) == 1
    assert "not known" not in capsys.readouterr().out


def test_the_bounds_hold_on_the_written_set(suggester: Suggester) -> None:
    pairs = load_pairs()
    assert len(pairs) >= 120
    found = measure(pairs, suggester)
    assert found["report"].precision >= 0.9
    assert found["report"].recall >= 0.6


def test_a_pair_without_its_half_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "x.jsonl").write_text(
        '{"id": "1", "relation": "again", "half": "both", "first": "a", "second": "b"}', "utf-8"
    )
    with pytest.raises(DataError, match="line 1, field 'half'"):
        load_pairs(tmp_path / "x.jsonl")


@given(st.text(max_size=60))
def test_any_words_have_a_vector(text: str) -> None:
    found = words(text)
    assert found.shape == (SIZE,)
    assert np.linalg.norm(found) < 1.01


def test_marks_and_the_place_do_not_count() -> None:
    assert np.array_equal(words("〔电话〕漏水〔姓名〕"), words(" 漏水 "))
    place: Callable[[str], Vector] = lambda text: vector([Turn(speaker="caller", text=text)], ["古荡"])  # noqa: E731
    assert np.array_equal(place("古荡漏水"), words("漏水"))
    assert not words("").any()
    assert words("啊" * 20_000).any()
