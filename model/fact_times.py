"""When it happened, as far as the words tell: 昨晚十点多 → 昨天22:00+, 半小时前 → 30分钟前."""

import re
from collections.abc import Iterator

from model.fact_patterns import Found
from model.numerals import number

_H = "[0-9]{1,2}|[零一二两三四五六七八九]|十[一二]?|二十[一二三四]?"
_N = "[0-9]{1,4}|[一二两三四五六七八九十半几]{1,3}(?:十[一二三四五六七八九])?"
_DAY = "大前天|前天|前日|昨天|昨日|今天|今日|昨儿|今儿|当天"
_SHORT = "昨晚|昨夜|今早|今晨|今晚|前晚|昨早|当晚|前夜"
_WEEK = "(?:上上|上|这|本)个?(?:周|星期|礼拜)[一二三四五六日天末]?|(?:周|星期|礼拜)[一二三四五六日天末]"
_DATE = (
    "(?:20[0-9]{2}[年.\\-/][0-9]{1,2}[月.\\-/][0-9]{1,2}[日号]?|(?:去年|今年|前年)?(?:[0-9]{1,2}|[一二三四五六七八九十]{1,2})月"
    "(?:(?:[0-9]{1,2}|[一二三四五六七八九十]{1,3})[日号]|底|初|中旬|份)?|(?:上|这|本)个?月(?:(?:[0-9]{1,2}|[一二三四五六七八九十]{1,3})[日号]|底|初|中旬)?|去年年?底|年初|去年|前年)"
)
_PERIOD = "凌晨|清晨|早上|早晨|上午|中午|下午|傍晚|晚上|夜里|半夜|深夜|晚|午夜|后半夜|一早|天亮"
_CLOCK = (
    f"(?:(?P<h>{_H})(?:点钟?|时)(?P<m>半|一刻|三刻|[零0]?[0-9一二三四五六七八九十]{{1,3}}分?|过)?"
    "|(?P<hh>[0-2]?[0-9])[:：](?P<mm>[0-5][0-9])(?:[:：][0-5][0-9])?)(?P<more>多|来钟|出头|左右|钟|整)?钟?(?:左右)?"
)
_WHEN = re.compile(
    f"(?P<day>{_DAY}|{_SHORT}|{_WEEK}|{_DATE})?的?(?:大概|大约|差不多)?(?P<period>{_PERIOD})?(?:大概|大约|差不多|的)?(?P<clock>{_CLOCK})?"
)
_AGO = re.compile(
    f"(?:大概|差不多)?(?P<n>{_N})(?P<ge>个)?(?P<half>半)?(?P<more>多|来)?(?P<unit>小时|钟头|分钟|天|月|年|星期|礼拜|周|秒钟?|日)(?P<tail>多)?(?:之|以)?前"
)
_JUST = re.compile("刚刚|刚才|方才|刚刚才|就刚|才刚")
_UNITS = {"钟头": "小时", "礼拜": "周", "星期": "周", "月": "个月", "秒钟": "秒", "日": "天"}
_SHORT_DAYS = {
    "昨晚": ("昨天", "晚上"),
    "昨夜": ("昨天", "夜里"),
    "今早": ("今天", "早上"),
    "今晨": ("今天", "凌晨"),
    "今晚": ("今天", "晚上"),
    "前晚": ("前天", "晚上"),
    "昨早": ("昨天", "早上"),
    "当晚": ("当天", "晚上"),
    "前夜": ("前天", "夜里"),
}
_DAY_NAMES = {"昨日": "昨天", "今日": "今天", "前日": "前天", "昨儿": "昨天", "今儿": "今天"}
_AFTERNOON = ("下午", "傍晚", "晚上", "夜里", "晚", "深夜")
_NIGHTS = ("昨晚", "今晚", "前晚", "昨夜", "当晚", "前夜")
_SURE_CLOCK = re.compile("(?:钟|半|刻|左右|多|整|分)$")
_FOLLOWS_CLOCK = re.compile("[，。、！？ ]|$|的时候|开始|到|之前|以后|起来|没来|约|前|后|我|他|她|就|还|被|在")


