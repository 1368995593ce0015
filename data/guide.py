"""The labelling guide, rule by rule, so that a page can show the rules that a category stands in."""

import re
from functools import cache
from pathlib import Path

from data.records import Record
from data.tables import DATA_DIR, DataError, read_text
from data.taxonomy import Urgency, categories

GUIDE = DATA_DIR / "labelling-guide.zh-CN.md"
CODE = re.compile(r"`(\w+)`")
RULE = re.compile(r"(\d+)\. (.+)")
LEVEL = re.compile(r"- `(\w+)`：(.+)")


class GuideRule(Record):
    """A numbered rule. `codes` are the categories and urgencies that it names."""

    number: int
    text: str
    codes: tuple[str, ...]


class Guide(Record):
    """The rules of the guide in their order, and what each urgency means."""

    rules: tuple[GuideRule, ...]
    levels: dict[str, str]


@cache
def guide(path: Path = GUIDE) -> Guide:
    """The guide in `path`.

    Raises:
        DataError: a rule that names an unknown code or is out of order; an urgency without a meaning.
    """
    rules: list[GuideRule] = []
    levels: dict[str, str] = {}
    known = {*categories(), *(level.value for level in Urgency)}
    for number, line in enumerate(read_text(path).splitlines(), 1):
        if level := LEVEL.fullmatch(line):
            levels[level[1]] = level[2]
        if not (rule := RULE.fullmatch(line)):
            continue
        codes = tuple(dict.fromkeys(CODE.findall(rule[2])))
        if unknown := [code for code in codes if code not in known]:
            raise DataError(path, number, "rule", f"names unknown codes: {', '.join(unknown)}")
        if int(rule[1]) != len(rules) + 1:
            raise DataError(path, number, "rule", f"{rule[1]} stands where {len(rules) + 1} should")
        rules.append(GuideRule(number=int(rule[1]), text=rule[2], codes=codes))
    if set(levels) != {level.value for level in Urgency}:
        raise DataError(path, 0, "level", f"wants each of {', '.join(level.value for level in Urgency)}")
    return Guide(rules=tuple(rules), levels=levels)
