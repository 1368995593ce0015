"""Digit runs, written or spoken, and what they are: telephone, paper, card, plate – or only a number."""

import re
from collections.abc import Iterator, Mapping, Sequence

NUMBER_CHARACTERS = "0-9零〇一二三四五六七八九幺两洞拐"
_HAN_DIGIT = "(?!一[直辆台部下起]|两[辆台部])[零〇一二三四五六七八九两]"
# A spoken digit alone behind written ones begins a word: 13800138000一直打.
_DIGIT = f"(?:[0-9幺洞拐*＊]|(?<![0-9*]){_HAN_DIGIT}|(?<=[0-9*]){_HAN_DIGIT}(?=[{NUMBER_CHARACTERS}]))"
_RUN = re.compile(
    rf"(?:[+＋])?{_DIGIT}(?:[ \-－—–.．·•_，,、…~()（）]{{0,3}}{_DIGIT})+(?:[ \-]?[XxＸｘ×](?![A-Za-z]))?"
)
_FIRM_RUN = re.compile(rf"(?:[+＋])?{_DIGIT}(?:[ \-－—–·]?{_DIGIT})+(?:[ \-]?[XxＸｘ×](?![A-Za-z]))?")
_TIGHT_RUN = re.compile(rf"(?:[+＋])?{_DIGIT}(?:[\-－—–]?{_DIGIT})+[XxＸｘ]?")
_SPOKEN = str.maketrans("零〇一二三四五六七八九幺两洞拐＊", "001234567891207*")
_NOT_DIGIT = re.compile(r"[^0-9*Xx]")
_BIRTH = r"(?:18|19|20)\d\d(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])"
_ID = re.compile(rf"[1-9]\d{{5}}{_BIRTH}\d{{3}}[\dX]")
_UNION_PAY = re.compile(r"62\d{14,17}")
_DATE = re.compile(r"20\d\d[ \-－./年·](?:0?[1-9]|1[0-2])[ \-－./月·](?:0?[1-9]|[12]\d|3[01])")
_STAMP = re.compile(r"20[0-3]\d(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])(?:[01]\d|2[0-3])[0-5]\d(?:[0-5]\d)?")
_MOBILE = re.compile(r"(?:\+?86|0086)?(1[3-9][\d*]{9})$")
_LANDLINE = re.compile(r"(?:86)?0(?:10|2\d|[3-9]\d\d)\d{7,8}$")
_SERVICE = re.compile(r"(?:[48]00\d{7}|1[12][0-9]|12\d{3}|95\d{3,5}|96\d{3,4}|100\d\d|11[0-9]{3}|106\d{5,17})$")
_UNIT = re.compile(r"[元块万千百美刀钱]|度电|公里|平方|毫升|人次|[年月日]")
_LOCAL = re.compile(r"[2-8]\d{6,7}")
_ASKS_NUMBER = re.compile("电话|手机|号码|联系方式|身份证|证件|卡号|账号|座机")
BEFORE = 14
MOST = {"plate": 8}
FEWEST = {"id": 5, "phone": 5, "card": 8, "net": 5, "plate": 4}
MARKS = {"id": "〔证件〕", "phone": "〔电话〕", "card": "〔卡号〕", "net": "〔账号〕", "plate": "〔车牌〕"}
LOOK_BACK = 4
MOST_GROUPS = 12


