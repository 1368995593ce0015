"""The guide and the reasons that the review page shows."""

import re
from pathlib import Path

import pytest

from data.guide import GUIDE, guide
from data.review_reasons import review_reasons
from data.tables import DATA_DIR, DataError
from data.taxonomy import Urgency


def test_the_chinese_guide_names_the_same_codes_rule_by_rule() -> None:
    english = (DATA_DIR / "labelling-guide.md").read_text(encoding="utf-8")
    known = {code for rule in guide().rules for code in rule.codes}
    rules = dict(re.findall(r"^(\d+)\. (.+)$", english, flags=re.MULTILINE))
    assert len(rules) == len(guide().rules) == 28
    for rule in guide().rules:
        assert set(re.findall(r"`(\w+)`", rules[str(rule.number)])) & known == set(rule.codes), rule.number


def test_every_urgency_has_a_meaning() -> None:
    assert set(guide().levels) == {level.value for level in Urgency}


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("→ `fight`；", "→ `figth`；", "unknown codes: figth"),
        ("\n3. ", "\n4. ", "4 stands where 3 should"),
        ("- `urgent`：", "- `soon`：", "wants each of"),
    ],
)
def test_a_broken_guide(tmp_path: Path, old: str, new: str, message: str) -> None:
    path = tmp_path / "guide.md"
    path.write_text(GUIDE.read_text(encoding="utf-8").replace(old, new, 1), encoding="utf-8")
    with pytest.raises(DataError, match=message):
        guide(path)


def test_reasons_fit_the_digits() -> None:
    assert all(1 <= len(texts) <= 9 for texts in review_reasons().values())


@pytest.mark.parametrize(
    "lines",
    [
        "correct,甲\n",
        "correct,甲\ncorrect,甲\n",
        "approve,甲\n",
        "unusable,甲\n" * 1 + "".join(f"correct,{n}\n" for n in range(10)),
    ],
)
def test_broken_reasons(tmp_path: Path, lines: str) -> None:
    path = tmp_path / "reasons.csv"
    path.write_text("verdict,text\n" + lines, encoding="utf-8")
    with pytest.raises(DataError):
        review_reasons(path)
