"""Names of persons after a word that announces one or before a title, and wherever the same name is said again."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence

MOST_KNOWN, MOST_SPELLED = 64, 6
HAN = "一-鿿㐀-䶿"
_LINK = "[是叫为就:：,，、 “\"'「『《]{0,3}"
_END = re.compile(f"[^{HAN}]|$")
_NAME_CUT = re.compile(r"先生|女士|小姐|师傅|同志|阿姨|大爷|大姐|老师|警官|经理|主任")
_ANSWER = re.compile("[嗯啊哦呃诶哎，,。. ]{0,3}(?:我是|我叫|叫|我姓|免贵姓|免贵|姓|她叫|他叫|是)?")
_FULL = re.compile(f"[{HAN}]{{2,4}}")
_AGAIN = re.compile("[，,、。… ]{0,3}(?:我叫|全名|名字|就)?叫?")
_PAUSE = re.compile("(?:不对|不是|对|嗯|[，,、 ])*(?:就是|是)?")
_SPELLS = re.compile(
    rf"[{HAN}]{{0,3}}?([{HAN}])[{HAN}]{{0,3}}?的\1|[{HAN}](?:是|就是|字)[{HAN}]{{1,4}}的[{HAN}]{{1,10}}"
)
_FOREIGN = re.compile(rf"[{HAN}]{{1,8}}[·•・][{HAN}]{{1,8}}|[A-Z][A-Za-z]{{1,15}}(?: [A-Z][A-Za-z]{{1,15}}){{0,2}}")
_NICK = re.compile(rf"[小阿][{HAN}](?=[^{HAN}]|$)")
_ENGLISH = re.compile(
    r"(?i:my name is|my name's|name is|i am called) ?([A-Z][A-Za-z]{1,15}(?: [A-Z][A-Za-z]{1,15}){0,2})"
)


def _any(words: Sequence[str]) -> str:
    return "(?:" + "|".join(re.escape(word) for word in sorted(words, key=len, reverse=True)) + ")"


class Names:
    """Finds names by cue, surname and given name."""

    def __init__(self, words: Mapping[str, Sequence[str]]) -> None:
        self._surnames = frozenset(words["surname"]) | frozenset(words["rare_surname"])
        self._rare = frozenset(words["rare_surname"])
        self._compound = frozenset(words["compound_surname"])
        self._given = frozenset(words["given"])
        self._not_first, self._not_second = frozenset(words["not_given"]), frozenset(words["not_second"])
        self._not_name = re.compile(_any(words["not_name"]))
        self._strong = re.compile(_any(words["name_cue"]) + _LINK)
        self._weak = re.compile(_any(words["weak_cue"]) + "[是叫为:：, ]{0,2}")
        self._surname_cue = re.compile(_any(words["surname_cue"]) + "[:：, ]?")
        self._asks = re.compile(_any(words["ask_name"]) + f"[{HAN}]{{0,3}}(?:[^{HAN}]|$)")
        self._asks_thing = re.compile(_any(words["ask_no_name"]))
        self._titled = re.compile(f"[{HAN}]{_any(words['surname_title'])}")
        self._title = re.compile(_any(words["name_title"]))
        self._bound = re.compile(f"(?:^|[^{HAN}]|{_any(words['before_name'])})$")
        self._second_word = re.compile(_any(words["not_second_word"]))
        self._reports = re.compile(f"(?<![{HAN}])(?=[{HAN}]{{2,4}}{_any(words['reports'])})")
        self._report = re.compile(_any(words["reports"]))
        self._any_surname = re.compile(_any(words["any_surname_cue"]) + f"(?=[{HAN}](?:[^{HAN}]|$))")
        self._spelled = re.compile(_any(words["spelled"]))

    def asks(self, view: str) -> bool:
        """Whether `view` asks for a name."""
        found = self._asks.search(view)
        return found is not None and not self._asks_thing.search(view, max(0, found.start() - 6), found.start())

    def said(self, views: Iterable[tuple[str, bool]]) -> tuple[str, ...]:
        """Full names in the views (and whether each answers a question for one), the first `MOST_KNOWN` of them."""
        found = dict.fromkeys(
            view[start:end] for view, answers in views for start, end in self.spans(view, answers, known=())
        )
        return tuple([name for name in found if self._is_full(name)][:MOST_KNOWN])

    def _is_full(self, name: str) -> bool:
        """Whether `name` is long enough and likely enough to be looked for everywhere."""
        firm = name[:1] in self._surnames and name[-1:] in self._given and "的" not in name
        return firm and bool(_FULL.fullmatch(name))

    def spans(self, view: str, answers: bool, known: Sequence[str]) -> Iterator[tuple[int, int]]:
        """Where names stand; `answers`: the turn answers a question for one; `known`: names said elsewhere."""
        yield from self._by_cue(view)
        yield from self._by_title(view)
        yield from ((match.start(), match.end()) for match in self._spelled.finditer(view))
        if answers:
            yield from self._answer(view)
        if known:
            yield from ((match.start(), match.end()) for match in re.finditer(_any(known), view))

    def _answer(self, view: str) -> Iterator[tuple[int, int]]:
        begin = _ANSWER.match(view)
        start = begin.end() if begin else 0
        end = self.name_at(view, start)
        if end is not None and (_END.match(view, end) or self._likely(view, start, end)):
            yield start, end
            yield from self._spelling(view, end)
        elif view[start : start + 1] in self._surnames and _END.match(view, start + 1):
            yield start, start + 1
            yield from self._spelling(view, start + 1)
        elif match := _FOREIGN.match(view, start):
            yield match.start(), match.end()

    def _by_cue(self, view: str) -> Iterator[tuple[int, int]]:
        for cue in self._strong.finditer(view):
            if found := self._after_strong(view, cue.end()):
                yield found
                yield from self._spelling(view, found[1])
            elif view[cue.end() : cue.end() + 1] in self._surnames:
                yield from self._again(view, cue.end())
        for cue in self._weak.finditer(view):
            start, link = cue.end(), cue.group()[-1:]
            titled = self._titled.match(view, start) or self._nick(view, start) if link in "叫称" else None
            if titled and (view[start] in self._surnames or view[start] in "小阿"):
                yield titled.span()
                continue
            end = self.name_at(view, start)
            if end is not None and end - start >= 2 and self._likely(view, start, end):
                if cue.group() == "我" and (end - start < 3 or not _END.match(view, end)):
                    continue
                yield cue.end(), end
        for cue in self._surname_cue.finditer(view):
            start = cue.end()
            end = self.name_at(view, start)
            if end is not None and self._likely(view, start, end):
                yield start, end
                continue
            if view[start : start + 1] in self._surnames or view[start : start + 2] in self._compound:
                yield from self._again(view, start)
            if view[start : start + 2] in self._compound:
                yield start, start + 2
            elif view[start : start + 1] in self._surnames and view[start + 1 : start + 2] not in ("名", "氏"):
                yield start, start + 1
                yield from self._spelling(view, start + 1)
        for cue in self._any_surname.finditer(view):
            if view[cue.end()] not in self._not_first:
                yield cue.end(), cue.end() + 1
                yield from self._spelling(view, cue.end() + 1)
        for cue in self._reports.finditer(view):
            end = self.name_at(view, cue.end())
            if end is not None and self._report.match(view, end) and self._likely(view, cue.end(), end):
                yield cue.end(), end
        for match in _ENGLISH.finditer(view):
            yield match.span(1)

    def _by_title(self, view: str) -> Iterator[tuple[int, int]]:
        """A full name before a title: 王建国先生."""
        for title in self._title.finditer(view):
            for length in (4, 3, 2):
                start = title.start() - length
                if start >= 0 and self._is_titled(view, start, title.start()):
                    yield start, title.start()
                    break

    def _is_titled(self, view: str, start: int, end: int) -> bool:
        """Whether a surname and a likely given name fill `start`–`end`; the doubtful only where a word can begin."""
        name = view[start:end]
        surname = 2 if name[:2] in self._compound else 1
        if (surname == 1 and name[0] not in self._surnames) or self._not_name.search(name):
            return False
        given = name[surname:]
        if not 1 <= len(given) <= 2 or given[0] in self._not_first or not all(char in self._given for char in given):
            return False
        doubts = (name[0] in self._rare) + (len(given) == 1)
        return doubts == 0 or (doubts == 1 and bool(self._bound.search(view, max(0, start - 4), start)))

    def _nick(self, view: str, start: int) -> re.Match[str] | None:
        """A pet name such as 阿强."""
        return None if self._not_name.match(view, start) else _NICK.match(view, start)

    def _again(self, view: str, start: int) -> Iterator[tuple[int, int]]:
        """The full name that follows its surname: 免贵姓王，王建国."""
        length = 2 if view[start : start + 2] in self._compound else 1
        surname = view[start : start + length]
        begin = _AGAIN.match(view, start + length)
        if begin is None or not view.startswith(surname, begin.end()) or not surname:
            return
        yield start, start + length
        end = self.name_at(view, begin.end())
        if end is not None:
            yield begin.end(), end
            yield from self._spelling(view, end)

    def _after_strong(self, view: str, start: int) -> tuple[int, int] | None:
        if match := _FOREIGN.match(view, start) or self._nick(view, start):
            return match.span()
        if view[start : start + 1] in self._surnames and (match := self._titled.match(view, start)):
            return match.span()
        end = self.name_at(view, start)
        if end is None:
            return None
        single = end - start == 2
        if view[start] in self._rare or single or view[start - 2 : start] in ("我是", "本人"):
            return (start, end) if self._likely(view, start, end) else None
        return start, end

    def _spelling(self, view: str, end: int) -> Iterator[tuple[int, int]]:
        """How a name is written: 建设的建，国家的国，弓长张."""
        for _ in range(MOST_SPELLED):
            start = _PAUSE.match(view, end).end()  # type: ignore[union-attr]
            match = self._spelled.match(view, start) or _SPELLS.match(view, start)
            if match is None:
                return
            yield match.span()
            end = match.end()

    def _likely(self, view: str, start: int, end: int) -> bool:
        """Whether the given name is of common characters and the name ends where a word does."""
        surname = 2 if view[start : start + 2] in self._compound else 1
        given = view[start + surname : end]
        follows = view[end : end + 1]
        bounded = not follows or not re.match(f"[{HAN}]", follows) or follows in self._not_second
        return bool(given) and all(char in self._given for char in given) and (bounded or len(given) == 2)

    def name_at(self, view: str, start: int) -> int | None:
        """Where the name that begins at `start` ends; None when no name begins there."""
        surname = 2 if view[start : start + 2] in self._compound else 1
        if (surname == 1 and view[start : start + 1] not in self._surnames) or self._not_name.match(view, start):
            return None
        first = start + surname
        if not re.match(f"[{HAN}]", view[first : first + 1]) or view[first] in self._not_first:
            return None
        if _NAME_CUT.match(view, first):
            return None
        second = view[first + 1 : first + 2]
        ends = (
            not re.match(f"[{HAN}]", second)
            or second in self._not_second
            or _NAME_CUT.match(view, first + 1) is not None
            or self._second_word.match(view, first + 1) is not None
        )
        return first + 1 if ends else first + 2
