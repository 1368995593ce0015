"""What the words around a place's name say: another thing of that name, not here, here, or from elsewhere."""

import re
from collections.abc import Iterable, Mapping

from model.place_index import Level, Name

WINDOW = 10
HERE, AT, ARRIVED, AWAY, LEAVING, ORIGIN = 2, 1, 1, -3, -3, -2
_SAME_CLAUSE = "[^，。,.；;？?！!、]"


def _any(words: Iterable[str]) -> str:
    return "(?:" + "|".join(re.escape(word) for word in sorted(words, key=len, reverse=True)) + ")"


class Cues:
    """The context words of the gazetteer as compiled patterns."""

    def __init__(self, words: Mapping[str, tuple[str, ...]]) -> None:
        self._road = re.compile(
            f"(?!{_any(words['road_ok'])})[东南西北中前后一二三四五六七八九十]{{0,2}}{_any(words['road'])}"
        )
        self._org = re.compile(f"[第一二三四五六七八九十]{{0,3}}{_any(words['org'])}")
        self._kind = re.compile(f"(?!{_any(words['kind_ok'])}|..(?:路|街|大道)){_any(words['kind'])}")
        self._not = re.compile(f"(?<![是在住]){_any(words['not'])}(?:在|说|我们|去|叫)?$")
        self._away = re.compile(f"{_any(words['away'])}{_SAME_CLAUSE}{{0,2}}$")
        self._here = re.compile(f"{_any(words['here'])}(?:的|于|呢)?{_SAME_CLAUSE}{{0,2}}$")
        self._here_colon = re.compile(f"{_any(words['here'])}(?:是|呢)?[，,：: ]$")
        self._arrive = re.compile(f"{_any(words['arrive'])}(?:了)?$")
        self._move = re.compile(f"{_any(words['move'])}(?:了|我们|你们|我)?$")
        self._at = re.compile(f"{_any(words['at'])}(?:我们|你们|那个|这个)?$")
        self._leave = re.compile(f"(?:那边|这边|这里|那里)?{_any(words['leave'])}")
        self._wrong = re.compile(_any(words["wrong"]))
        self._origin = re.compile("(?:这边|那边|这里|那里|下面)?的(?:[，。,.！!？?我他她人家]|$)")

    def is_other_thing(self, text: str, end: int, name: Name) -> bool:
        """A road, bank, school, dish, dialect or person called after the place (诸暨路, 温州人)."""
        if name.level is Level.PLACE and name.aliased:
            return bool(self._road.match(text, end))
        if self._kind.match(text, end) or self._org.match(text, end):
            return True
        return not name.with_kind and bool(self._road.match(text, end))

    def is_denied(self, text: str, start: int) -> bool:
        """The caller says that it is not this place (不是古荡，是翠苑)."""
        return bool(self._not.search(text[max(0, start - WINDOW) : start]))

    def corrects_earlier(self, text: str, start: int) -> bool:
        """The caller takes back the place that he named before this one."""
        return bool(self._wrong.search(text[max(0, start - WINDOW) : start]))

    def weight(self, text: str, start: int, end: int) -> int:
        """How much the words around say that the matter is here; negative when it is elsewhere."""
        before = text[max(0, start - WINDOW) : start]
        weight = self._before(before)
        after = text[end : end + WINDOW]
        if self._leave.match(after):
            weight += LEAVING
        if before.endswith("是") and self._origin.match(after):
            weight += ORIGIN
        return weight

    def _before(self, before: str) -> int:
        if self._away.search(before):
            return AWAY
        if self._here.search(before) or self._here_colon.search(before):
            return HERE
        if self._arrive.search(before):
            return ARRIVED
        if self._move.search(before):
            return AWAY
        return AT if self._at.search(before) else 0
