"""Disguised words are read as they are meant; other text stays, and every character keeps its place."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from data.corpus import load_corpus
from data.disguise import load_disguises, uncover
from data.plain import simplify
from data.tables import DataError


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("有人石欠人", "有人砍人"),
        ("他要扌甬我", "他要捅我"),
        ("他拿着⼑", "他拿着刀"),
        ("有人拿⼑石欠⼈", "有人拿刀砍人"),
        ("他要sharen了", "他要杀人了"),
        ("他要 Sha Ren", "他要 杀人"),
        ("ＫＡＮ ＲＥＮ了", "砍人了"),
        ("杀\u200b人", "杀人"),
        ("杀\ufe0f人\x01了", "杀人了"),
        ("杀😀人👨‍👩‍👧啦", "杀人啦"),
        ("杀*人", "杀人"),
        ("快，来，救，我，啊", "快来救我啊"),
        ("快 来 救 我 啊", "快来救我啊"),
        ("報警", "报警"),
        ("有人 kan ren le", "有人 砍人了"),
        ("称被达了", "称被打了"),
    ],
)
def test_what_is_meant(written: str, meant: str) -> None:
    assert uncover(written).text == meant


@pytest.mark.parametrize(
    "text",
    [
        "嗯，对，好，我在听", "女干部跟我说的", "我的data丢了", "Kanren Street 12", "10元/辆，学院路-文三路", "哭了😭😭😭",
        "你好，请讲。", "一、二、三", "",
    ],
)  # fmt: skip
def test_other_text_stays(text: str) -> None:
    found = uncover(text)
    assert (found.text, found.places) == (text, None)


def test_the_corpus_is_hardly_read_otherwise() -> None:
    turns = [turn.text for item in load_corpus()[::5] for turn in item.as_turns()]
    changed = [text for text in turns if uncover(text).text != simplify(text)]
    assert len(turns) > 5_000
    assert len(changed) <= len(turns) / 80, changed


ALPHABET = st.sampled_from(
    ["石", "欠", "刀", "⼑", "人", "😀", "\u200b", "，", "*", " ", "k", "kan", "ren", "殺", "\ufe0f", "\n"]
)


@given(st.lists(ALPHABET, max_size=30).map("".join))
def test_every_character_keeps_its_place(text: str) -> None:
    found = uncover(text)
    places = [found.place(n, n + 1) for n in range(len(found.text))]
    assert places == sorted(places)
    for char, (start, end) in zip(found.text, places, strict=True):
        assert 0 <= start < end <= len(text)
        assert char in simplify(text[start:end]) or "\u4e00" <= char <= "\u9fff"
    if found.text:
        start, end = found.place(0, len(found.text))
        assert uncover(text[start:end]).text.strip() != "" or not found.text.strip()


@pytest.mark.parametrize(
    ("line", "field"),
    [("石,砍", "written"), ("石欠x,砍", "written"), ("kan,kan", "meant"), ("石欠,砍\n石欠,坎", "written")],
)
def test_a_broken_table_names_the_field(tmp_path: Path, line: str, field: str) -> None:
    path = tmp_path / "disguises.csv"
    path.write_text(f"written,meant\n{line}\n", encoding="utf-8")
    with pytest.raises(DataError) as error:
        load_disguises(path)
    assert error.value.field == field
