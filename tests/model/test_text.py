"""Rendering: what the encoder reads, and the way back to the turns."""

from data.plain import simplify
from data.records import Turn
from model.text import head_and_tail, render


def turn(speaker: str, text: str) -> Turn:
    return Turn.model_validate({"speaker": speaker, "text": text})


def test_one_block_and_one_turn_read_the_same_and_speakers_are_marked_in_a_dialogue() -> None:
    assert render([turn("caller", "楼上漏水")]).text == "楼上漏水"
    dialogue = render([turn("operator", "请讲"), turn("caller", "楼上漏水")])
    assert dialogue.text == "问：请讲\n答：楼上漏水"


def test_positions_lead_back_to_turn_and_offset() -> None:
    rendered = render([turn("operator", "请讲"), turn("caller", "楼上漏水"), turn("caller", "快来")])
    for word, place in {"请讲": (0, 0), "漏水": (1, 2), "快来": (2, 0)}.items():
        at = rendered.text.index(word)
        assert rendered.locate(at, at + 2) == (*place, place[1] + 2)


def test_traditional_characters_become_simplified_one_for_one() -> None:
    assert simplify("報警！電動車被偷，樓上漏水") == "报警！电动车被偷，楼上漏水"
    assert len(simplify("報警🚓ＡＢ")) == len("報警🚓ＡＢ")


def test_long_calls_keep_beginning_and_end() -> None:
    assert head_and_tail(range(10), 10) == list(range(10))
    kept = head_and_tail(range(1_000), 100)
    assert len(kept) == 100
    assert kept[0] == 0
    assert kept[-1] == 999
    assert kept[:50] == list(range(50))


def test_pinyin_and_misheard_characters_are_read_and_lead_back_to_what_was_said() -> None:
    read = render([Turn(speaker="caller", text="老公da wo，称被达了")])
    assert read.text == "老公打我，称被打了"
    assert read.locate(2, 4) == (0, 2, 7)
    assert read.locate(7, 8) == (0, 10, 11)


def test_of_more_letters_than_a_caller_types_none_is_read() -> None:
    turns = [Turn(speaker="caller", text=text) for text in ("有人da wo", "wo" * 150, "有人da wo")]
    assert [turn.text for turn in render(turns).turns] == ["有人打我", "wo" * 150, "有人da wo"]
