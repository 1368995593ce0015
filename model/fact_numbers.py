"""Facts that are numbers: amounts of money, numbers of people, telephones, plates, account digits."""

import re
from collections.abc import Iterator
from functools import cache

from data.redaction import Span, numbers_and_shapes
from data.redaction_numbers import dialled
from model.fact_patterns import CLAUSE_END, PERSON, Found, load_words
from model.numerals import MORE, NUMBER, Said, number

_CURRENCY = "(?:块钱|块|元钱|元|圆|人民币|万元|美元|美金|欧元|港币|刀乐|毛钱|毛|角钱|大洋|个达不溜)"
_AMOUNT = re.compile(
    rf"(?P<n>上万|上千|好?几[百千万]|{NUMBER})(?P<more>{MORE})?(?P<big>[万千百])?(?P<unit>{_CURRENCY})?"
    "(?P<rest>[一二三四五六七八九](?=[，。！？、 的吧钱]|$))?(?P<over>多|出头|以上|不到)?"
)
_MAGNITUDE = re.compile(r"[百千万]|[0-9]{3,}|[0-9],[0-9]{3}")
_PEOPLE = re.compile(
    rf"(?P<n>{NUMBER})(?P<more>多|来|几|余|号|把)?(?:个|名|位|号)?(?:[^，。！？、岁米块0-9一二三四五六七八九十]{{0,4}}的)?(?P<who>{PERSON})"
)
_MEN_AND_WOMEN = re.compile(
    r"([一二两三四五六七八九十])(?:个)?(?:男|女)(?:的)?[、，]?([一二两三四五六七八九十])(?:个)?(?:男|女)(?![人孩儿])(?:的)?"
)
_BARE = re.compile(
    rf"(?:大概|差不多|大约|总共|一共|有|就|估计|好像|起码|嗯|好几|可能|应该|是|得有|至少|，|,)*(?P<n>{NUMBER})(?P<more>多|来|几|余|把)?(?:个|名|位|人)?(?=[，。！？、吧呢啊的嘛,\.]|$|左右|上下|，)"
)
_DRESSED = re.compile(
    rf"(?:对方|他们|来了|那边|一伙)(?:有|是|就|来了)?(?P<n>{NUMBER})(?:个|名)(?=[，。！？、 ]|$)"
    rf"|(?P<m>{NUMBER})(?:个|名)(?:戴|穿|染|骑|喝醉|光头|纹身|蒙面|拿)[^，。！？、]{{0,6}}的"
)
_ALONE = re.compile("(?:来了|就他|就她|只有|对方|就|就来)(?:是|有|他|她|他们)?$")
_TAIL = re.compile(r"(?:尾号|后四位|末四位|尾数)(?:是|为|[:： ])?(?P<n>[0-9]{3,6}|[零〇一二三四五六七八九幺两]{3,6})")
_NOT_DIGIT = re.compile(r"[^0-9A-Za-z]")
_SPOKEN = str.maketrans("零〇一二三四五六七八九幺两洞拐", "001234567891207")
_TENS = re.compile("[二三四五六七八九]?十[一二三四五六七八九]?|[1-9][0-9]")
_PAYS = re.compile("(?:收|付|给|转|罚|赔|扣|花|少|多收)(?:了|我|他|她|你)*$")
_MONEY_BEHIND = re.compile(
    "现金|现钞|的?(?:工程款|货款|钱|费用|押金|定金|订金|工资|红包|保证金|学费|房租|欠款|罚款)|一个月|一年|一晚|一小时|每月|每年"
)
_ABOUT = re.compile("左右|上下|出头")
_STOP = re.compile("[，。！？、； ]|$")
_LEAD = re.compile("[京津沪渝冀豫云辽黑湘皖鲁新苏浙赣鄂桂甘晋蒙陕吉闽贵粤青藏川宁琼][A-Za-z]")
BEFORE = 9


@cache
def _any(kind: str) -> re.Pattern[str]:
    words = sorted(load_words()[kind], key=len, reverse=True)
    return re.compile("(?:" + "|".join(map(re.escape, words)) + ")")


def _clause_before(view: str, start: int, length: int = BEFORE) -> str:
    return CLAUSE_END.split(view[max(0, start - length) : start])[-1]


def find_amounts(view: str, asked: str) -> Iterator[Found]:
    """Amounts in `view`: a number with a currency, or one that money words or the operator's question announce."""
    for match in _AMOUNT.finditer(view):
        unit, words = (
            match.group("unit") or "",
            match.group("n") + (match.group("more") or "") + (match.group("big") or ""),
        )
        end = match.end() if match.group("over") not in ("不到",) else match.start("over")
        if match.group("rest") and not unit.startswith("块"):
            end = match.start("rest")
        if not _is_amount(view, match, unit, asked):
            continue
        said = number(words)
        if said is None:
            continue
        value = _in_yuan(said, unit, match.group("rest"))
        more = said.more or match.group("over") in ("多", "出头", "以上")
        yield Found("amount", str(Said(value.low, value.high, more)), match.start(), end)


