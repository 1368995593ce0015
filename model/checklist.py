"""What the operator should ask next: the checklist of the category, less what the caller has already said."""

import re
from collections.abc import Sequence
from functools import cache
from pathlib import Path

from pydantic import field_validator

from data.records import Question, Turn
from data.tables import DATA_DIR, Row, load_table
from data.taxonomy import Category, Codes, Urgency, categories

ADDRESS = Question(field="address", prompt="请问您现在的具体位置？区县、街道、小区或路口。")
AT_MOST = 4


class CheckRow(Row):
    """One line of `checklists.csv`."""

    field: str
    scope: Codes
    prompt: str
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


def ask_next(turns: Sequence[Turn], category: Category, urgency: Urgency, placed: bool) -> tuple[Question, ...]:
    """At most four questions, the address first while the place is not known; none for an invalid call."""
    if category.group == "invalid":
        return ()
    said = " ".join(turn.text for turn in turns if turn.speaker == "caller")
    scopes = {"*", urgency.value, category.code, category.group}
    open_rows = [row for row in load_checklists() if scopes & set(row.scope) and not row.answered.search(said)]
    asked = [] if placed else [ADDRESS]
    return tuple([*asked, *(Question(field=row.field, prompt=row.prompt) for row in open_rows)][:AT_MOST])
