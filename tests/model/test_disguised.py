"""Danger written so that it is not recognised: flags hear it, evidence and flags point to the words as they were said."""

import random

import pytest

from data.records import Call, Turn
from model.red_flags import Flag, load_flags, raised_flags
from model.suggest import Suggester
from model.text import render
from tests.bench.adversarial import INVISIBLE, SAFETY, between, each, edited, look_alikes, recall, splits, traditional
from tests.conftest import said
from training.evaluate import read_cases

UNDONE = {
    "invisible": between(*INVISIBLE),
    "emoji": between("😀", "❤️", "👨‍👩‍👧"),
    "marks": between("*", "_", "·", "~"),
    "radicals": each(lambda char: look_alikes().get(char, char)),
    "traditional": each(lambda char: traditional().get(char, char)),
}


@pytest.mark.parametrize("edit", UNDONE.values(), ids=UNDONE)
@pytest.mark.parametrize("flag", load_flags(), ids=lambda flag: flag.id)
def test_every_flag_is_heard_as_it_would_be_in_plain_writing(flag: Flag, edit: object) -> None:
    assert callable(edit)
    written = edit(flag.example, random.Random(flag.id))
    assert flag.id in {raised.flag.id for raised in raised_flags(render([Turn(speaker="caller", text=written)]).turns)}


@pytest.mark.parametrize(
    ("text", "words"),
    [("有人在楼下石欠人快来", "石欠人"), ("他说要kan si我全家", "kan si我"), ("屋里一股煤\u200b气😀味", "煤\u200b气😀味"), ("有人被⽊仓打了，我挨了一⼑", "挨了一⼑")],
)  # fmt: skip
def test_what_is_shown_is_what_was_said(suggester: Suggester, text: str, words: str) -> None:
    suggestion = suggester.suggest(said(text))
    assert words in [flag.text for flag in suggestion.red_flags]
    for run in suggestion.evidence:
        assert run.text == text[run.start : run.end] != ""


def test_in_a_dialogue_too(suggester: Suggester) -> None:
    turns = [
        Turn(speaker="operator", text="请\u200b讲"),
        Turn(speaker="caller", text="有人石欠人，被石欠的人流了好多血"),
    ]
    suggestion = suggester.suggest(Call(turns=tuple(turns)))
    assert suggestion.evidence
    for run in suggestion.evidence:
        assert run.turn == 1
        assert run.text == turns[1].text[run.start : run.end]


def test_hidden_dangers_stay_dangers(suggester: Suggester) -> None:
    cases = [case for case in read_cases(SAFETY) if case.danger][::8]
    clean = suggester.suggest_many([case.call() for case in cases])
    for edit, whole in ((between(*INVISIBLE), True), (between(".", "*", "😀"), False), (split_all, False)):
        written = [edited(case, suggestion, edit, whole) for case, suggestion in zip(cases, clean, strict=True)]
        assert recall(suggester.suggest_many(written))[1] >= 0.95


def split_all(word: str, _: random.Random) -> str:
    return "".join(splits().get(char, (char,))[-1] for char in word)