def _is_amount(view: str, match: re.Match[str], unit: str, asked: str) -> bool:
    behind = view[match.end("n") : match.end("n") + 4] if not match.group("more") else view[match.end("more") :][:4]
    before = _clause_before(view, match.start())
    if before.endswith(("第", "尾号", "号", "尾数")) or re.search("[A-Za-z]$", before):
        return False
    if before.endswith(load_words()["money_question"]):
        return False
    announced = bool(_any("money_before").search(before))
    if unit:
        counts_things = unit == "块" and _any("not_money").match("块" + view[match.end("unit") : match.end("unit") + 3])
        vague = match.group("n") == "一" and unit in ("块", "角", "毛", "刀") and not announced
        return not counts_things and not vague and (unit not in ("角", "毛") or announced)
    if _MONEY_BEHIND.match(behind):
        return True
    if match.group("n") in load_words()["hotline"] and not before.endswith(load_words()["hotline_spent"]):
        return False
    if _any("not_money").match(behind) or re.match("[:：.\\-]", behind):
        return False
    if not _MAGNITUDE.search(match.group("n") + (match.group("big") or "")):
        return bool(_TENS.fullmatch(match.group("n")) and _PAYS.search(before))
    alone = (_STOP.match(view, match.end()) or _ABOUT.match(view, match.end())) and _STOP.search(
        view[: match.start()][-1:] or "，"
    )
    earlier = view[max(0, match.start() - 2 * BEFORE) : match.start()]
    return (
        announced
        or bool(_any("money_asked").search(asked))
        or bool((alone or _ABOUT.match(view, match.end())) and _any("money_before").search(earlier))
    )


def _in_yuan(said: Said, unit: str, rest: str | None) -> Said:
    factor = 0.1 if unit.startswith(("毛", "角")) else 10_000 if unit == "万元" else 1
    extra = float("零一二三四五六七八九".index(rest)) / 10 if rest and unit.startswith("块") else 0.0
    return Said(round(said.low * factor + extra, 2), round(said.high * factor + extra, 2))


def find_people(view: str, asked: str) -> Iterator[Found]:
    """Numbers of people in `view`; one alone only where that is the point, a bare number only when asked."""
    taken: list[tuple[int, int]] = []
    for match in _MEN_AND_WOMEN.finditer(view):
        first, second = number(match.group(1)), number(match.group(2))
        if first and second:
            taken.append(match.span())
            yield Found("people", str(first + second), *match.span())
    asks = bool(_any("people_asked").search(asked))
    for match in _PEOPLE.finditer(view):
        if any(start < match.end() and match.start() < end for start, end in taken):
            continue
        said = number(match.group("n") + (match.group("more") or "").replace("号", "").replace("把", "多"))
        before = _clause_before(view, match.start())
        if said is None or said.low == 0 or said.low > 100_000 or _any("not_people_before").search(before[-4:]):
            continue
        if said.high == 1 and not said.more and not (asks or _ALONE.search(before)):
            continue
        yield Found("people", str(said), *match.span())
        taken.append(match.span())
    for match in _DRESSED.finditer(view):
        group = "n" if match.group("n") else "m"
        said = number(match.group(group))
        if said is not None and said.low >= 2 and not any(a < match.end() and match.start() < b for a, b in taken):
            yield Found("people", str(said), match.start(group), match.end())
            taken.append(match.span())
    if asks and (bare := _BARE.match(view)) and not any(start < bare.end() for start, _ in taken):
        said = number(bare.group("n") + (bare.group("more") or ""))
        if said is not None and 0 < said.low <= 10_000:
            yield Found("people", str(said), bare.start("n"), bare.end())


def find_digits(view: str, asked: str) -> Iterator[Found]:
    """Telephones, plates and account digits in `view`."""
    for span in numbers_and_shapes(view):
        yield from _digits(view, span)
    for match in _TAIL.finditer(view):
        if not re.search("车|牌|手机|电话|单号|工单|编号", view[max(0, match.start() - 8) : match.start()]):
            yield Found("account", match.group("n").translate(_SPOKEN), *match.span())


def _digits(view: str, span: Span) -> Iterator[Found]:
    words = view[span.start : span.end]
    if "*" in words or "＊" in words:
        return
    plain = _NOT_DIGIT.sub("", words.translate(_SPOKEN))
    if span.mark == "〔电话〕":
        plain = re.sub(r"^(?:0086|86)(?=1[3-9]\d{9}$)", "", dialled(words))
        yield Found("phone", plain, span.start, span.end)
    elif span.mark == "〔卡号〕":
        yield Found("account", plain, span.start, span.end)
    elif span.mark == "〔车牌〕":
        names = [name for name in load_words()["province_name"] if words.startswith(name[:-1])]
        province = names[0][-1] if names else view[span.start]
        han = province if "一" <= province <= "鿿" and province not in "零一二三四五六七八九两幺" else ""
        lead = "" if han else "".join(_LEAD.findall(view[max(0, span.start - 8) : span.start])[-1:])
        yield Found("plate", (han + lead + plain).upper(), span.start, span.end)