class Numbers:
    """Tells personal digit runs from the others by their shape and by the nearest word before them."""

    def __init__(self, words: Mapping[str, Sequence[str]]) -> None:
        kinds = {"order": "order_before", "clip": "clip_before"} | {kind: f"{kind}_before" for kind in MARKS}
        self._words = sorted(
            ((word.upper(), kind) for kind, row in kinds.items() for word in words[row]), key=lambda pair: -len(pair[0])
        )
        self._any_word = re.compile("|".join(re.escape(word) for word, _ in self._words))
        fillers = sorted(words["number_filler"], key=len, reverse=True)
        self._filler = re.compile(rf"(?:[，。、,.…？?！!\s]|{'|'.join(map(re.escape, fillers))})*+")

    def spans(self, view: str) -> Iterator[tuple[int, int, str]]:
        """(start, end, mark) of the personal digit runs of `view`; lines are turns that follow one another."""
        yield from self._in_groups(view)
        for run in _RUN.finditer(view):
            parts = list(_FIRM_RUN.finditer(view, run.start(), run.end()))
            certain = any(_exact(part.group()) for part in parts)
            if not certain and (mark := self._mark(view, run.start(), run.end(), loose=True)):
                yield run.start(), run.end(), mark
                continue
            for part in parts:
                if mark := self._mark(view, part.start(), part.end(), loose=False):
                    yield part.start(), part.end(), mark
                    continue
                for word in _TIGHT_RUN.finditer(view, part.start(), part.end()):
                    if mark := self._mark(view, word.start(), word.end(), loose=False):
                        yield word.start(), word.end(), mark

    def _in_groups(self, view: str) -> Iterator[tuple[int, int, str]]:
        """Numbers whose groups fillers, echoes and turns part, one span a turn: 138，嗯，138，0571，好，2345."""
        groups = list(_FIRM_RUN.finditer(view))
        first = 0
        while first + 1 < len(groups):
            if _exact(groups[first].group()):
                first += 1
                continue
            mark, last = None, first
            start, end = groups[first].span()
            for number in range(first + 1, min(first + MOST_GROUPS, len(groups))):
                if not self._filler.fullmatch(view, end, groups[number].start()):
                    break
                end = groups[number].end()
                if found := self._mark_of_groups(view, start, end):
                    mark, last = found, number
            if mark:
                for line in re.finditer(r"[^\n]+", view[start : groups[last].end()]):
                    inside = [group.span() for group in _FIRM_RUN.finditer(line.group())]
                    if inside:
                        yield start + line.start() + inside[0][0], start + line.start() + inside[-1][1], mark
            first = last + 1

    def _mark_of_groups(self, view: str, start: int, end: int) -> str | None:
        digits = dialled(view[start:end])
        if _UNIT.match(view, end):
            return None
        if _LOCAL.fullmatch(digits) and self._kind(view[max(0, start - BEFORE) : start]) == "phone":
            return MARKS["phone"]
        return by_shape(digits, "") if _exact(digits) or _UNION_PAY.fullmatch(digits) else None

    def _mark(self, view: str, start: int, end: int, loose: bool) -> str | None:
        said = view[start:end]
        digits = _NOT_DIGIT.sub("", said.translate(_SPOKEN)).upper()
        kind = self._kind(view[max(0, start - BEFORE) : start])
        if len(digits) < 4 or kind in ("clip", "order") or _DATE.search(said) or _SERVICE.match(digits):
            return None
        if loose and kind is None and not _one_number(said, digits):
            return None
        if mark := by_shape(digits, said):
            return MARKS[kind] if kind and not _MOBILE.match(digits) else mark
        if kind is None or not FEWEST[kind] <= len(digits) <= MOST.get(kind, 99) or _UNIT.match(view, end):
            return None
        return MARKS[kind]

    def _kind(self, before: str) -> str | None:
        """The kind of the word that stands nearest before the run, within the sentence."""
        clause = re.split("[。！？；!?;\n]", before)[-1].upper()
        if not self._any_word.search(clause):  # as for most runs; looking for each word takes four times as long
            return None
        nearest = [(clause.rfind(word) + len(word), len(word), kind) for word, kind in self._words if word in clause]
        return max(nearest)[2] if nearest else None

    def dictated(self, view: str, earlier: Sequence[str]) -> str | None:
        """The mark for a whole turn of digits that goes on with a number asked for or begun a few turns ago."""
        rest = self._filler.match(view)
        run = _RUN.match(view, rest.end() if rest else 0)
        if run is None or self._filler.fullmatch(view, run.end()) is None:
            return None
        digits = _NOT_DIGIT.sub("", run.group().translate(_SPOKEN))
        if not 3 <= len(digits) <= 12 or _SERVICE.match(digits):
            return None
        asked = [found.group() for text in earlier[-LOOK_BACK:] for found in _ASKS_NUMBER.finditer(text)]
        if not asked:
            return None
        return {"身份证": "〔证件〕", "证件": "〔证件〕", "卡号": "〔卡号〕", "账号": "〔卡号〕"}.get(
            asked[-1], "〔电话〕"
        )


def dialled(said: str) -> str:
    """The digits of a number; a group that repeats what was just said counts once where only so it is a number."""
    groups = [group for group in _NOT_DIGIT.split(said.translate(_SPOKEN).upper()) if group]
    digits = ""
    for group in groups:
        digits += "" if len(group) > 1 and digits.endswith(group) else group
    return digits if _exact(digits) and not _exact("".join(groups)) else "".join(groups)


def _exact(said: str) -> bool:
    """Whether the digits are a telephone number or an identity card and nothing more."""
    digits = _NOT_DIGIT.sub("", said.translate(_SPOKEN)).upper()
    return bool(_MOBILE.match(digits) or _LANDLINE.match(digits) or _ID.fullmatch(digits))


def _one_number(said: str, digits: str) -> bool:
    """Whether a run with pauses in it is one number and no list of amounts."""
    if not re.search("[，,、…~()（）.．_]", said):
        return True
    return bool(
        _MOBILE.match(digits) or _LANDLINE.match(digits) or _ID.fullmatch(digits) or _UNION_PAY.fullmatch(digits)
    )


def by_shape(digits: str, said: str) -> str | None:
    """The mark that the digits alone give away."""
    if _MOBILE.match(digits) or _LANDLINE.match(digits):
        return "〔电话〕"
    if _STAMP.fullmatch(digits):
        return None
    if _ID.fullmatch(digits):
        return "〔证件〕"
    real = len(digits)
    if (said[:1] in "+＋" and real >= 8) or (digits.startswith("00") and 10 <= real <= 15):
        return "〔电话〕"
    if real >= 15:
        return "〔证件〕" if real == 18 and digits[-1] == "X" else "〔卡号〕"
    spoken = sum(char in "零〇一二三四五六七八九幺两洞拐" for char in said) > real / 2
    if re.match("1[3-9]", digits) and 10 <= real <= 14:
        return "〔电话〕"
    return "〔电话〕" if spoken and real >= 9 and not re.match("12345|98765|23456", digits) else None
