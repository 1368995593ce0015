"""Misheard characters are read as what was said, pinyin as what it stands for; what makes sense stays."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from data.heard import FILE, Sounds, blurred, heard, spelled
from data.tables import DataError

WORDS = {"kanren": "砍人"}


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("称被达了", "称被打了"),
        ("我在西湖区文三路被狗药了", "我在西湖区文三路被狗咬了"),
        ("老公大我现在躲在卫生间", "老公打我现在躲在卫生间"),
    ],
)
def test_what_was_said(written: str, said: str) -> None:
    assert heard(written) == said


@pytest.mark.parametrize(
    "text",
    [
        "",
        "。",
        "车停着被划",
        "求助，狗叫扰民",
        "浙A·6**",
        "龘靐齉",
        "wifi坏了\n喂？",
        "请问居住证在哪里办",
        "😀" * 50,
        "的" * 3_000,
    ],
)
def test_what_makes_sense_stays_and_so_does_what_nobody_knows(text: str) -> None:
    assert heard(text) == text


@given(st.text(st.sampled_from("称被达打了有人要跳楼炒架，a1 \n😀龘"), max_size=60))
def test_every_character_keeps_its_place(text: str) -> None:
    found = heard(text)
    assert len(found) == len(text)
    for char, written in zip(found, text, strict=True):
        assert char == written or ("\u4e00" <= char <= "\u9fff" and "\u4e00" <= written <= "\u9fff")


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("有人yao tiaolou", ["要跳楼"]),
        ("他用Dao架在我脖子上", ["刀"]),
        ("家里有mei'qi味", ["煤气"]),
        ("yinhang让我把钱zhuan过去", ["银行", "转"]),
        ("kan ren le", ["砍人了"]),
        ("有人 kan ren", ["砍人"]),
        ("Kanren Street 12", []),
        ("我的data丢了，买了个game账号", []),
        ("KTV门口，浙A牌，wifi坏了", []),
        ("baojingrenchengduifangmaletayijuhoushuaileta，yuerduoteng", ["报警人称对方骂了他一句后摔了他", "与耳朵疼"]),
        ("https://example.com/abc", []),
    ],
)
def test_pinyin_is_read(text: str, meant: list[str]) -> None:
    assert [word for _, word in spelled(text, WORDS)] == meant


def test_a_trusted_character_stays() -> None:
    assert heard("已砍中一个") == "已看中一个"
    assert heard("已砍中一个", trusted="砍杀") == "已砍中一个"


def test_where_pinyin_stands() -> None:
    ((place, meant),) = spelled("老公 da wo 现在躲着", {})
    assert (place, meant) == ((3, 8), "打我")


@pytest.mark.parametrize("letters", ["kanren", "kan ren", "Kan'Ren"])
def test_words_that_are_looked_for_are_preferred(letters: str) -> None:
    for looked_for, meant in (("看人", "看人"), ("砍人", "砍人"), ("龘人", "砍人")):
        assert [word for _, word in spelled(f"有人{letters}", {"kanren": looked_for})] == [meant]


def test_dialects_mergers() -> None:
    assert blurred("zhang") == blurred("zan")
    assert blurred("lin") == blurred("ning")
    assert blurred("hu") == blurred("fu")


@pytest.mark.parametrize("spoilt", ["missing", "cut", "text", "other arrays", "lengths"])
def test_a_broken_file_is_named(tmp_path: Path, spoilt: str) -> None:
    path = tmp_path / "heard.npz"
    with np.load(FILE) as arrays:
        kept = dict(arrays)
    if spoilt == "cut":
        path.write_bytes(FILE.read_bytes()[:1_000])
    elif spoilt == "text":
        path.write_text("称被打了", encoding="utf-8")
    elif spoilt == "other arrays":
        np.savez(path, chars=kept["chars"])
    elif spoilt == "lengths":
        np.savez(path, **(kept | {"two.log": kept["two.log"][:-1]}))
    with pytest.raises(DataError, match=r"heard\.npz"):
        Sounds(path)