def find_times(view: str) -> Iterator[Found]:
    """Times in `view`; a part of the day alone (晚上) is none."""
    taken: list[tuple[int, int]] = []
    for match in _AGO.finditer(view):
        if value := _ago(match):
            taken.append(match.span())
            yield Found("time", value, *match.span())
    for match in _JUST.finditer(view):
        taken.append(match.span())
        yield Found("time", "刚刚", *match.span())
    last = ""
    for match in _WHEN.finditer(view):
        if not match.group() or any(start < match.end() and match.start() < end for start, end in taken):
            continue
        value = _when(match, view)
        if value and not match.group("period") and not match.group("day") and last >= "12:00" and value < "12:00":
            later = f"{int(value[:2]) + 12:02d}{value[2:]}"
            value = later if later > last else value
        if value:
            last = value[-5:] if match.group("clock") else last
            yield Found("time", value, match.start(), match.end())


def _ago(match: re.Match[str]) -> str | None:
    words, unit = match.group("n"), match.group("unit")
    unit = _UNITS.get(unit, unit)
    if words == "半":
        return {"小时": "30分钟前", "天": "半天前", "年": "半年前", "个月": "半个月前"}.get(unit)
    if words == "几":
        return f"几{unit}前"
    said = number(words)
    if said is None:
        return None
    if match.group("half") and unit == "小时":
        return f"{int(said.low * 60 + 30)}分钟前"
    more = said.more or match.group("more") or match.group("tail")
    return f"{said}{'' if '+' in str(said) or not more else '+'}{unit}前"


def _when(match: re.Match[str], view: str) -> str | None:
    day, period = match.group("day") or "", match.group("period") or ""
    clock = _clock(match, period, day)
    if not day and not period and clock and not _firm(match, view):
        return None
    if not day and not clock:
        return None
    if day in _SHORT_DAYS and not (day in _NIGHTS and "00" <= clock < "05"):  # 昨晚两点 was today
        day, short = _SHORT_DAYS[day]
        period = period or short
    day = _DAY_NAMES.get(day, _date(day))
    if re.match("[生课]", view[match.end() : match.end() + 1]) and not clock:
        return None
    return day + (clock or {"晚": "晚上"}.get(period, period))


def _firm(match: re.Match[str], view: str) -> bool:
    """Whether a clock without day and part of the day is one: 三点 can be three points."""
    if match.group("hh"):
        return True
    said = match.group("clock")
    if match.group("h") in ("一", "几", "零", "0"):
        return bool(match.group("m")) or said.endswith("钟")
    return (
        bool(_SURE_CLOCK.search(said))
        or len(match.group("m") or "") >= 2
        or bool(_FOLLOWS_CLOCK.match(view, match.end()))
    )


def _clock(match: re.Match[str], period: str, day: str) -> str:
    if match.group("clock") is None:
        return ""
    if match.group("hh"):
        hour, minute = int(match.group("hh")), int(match.group("mm"))
    else:
        said = number(match.group("h"))
        hour, minute = int(said.low) if said else 99, _minute(match.group("m"))
    evening = period in _AFTERNOON or (not period and day in _NIGHTS) or (period in ("半夜", "午夜") and hour >= 9)
    late_noon = period == "中午" and hour in (1, 2, 3)
    small = hour <= (5 if period in ("夜里", "深夜") else 4) and period not in ("下午", "傍晚")  # 昨晚两点 is night
    if (evening and hour < 12 and not small) or late_noon:
        hour += 12
    if evening and hour == 12 and period != "下午":
        hour = 24
    if hour > 24:
        return ""
    more = match.group("more") in ("多", "来钟", "出头") or match.group("m") == "过"
    return f"{hour:02d}:{minute:02d}{'+' if more else ''}"


def _minute(words: str | None) -> int:
    if words in (None, "", "过"):
        return 0
    if words in ("半", "一刻", "三刻"):
        return {"半": 30, "一刻": 15, "三刻": 45}[words]
    said = number(str(words).rstrip("分").lstrip("零0") or "0")
    return int(said.low) if said and said.low < 60 else 0


def _date(words: str) -> str:
    if match := re.match(r"(20\d\d)[年.\-/](\d{1,2})[月.\-/](\d{1,2})", words):
        return f"{match.group(1)}-{int(match.group(2)):02d}-{int(match.group(3)):02d}"
    words = words.replace("年年", "年")
    words = re.sub("(?:个)?(?:星期|礼拜|周)", "周", words).replace("周天", "周日")
    words = re.sub("^(上|这|本)月", r"\1个月", words).replace("号", "日").replace("份", "")
    return re.sub("[一二三四五六七八九十]+(?=[月日])", lambda found: str(number(found.group()) or ""), words)
