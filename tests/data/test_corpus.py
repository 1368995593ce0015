"""The corpus that comes with the project, and what a broken one says."""

import json
import re
from collections import Counter, defaultdict
from itertools import combinations
from pathlib import Path

import pytest

from data.corpus import CALIBRATION_DIR, Item, corpus_hash, load_corpus, split_groups
from data.tables import DataError
from data.taxonomy import Urgency, categories

GOOD = {"id": "x-1", "group": "x-1", "text": "称被打了", "category": "fight", "urgency": "emergency", "style": "note"}


@pytest.fixture(scope="module")
def items() -> list[Item]:
    return load_corpus()


def test_every_category_has_its_share(items: list[Item]) -> None:
    assert len(items) >= 20_000
    count = Counter(item.category for item in items)
    dialogues = Counter(item.category for item in items if item.style == "dialogue")
    assert set(count) == set(categories())
    assert min(count.values()) >= 150
    assert min(dialogues.values()) >= 60
    assert set(Counter(item.urgency for item in items)) == set(Urgency)


def test_neighbouring_categories_are_told_apart_by_contrast(items: list[Item]) -> None:
    groups: dict[str, set[str]] = defaultdict(set)
    for item in items:
        groups[item.group].add(item.category)
    pairs = Counter(pair for codes in groups.values() for pair in combinations(sorted(codes), 2))
    assert sum(count >= 30 for count in pairs.values()) >= 40


def test_invalid_calls_are_never_urgent(items: list[Item]) -> None:
    for item in items:
        if categories()[item.category].group == "invalid":
            assert item.urgency is Urgency.ROUTINE_REMOTE, item.id


def test_no_whole_phone_or_identity_number(items: list[Item]) -> None:
    number = re.compile(r"(?<!\d)(?:1[3-9]\d{9}|\d{17}[\dXx])(?!\d)")
    for item in items:
        assert not any(number.search(turn.text) for turn in item.as_turns()), item.id


def test_one_text_has_one_label(items: list[Item]) -> None:
    seen: dict[str, str] = {}
    for item in items:
        text = "".join(turn.text for turn in item.as_turns())
        assert seen.setdefault(text, item.category) == item.category, item.id


def test_no_group_stands_on_both_sides_and_every_category_on_each(items: list[Item]) -> None:
    splits = split_groups(items)
    assert set(splits) == {item.group for item in items}
    for split in ("validation", "test"):
        share = [item for item in items if splits[item.group] == split]
        assert 0.045 < len(share) / len(items) < 0.085
        assert {item.category for item in share} == set(categories())


def test_the_split_is_seeded_and_stable_when_items_are_added(items: list[Item]) -> None:
    before = split_groups(items)
    fresh = [Item.model_validate(GOOD | {"id": f"new-{n}", "group": f"new-{n}"}) for n in range(40)]
    first_part = items[0].id.partition("-")[0]
    appended = [Item.model_validate(GOOD | {"id": f"{first_part}-{n}", "group": f"{first_part}-{n}"})
                for n in range(9_000, 9_040)]  # fmt: skip
    after = split_groups([*items, *fresh, *appended])
    assert {group: after[group] for group in before} == before
    assert split_groups(items, seed=1) != before


def test_the_hash_is_the_content(items: list[Item]) -> None:
    some = items[:50]
    assert corpus_hash(some) == corpus_hash(some[::-1])
    assert corpus_hash(some) != corpus_hash(some[1:])


@pytest.mark.parametrize(
    ("line", "field", "message"),
    [
        (json.dumps(GOOD | {"category": "murder"}), "category", "not a category"),
        (json.dumps(GOOD | {"urgency": "soon"}), "urgency", "emergency"),
        (json.dumps({key: value for key, value in GOOD.items() if key != "style"}), "style", "required"),
        (json.dumps(GOOD | {"extra": 1}), "extra", "Extra"),
        (json.dumps(GOOD | {"text": " "}), "", "either turns or text"),
        (json.dumps(GOOD | {"turns": [{"speaker": "robot", "text": "a"}], "text": ""}), "turns.0.speaker", "caller"),
        ("{broken", "", "is not JSON"),
        ("[]", "", "valid dictionary"),
        ("[" * 100_000, "", "nested too deeply"),
    ],
)
def test_a_broken_line_is_named(tmp_path: Path, line: str, field: str, message: str) -> None:
    path = tmp_path / "part.jsonl"
    path.write_text(json.dumps(GOOD, ensure_ascii=False) + "\n" + line + "\n", encoding="utf-8")
    with pytest.raises(DataError, match=message) as caught:
        load_corpus(tmp_path)
    assert (caught.value.file, caught.value.line, caught.value.field) == (path, 2, field)


def test_what_parts_lines_elsewhere_parts_none_here(tmp_path: Path) -> None:
    text = "楼上\u2028漏水\u0085了"
    line = json.dumps(GOOD | {"text": text}, ensure_ascii=False)
    (tmp_path / "part.jsonl").write_text(f"\n{line}\r\n \n", encoding="utf-8", newline="")
    assert [item.text for item in load_corpus(tmp_path)] == [text]


def test_an_id_twice_and_an_empty_folder(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="holds no"):
        load_corpus(tmp_path)
    (tmp_path / "part.jsonl").write_text((json.dumps(GOOD) + "\n") * 2)
    with pytest.raises(DataError, match="stands twice"):
        load_corpus(tmp_path)


def test_calls_that_calibrate_are_others_and_of_every_kind(items: list[Item]) -> None:
    apart = load_corpus(CALIBRATION_DIR)
    assert {item.category for item in apart} == set(categories())
    assert {item.style for item in apart} == {"dialogue", "note", "speech"}
    assert not {item.id for item in apart} & {item.id for item in items}
    assert not {text_of(item) for item in apart} & {text_of(item) for item in items}
    test_no_whole_phone_or_identity_number(apart)


def text_of(item: Item) -> str:
    return "".join(turn.text for turn in item.as_turns())
