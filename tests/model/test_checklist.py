"""What is asked next, and what is no longer asked."""

import shutil
from pathlib import Path

import pytest

from data.records import Turn
from data.tables import DATA_DIR, DataError
from data.taxonomy import Urgency, categories
from model.checklist import ADDRESS, ask_next, checklist, load_checklists
from model.facts import find_facts


def asked(code: str, urgency: str, text: str, placed: bool = True) -> list[str]:
    turns = [Turn(speaker="caller", text=text)]
    checks = checklist(turns, find_facts(turns, None), categories()[code], Urgency(urgency), placed)
    return [question.field for question in ask_next(checks)]


def test_the_address_is_first_while_the_place_is_unknown() -> None:
    assert asked("fight", "emergency", "打起来了", placed=False)[0] == ADDRESS.field
    assert ADDRESS.field not in asked("fight", "emergency", "打起来了")


def test_answered_questions_are_ticked_off() -> None:
    assert "weapon" in asked("fight", "emergency", "打起来了")
    assert "weapon" not in asked("fight", "emergency", "打起来了，没拿东西，空手的")
    assert "amount" in asked("telecom_fraud", "urgent", "我被骗了")
    assert "amount" not in asked("telecom_fraud", "urgent", "我被骗了三千块")


@pytest.mark.parametrize(
    ("field", "code", "text"),
    [
        ("callback", "noise", "打我幺三八，零零一三，八零零零"),
        ("callback", "noise", "座机0571-87654321"),
        ("since", "theft", "11:20被偷的"),
        ("since", "theft", "半年以前被偷的"),
        ("amount", "telecom_fraud", "转了12000"),
    ],
)
def test_what_was_found_as_key_information_is_not_asked_again(field: str, code: str, text: str) -> None:
    assert field in asked(code, "routine_onsite", "喂")
    assert field not in asked(code, "routine_onsite", text)


def test_a_hotline_and_a_question_for_the_amount_answer_nothing() -> None:
    assert "amount" in asked("telecom_fraud", "urgent", "我被骗了，打了96110，要多少万才算")


def test_every_category_has_something_to_ask_and_invalid_calls_nothing() -> None:
    for code, category in categories().items():
        questions = asked(code, category.default_urgency, "喂", placed=False)
        assert bool(questions) == (category.group != "invalid")
        assert len(questions) <= 4


@pytest.mark.parametrize(
    ("old", "new", "field"), [("weapon,violent_crime", "weapon,murder", "scope"), ("车道|路边", "(车道", "answered")]
)
def test_a_broken_file_is_refused(tmp_path: Path, old: str, new: str, field: str) -> None:
    path = tmp_path / "checklists.csv"
    shutil.copy(DATA_DIR / "checklists.csv", path)
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(DataError) as caught:
        load_checklists(path)
    assert caught.value.field == field
