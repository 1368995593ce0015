"""What the operator should ask next: the checklist of the category, less what the caller has already said."""

import re
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Literal

from pydantic import field_validator

from data.records import Question, Record, Turn
from data.tables import DATA_DIR, Row, load_table
from data.taxonomy import Category, Codes, Urgency, categories
from model.fact_patterns import Field
from model.facts import Fact

ADDRESS = Question(field="address", prompt="请问您现在的具体位置？区县、街道、小区或路口。")
AT_MOST = 4


class CheckRow(Row):
    """One line of `checklists.csv`. A fact of the kind `fact` answers it, and so do words that `answered` finds."""

    field: str
    scope: Codes
    prompt: str
    fact: Field | Literal[""]
    answered: re.Pattern[str]

    @field_validator("scope")
    @classmethod
    def _known(cls, scope: tuple[str, ...]) -> tuple[str, ...]:
        known = {"*", *Urgency, *categories(), *(category.group for category in categories().values())}
        for name in scope:
            if name not in known:
                raise ValueError(f"{name!r} is no category, group or urgency")
        return scope


@cache
def load_checklists(path: Path = DATA_DIR / "checklists.csv") -> tuple[CheckRow, ...]:
    """All checklist rows.

    Raises:
        DataError: an unknown scope or a broken pattern.
    """
    return tuple(load_table(path, CheckRow, key=lambda row: row.field))


class Check(Record):
    """A line of the checklist as it is shown: ticked off once the call has answered it."""

    field: str
    prompt: str
    answered: bool


def checklist(
    turns: Sequence[Turn], facts: Sequence[Fact], category: Category, urgency: Urgency, placed: bool
) -> tuple[Check, ...]:
    """Everything that should be known of such a call, the address first; nothing for an invalid call."""
    if category.group == "invalid":
        return ()
    found = {fact.field for fact in facts}
    said = " ".join(turn.text for turn in turns if turn.speaker == "caller")
    scopes = {"*", urgency.value, category.code, category.group}
    rows = [row for row in load_checklists() if scopes & set(row.scope)]
    return (
        Check(field=ADDRESS.field, prompt=ADDRESS.prompt, answered=placed),
        *(
            Check(field=row.field, prompt=row.prompt, answered=row.fact in found or bool(row.answered.search(said)))
            for row in rows
        ),
    )


def ask_next(checks: Sequence[Check]) -> tuple[Question, ...]:
    """The first four questions that are open."""
    still_open = [check for check in checks if not check.answered]
    return tuple(Question(field=check.field, prompt=check.prompt) for check in still_open[:AT_MOST])
